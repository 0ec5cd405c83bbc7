"""Every kind of neuron on digits and recorded data, in floats and integers; `python -m bench.study.run` writes study.md."""
