"""Files: bytes enter and a file or a folder on a disk leaves (`write`), or a user's path enters and bytes leave (`read`).

Nothing else in the package opens a user's file. Both refuse by name what they cannot do without harm, and a reader sees a
file or a folder as it was or as it is to be, at any moment.
"""
