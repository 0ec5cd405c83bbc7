"""The integer network in PyTorch, on a CPU or a GPU."""
