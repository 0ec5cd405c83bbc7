"""Neurons with rich dynamics, 1,000 steps in floats and in integers: `python -m bench.dynamics`."""
