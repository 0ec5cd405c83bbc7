"""`python -m tests.house`: what has to be touched to add something, counted from the lines that CONTRIBUTING prints."""

from tests.house.instructions import WHAT, touched

print("| to add | files | rows elsewhere |")
print("|---|---|---|")
for what in WHAT:
    t = touched(what)
    print(f"| {what} | {len(t.files)}: {', '.join(t.files)} | {len(t.rows)}{': ' * bool(t.rows)}{', '.join(t.rows)} |")
