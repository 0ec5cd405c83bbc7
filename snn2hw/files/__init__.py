"""What reaches a disk and what comes from one: `write` writes whatever a user sees, `read` reads whatever a user gives.

Nothing else in the package opens a user's file. Both refuse by name what they cannot do without harm, and a reader sees a
file or a folder as it was or as it is to be, at any moment.
"""
