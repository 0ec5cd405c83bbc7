"""One file per framework: its modules, recognised by the names of their classes, and what they are here.

What enters is a module of the user's model, what leaves is a `Known`, or an error that names what
cannot be exact. No framework is imported: their classes are told by module and name.
"""
