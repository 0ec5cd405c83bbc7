"""What the generated C can hold, asked before any of it is written or compiled."""

from __future__ import annotations

from snn2hw.backends.base import lacking
from snn2hw.backends.c.layer_code import LAYERS
from snn2hw.backends.c.memory import memory, of_a_step
from snn2hw.backends.c.plan import plan
from snn2hw.backends.c.synapse_plan import too_many_steps
from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.lack import Lack
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.simplification import simplified_network

_OTHERS = "use the executor onnxruntime, or write this layer with those named"


def kinds() -> tuple[type[IntNode], ...]:
    """What there is C for: inputs, synapses, neurons and their joints, and every layer with a row in the table."""
    return (IntInput, IntConv2d, IntLinear, *LAYERS, IntNeuron, IntFeedback, IntReadout)


def fast_lacks(net: IntegerNetwork) -> list[Lack]:
    """What the C of the executor `fast` has no function for, and synapses whose sums of all steps would not fit the stack."""
    found = lacking(net, kinds(), _OTHERS)
    if found:
        return found
    values = plan(net, 0, net.input.static).values
    problems = [too_many_steps(n, values[n.inputs[0]].steps) for n in net.nodes if isinstance(n, IntConv2d | IntLinear)]
    return [Lack.of(problem) for problem in problems if problem is not None]


def folder_lacks(net: IntegerNetwork, streaming: bool = False) -> list[Lack]:
    """What the C folder has no function for, and more memory than an int can count; streaming, that of one step."""
    found = lacking(net, kinds(), _OTHERS)
    if found:
        return found
    simplified = simplified_network(net)
    try:
        memory(of_a_step(simplified) if streaming else simplified, streaming)
    except UnsupportedError as error:
        return [Lack.of(error)]
    return []
