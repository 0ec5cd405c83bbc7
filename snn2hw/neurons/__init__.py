"""What a neuron computes, as an equation: real numbers in, before anything is an integer.

An equation enters from `snn2hw.nn` (traced from the `step` of a neuron) or from `library` (the
built-in family). What leaves:

* for the float network, its meaning in NumPy (`in_numpy`);
* for training, its meaning in torch (`in_torch`), its derivative (`reverse`), what must be
  remembered for that (`remembered`, `plan`), and both as C (`in_c`, from the files in `templates`);
* for the passes, its form without schedules (`counter`), its normal form (`normal`), and what an
  artefact says of it (`document`).
"""
