"""Measuring: `make bench` runs `python -m bench.run`, which writes performance.md. The other files are run by themselves.

Libraries that make threads read how many when they are imported; figures here are of one thread unless they say otherwise.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
