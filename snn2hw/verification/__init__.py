"""Verification: a compiled network and spike values to show it enter; a verdict on every executor leaves.

A verdict says how many integers were compared and where the first difference is, with its cause. What lies above the
integers is measured: `agreement` lays the float network beside them, layer by layer, `accuracy` says what that comes to,
and `losses` what of it is worth a warning.
"""
