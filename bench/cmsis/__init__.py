"""The generated C beside CMSIS-NN, Arm's int8 kernels, on single layers of a Cortex-M: `python -m bench.cmsis PATH`."""
