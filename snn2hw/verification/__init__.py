"""Verification: a compiled network and spike values to show it enter; a verdict on every executor leaves.

A verdict says how many integers were compared and where the first difference is, with its cause. `accuracy` measures what
lies above the integers: the float network against its integers on labelled samples.
"""
