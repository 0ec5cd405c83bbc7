"""The fast simulator: C generated for one network, compiled here, bound to its weights."""
