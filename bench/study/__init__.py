"""Every kind of neuron on every digits task, in floats and in integers; `python -m bench.study.run` writes study.md."""
