"""P(u) in integers: real coefficients and the widths of a target enter; the lines of a neuron program leave.

Schemes of evaluation, the best coefficients of a given width, the exact error, and the choice by it are one file each.
"""
