"""The compiler's passes: a float network with samples to calibrate on enters `run_pipeline`, and an integer network leaves.

Each pass takes a `Compilation` and returns a new one. What quantisation lost leaves with it, as findings.
"""
