"""lava-dl's `.net` files: a file enters, an integer network leaves."""
