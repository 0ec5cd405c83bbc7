"""Verification: one stimulus through many executors, the first difference and its cause; measurements above the quantiser."""
