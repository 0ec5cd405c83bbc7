"""What a neuron computes, as an equation: real numbers in, before anything is an integer.

An equation enters from `snn2hw.nn` (traced from the `step` of a neuron) or from `library` (the
built-in family); its meaning in NumPy (`in_numpy`) and in torch (`in_torch`), its normal form
(`normal`) and its form without schedules (`counter`) leave for the float network and the passes.
"""
