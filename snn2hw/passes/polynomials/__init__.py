"""P(u) in integers: schemes of evaluation, the best coefficients of a given width, the exact error, the choice."""
