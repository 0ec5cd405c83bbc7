"""What a neuron computes, as an equation: real numbers in, before anything is an integer.

An equation enters from `snn2hw.nn` (traced from the `step` of a neuron) or from `library`; its
meaning in NumPy (`in_numpy`) and in torch (`in_torch`) and its normal form leave for the passes.
"""
