"""What of the site nobody writes: source files of this checkout enter, Markdown of pages leaves.

`make docs` runs it through mkdocs. `hooks` adds the pages, `docstrings` puts docstrings into the form
that mkdocstrings reads; the other modules make one kind of page each.
"""
