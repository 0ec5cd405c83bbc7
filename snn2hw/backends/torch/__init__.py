"""PyTorch: a compiled model and spike values enter, their trace leaves, computed in integers on a CPU or a GPU."""
