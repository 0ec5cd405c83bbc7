"""What is legal in each stage. Checked before and after every pass, and on every artefact that is loaded."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from snn2hw.errors import RuleError, ValueRangeError
from snn2hw.gate import MOST_STEPS
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout, UnloweredNeuron
from snn2hw.ir.limits import INT32_MAX, MAX_ELEMENTS, whole
from snn2hw.ir.network import EquationNeuron, Feedback, Input, Network, Neuron, Node, Potential, Readout


def check_network(net: Network) -> None:
    """The float stage: one Input first, one Readout last, names unique and defined before use (a Feedback names a later
    Neuron), shapes those of the equations, every parameter finite. Raises RuleError, ShapeError, ValueRangeError."""
    _check_steps(net.steps)
    for node in net.nodes:
        for name, value in vars(node).items():
            _check_finite(node, name, value)
        if isinstance(node, Neuron) and not node.state_range[0] <= node.reset_value <= node.state_range[1]:
            raise ValueRangeError(
                "the reset value is outside the state range",
                where=node.source or node.name,
                got=f"{node.reset_value:g}",
                expected=f"{node.state_range[0]:g} to {node.state_range[1]:g}",
                do="choose a reset value inside the state range",
            )
    _check_graph(net.nodes, Input, Readout)
    _check_feedbacks(net.nodes)
    _check_products(net.nodes)


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise RuleError("a network has at least one step", got=f"T = {steps}", expected="1, 2, 3, ...")
    if steps > MOST_STEPS:
        raise RuleError("a network has too many steps", got=f"T = {steps:,}", expected=f"at most {MOST_STEPS:,}", do="use fewer")


def _check_finite(node: Node, name: str, value: Any) -> None:
    """Arrays, numbers, and numbers inside tuples and firings. Text is no number, even where it says "nan"."""
    if value is None or isinstance(value, str) or (isinstance(value, tuple) and any(isinstance(v, str) for v in value)):
        return
    if dataclasses.is_dataclass(value):
        for field, inner in vars(value).items():
            _check_finite(node, f"{name}.{field}", inner)
        return
    try:
        numbers = np.asarray(value, np.float64)
    except (ValueError, TypeError):  # names, words
        return
    if not np.isfinite(numbers).all():
        raise ValueRangeError(
            f"'{name}' holds NaN or Inf",
            where=node.source or node.name,
            got=f"{int((~np.isfinite(numbers)).sum())} of {numbers.size} values",
            expected="finite numbers",
            do="train again with a smaller learning rate, or load another checkpoint",
        )


def check_integer(net: IntegerNetwork) -> None:
    """The integer stage: the graph rules of the float stage; every value in its interval and format for every input in
    range; every partial sum of a synapse in int32; binary points aligned; every program legal. Raises RuleError."""
    _check_steps(net.steps)
    for node in net.nodes:
        for broken, got in _broken_fields(node) if isinstance(node, IntNode) else ():
            raise _error(node, broken, got)
    _check_graph(net.nodes, IntInput, IntReadout)
    _check_feedbacks(net.nodes)
    _check_products(net.nodes)
    known = {n.name: n for n in net.nodes}
    for node in net.nodes:
        sources = [known[i] for i in node.inputs]
        for broken, got in _broken(node, sources):
            raise _error(node, broken, got)
    total = net.sum_interval
    if total.magnitude > INT32_MAX:
        raise _error(
            net.readout,
            "the readout's sum over all steps must keep within int32",
            str(total),
            do=f"fewer state bits (--state-bits) or fewer steps than {net.steps}",
        )


def _check_graph(nodes: Sequence[Any], first: type, last: type) -> None:
    if not nodes or not isinstance(nodes[0], first) or not isinstance(nodes[-1], last):
        raise RuleError("a network starts with its input and ends with its readout", got=str([type(n).__name__ for n in nodes]))
    shapes: dict[str, tuple[int, ...]] = {}
    for position, node in enumerate(nodes):
        if node.name in shapes:
            raise _error(node, "two nodes have the same name", node.name)
        if missing := [i for i in node.inputs if i not in shapes and not isinstance(node, Feedback | IntFeedback)]:
            raise _error(node, "an input is used before it is defined", missing[0])
        if (position and isinstance(node, first)) or (isinstance(node, last) and position < len(nodes) - 1):
            raise _error(node, "a network has one input and one readout", type(node).__name__)
        if node.arity is not None and len(node.inputs) != node.arity:
            raise _error(node, "wrong number of inputs", str(len(node.inputs)))
        expected = node.output_shape([shapes.get(i, ()) for i in node.inputs])
        if tuple(node.shape) != expected:
            raise _error(node, "the shape is not that of the equation", f"{node.shape}, expected {expected}")
        shapes[node.name] = node.shape


def _check_feedbacks(nodes: Sequence[Any]) -> None:
    """A sum that fed itself would grow from step to step; what a neuron fires is bounded by its own program or equation."""
    later: dict[str, Any] = {}
    for node in reversed(nodes):
        if isinstance(node, Feedback | IntFeedback):
            source = later.get(node.inputs[0])
            if source is None:
                raise _error(node, "a feedback reads a neuron that stands behind it", node.inputs[0])
            fires = not (isinstance(source, Neuron) and isinstance(source.firing, Potential))
            if not fires or not isinstance(source, Neuron | EquationNeuron | IntNeuron | UnloweredNeuron):
                raise _error(
                    node,
                    "a feedback carries what a neuron fires; the interval of anything else would not be bounded",
                    f"'{source.name}', {type(source).__name__}",
                )
            if tuple(source.shape) != tuple(node.shape):
                raise _error(node, "the shape is not that of the neuron", f"{node.shape}, expected {source.shape}")
        later[node.name] = node


def no_payload(name: str, known: Mapping[str, Any]) -> Any:
    """The first node behind this value that fires nothing; None where all of it is what neurons fired."""
    seen, ahead = {name}, [name]
    while ahead:
        node = known[ahead.pop()]
        if not (node.fires or node.keeps_spikes):
            return node
        more = [] if node.fires else [i for i in node.inputs if i not in seen]
        seen.update(more)
        ahead += more
    return None


def _check_products(nodes: Sequence[Any]) -> None:
    """What neurons fired has one scale and a small interval; the products of sums would leave int32."""
    known = {n.name: n for n in nodes}
    for node in nodes:
        if node.of_spikes:
            wrong = next((w for i in node.inputs if (w := no_payload(i, known)) is not None), None)
            if wrong is not None:
                raise _error(node, "a product is of what neurons fired", f"'{wrong.name}', {type(wrong).__name__}")


def _broken_fields(node: IntNode) -> Iterator[tuple[str, str]]:
    """(what is broken, what it is) of every field that cannot be. All other rules compute with the fields."""
    if not all(isinstance(name, str) for name in (node.name, node.source, *node.inputs)):
        yield "names are text", f"{node.name!r}, {node.inputs!r}"
    if not whole(node.shape, 1, MAX_ELEMENTS) or math.prod(node.shape) > MAX_ELEMENTS:
        yield f"a shape is of whole numbers from 1, {MAX_ELEMENTS} elements at most", repr(node.shape)[:200]
    if not whole((node.interval.lo, node.interval.hi), -(1 << 62), 1 << 62):
        yield "an interval has two whole numbers of 62 bits", repr(node.interval)[:200]
    if not -1100 < node.format.frac < 1100:
        yield "a binary point lies where a float can say what it means", str(node.format)[:200]
    yield from node.broken_fields()


def _broken(node: IntNode, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
    yield from node.problems(sources)  # what a node is comes first: intervals are only defined for nodes that are well formed
    computed = node.interval_from(sources)
    if computed not in node.interval:
        yield "the value can leave its declared interval", f"{computed} in {node.interval}"
    if node.interval.magnitude > INT32_MAX:
        yield "a value between layers must keep within int32", str(node.interval)
    if node.interval not in node.format.interval:
        yield "the declared interval does not fit the format", f"{node.interval} in {node.format}"


def _error(node: Any, broken: str, got: str, do: str = "") -> RuleError:
    return RuleError(broken, where=f"{type(node).__name__} {node.source or node.name}", got=got, do=do)
