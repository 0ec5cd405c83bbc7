"""What runs beside this process or below it: outside tools, forks of this process."""
