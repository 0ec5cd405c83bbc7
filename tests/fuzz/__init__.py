"""Damaged inputs for every reader of bytes that a user gives, run in child processes under limits.

    .venv/bin/python -m tests.fuzz --readers npy,npz --cases 5000     # a table of verdicts; failures with a line to replay
    .venv/bin/python -m tests.fuzz --readers npy --case 1234          # one case again, with its traceback
    make fuzz MINUTES=30                                              # all readers in turn until the time is over

A reader is one file with a `READER = Reader(...)` (tests/fuzz/harness.py), entered in tests/fuzz/readers.py. A case is a number:
everything random of it comes from `random.Random(f"{reader}/{number}")`. Numbers that found a fault stay in seeds.toml.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # children are forked: no pool of threads may stand before
