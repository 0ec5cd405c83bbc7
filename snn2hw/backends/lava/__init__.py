"""Lava: a compiled model and spike values enter, the trace of its Lava processes leaves.

They run in a side environment of their own, since Lava only imports on Python 3.10:
environment.py and executor.py run here, on any Python; process.py, model.py, mapping.py and side.py run over there.
"""
