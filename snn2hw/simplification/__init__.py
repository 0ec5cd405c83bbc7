"""A neuron program as it is emitted: fewer operations, the same integers for every state and input.

Programs of `ir` enter; shorter ones leave, for every back end that writes or runs them.

The lowered program says what the equation is; the certificate speaks of it, and `model.onnx` keeps it. What runs is the
simplified one: ONNX Runtime, C, SystemVerilog, Lava, torch. Every rewrite is proved before it is made (`proof`), and
`snn2hw check` proves that the function which `model.onnx` calls gives what the lowered one gives, by code of its own.
"""

from snn2hw.simplification.simplify import simplified, simplified_network

__all__ = ["simplified", "simplified_network"]
