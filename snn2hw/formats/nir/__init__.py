"""NIR: a `.nir` file enters, a float network (or the exact integers in it) leaves; an integer network enters, a file leaves."""
