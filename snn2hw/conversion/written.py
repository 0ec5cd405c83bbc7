"""Neurons that users write out in their forward, state by state: found in the rolled step, and made a neuron of one's own.

mem = beta * mem + fc(x[t])          a value of the step before: a state
spk = (mem > threshold).float()      a comparison: what fires
mem = mem - spk * threshold          back to the state
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from snn2hw.conversion.ranges import WIDEST
from snn2hw.conversion.rolled import SOURCE, Edge, Node, Parameter, Rolled
from snn2hw.conversion.tape import mapped
from snn2hw.conversion.times import NONE
from snn2hw.errors import UnsupportedError
from snn2hw.nn.custom import CustomNeuron, State, fire, per_channel

COMPARED = ("gt", "ge", "lt", "le", "heaviside")
KEPT = ("float", "to", "type", "double", "bool", "int", "type_as")
ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "neg", "pow")},
    "div": operator.truediv,
    "logical_not": lambda a: 1.0 - a,
    "masked_fill": lambda x, mask, value: torch.where(mask > 0, value, x),
}
OTHERS = ("where", "clamp", "clip", "clamp_min", "clamp_max", "minimum", "maximum", "relu", "abs", "square")
ELEMENTWISE = {*COMPARED, *KEPT, *ARITHMETIC, *OTHERS}


@dataclass(frozen=True)
class Region:
    """The nodes of one neuron, in the order in which they are computed.

    Args:
        nodes: its own, and those that make its constants out of parameters.
        states: of each edge from the step before, the state's name and its value at first.
        entering: the one value of the step that comes from outside. leaving: the node whose value is used outside.
        heard: what a synapse makes of what left a step before, where the neuron adds it behind its input.
        line: where the user wrote it.
    """

    nodes: tuple[Node, ...]
    states: Mapping[Edge, tuple[str, float]]
    entering: Edge
    leaving: Hashable
    heard: Edge | None
    line: str


class Written(CustomNeuron):
    """A neuron whose step is what a user's loop does.

    Args:
        region: its nodes. parameters: those of the user's model that it uses, by path.
        is_fixed: which nodes depend on parameters alone.
    """

    def __init__(self, region: Region, parameters: Mapping[str, Tensor], is_fixed: Callable[[Hashable], bool]) -> None:
        self.states = {name: State((-WIDEST, WIDEST), first) for name, first in region.states.values()}
        super().__init__()
        self.region, self._fixed = region, {n.key for n in region.nodes if is_fixed(n.key)}
        self._names = {path: path.replace(".", "_") for path in parameters}
        for path, tensor in parameters.items():
            if isinstance(tensor, torch.nn.Parameter):
                self.register_parameter(self._names[path], tensor)
            else:
                self.register_buffer(self._names[path], tensor)
        self._conditions = _conditions(region.nodes)

    def step(self, x: Any, **states: Any) -> tuple[Any, Mapping[str, Any]]:
        """What the user wrote, operation by operation."""
        values: dict[Hashable, Any] = {self.region.entering: x, self.region.heard: 0.0}  # `nn.Recurrent` adds what is heard
        values |= {edge: states[name] for edge, (name, _) in self.region.states.items()}
        for node in self.region.nodes:
            known = partial(self._known, values, node.key in self._fixed)
            args, named = mapped(known, (node.args, node.named))
            values[Edge(node.key)] = self._computed(node, args, named)
        after = {name: values[Edge(edge.key)] for edge, (name, _) in self.region.states.items()}
        return values[Edge(self.region.leaving)], after

    def _known(self, values: Mapping[Hashable, Any], fixed: bool, thing: Any) -> Any:
        """An operand: what was computed before, a parameter, or a constant; those of a step one for each channel."""
        if isinstance(thing, Parameter):
            found = getattr(self, self._names[thing.path])
            return found if fixed else _spread(found)
        if isinstance(thing, Tensor):
            return _constant(thing)
        if isinstance(thing, Edge) and thing.key in self._fixed and not fixed:
            return _spread(values[thing])
        return values[thing] if isinstance(thing, Edge) else thing

    def _computed(self, node: Node, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        name = node.call.name
        if node.key in self._fixed and node.call.function is not None:
            return node.call.function(*args, **named)
        if name in KEPT:
            return args[0]
        if name in COMPARED and node.key not in self._conditions:
            return _fired(name, *args)
        if name in ("gt", "ge", "lt", "le"):
            return getattr(operator, name)(*args)
        function = ARITHMETIC.get(name) or getattr(torch, name)
        return function(*args, **named)


def _constant(tensor: Tensor) -> Any:
    """A tensor that the forward makes, as torch.zeros_like: one number, or one for each channel."""
    while tensor.ndim > 1 and bool((tensor == tensor[:1]).all()):
        tensor = tensor[0]
    flat = tensor.reshape(-1)
    return float(flat[0]) if bool((flat == flat[0]).all()) else per_channel(flat)


def _spread(tensor: Tensor) -> Tensor:
    return per_channel(tensor.reshape(-1)) if tensor.numel() > 1 else tensor.reshape(1)


def _fired(name: str, a: Any, b: Any) -> Any:
    if name == "heaviside":
        return fire(a, 0.0, strict=not bool(torch.as_tensor(b).any()))
    if name in ("gt", "ge"):
        return fire(a, b, strict=name == "gt")
    return fire(b - a, 0.0, strict=name == "lt")


def _conditions(nodes: Sequence[Node]) -> set[Hashable]:
    """Comparisons that only choose, in torch.where: they fire nothing."""
    used = dict[Hashable, set[bool]]()
    for node in nodes:
        for place, thing in enumerate(node.args):
            if isinstance(thing, Edge):
                used.setdefault(thing.key, set()).add(node.call.name == "where" and place == 0)
    return {key for key, ways in used.items() if ways == {True}}


def regions(rolled: Rolled, wanted: Iterable[Edge]) -> list[Region]:
    """Every neuron that is written out.

    Args:
        rolled: the step. wanted: what leaves the model.

    Raises:
        UnsupportedError: several values enter or leave one of them.
    """
    nodes, found = rolled.nodes, list[set[Hashable]]()
    after = dict[Hashable, set[Hashable]]()
    for node in nodes.values():
        for edge in node.edges:
            after.setdefault(edge.key, set()).add(node.key)
    for node in nodes.values():
        for edge in node.edges:
            if edge.late and _is_written(nodes.get(edge.key)) and _is_written(node):
                forth = _reach({node.key}, lambda k: after.get(k, set()), nodes)
                back = _reach({edge.key}, lambda k: {e.key for e in nodes[k].edges}, nodes)
                if edge.key in forth:
                    found = _joined(found, forth & back)
    for keys in list(found):  # states that feed other states are of one neuron
        forth = _reach(keys, lambda k: after.get(k, set()), nodes)
        for other in [g for g in found if g is not keys and g & forth]:
            found = _joined(found, forth & _reach(other, lambda k: {e.key for e in nodes[k].edges}, nodes) | keys | other)
    return [_region(rolled, _grown(keys, nodes), {e.key for e in wanted}, after) for keys in found]


def _is_written(node: Node | None) -> bool:
    return node is not None and not node.call.module and node.call.name in ELEMENTWISE


def _reach(start: set[Hashable], near: Callable[[Hashable], set[Hashable]], nodes: Mapping[Hashable, Node]) -> set[Hashable]:
    seen, waiting = set(start), list(start)
    while waiting:
        for key in near(waiting.pop()):
            if key not in seen and _is_written(nodes.get(key)):
                seen.add(key)
                waiting.append(key)
    return seen


def _joined(groups: list[set[Hashable]], more: set[Hashable]) -> list[set[Hashable]]:
    apart = [g for g in groups if not g & more]
    return [*apart, more.union(*(g for g in groups if g & more))]


def _grown(keys: set[Hashable], nodes: Mapping[Hashable, Node]) -> set[Hashable]:
    """With what is made of the neuron's values alone: the comparison that fires, where it resets nothing."""
    grown = set(keys)
    while True:
        more = {n.key for n in nodes.values() if n.key not in grown and _is_written(n) and _is_of(n, grown)}
        if not more:
            return grown
        grown |= more


def _is_of(node: Node, keys: set[Hashable]) -> bool:
    return bool(node.edges) and all(e.key in keys and not e.late for e in node.edges)


def _region(rolled: Rolled, keys: set[Hashable], wanted: set[Hashable], after: Mapping[Hashable, set[Hashable]]) -> Region:
    nodes, initial = dict(rolled.nodes), dict[Edge, Tensor]()
    for key in keys:
        initial.update(nodes[key].initial)
    _retime(nodes, keys, initial)
    states, outside = dict[Edge, tuple[str, float]](), list[Edge]()
    for key in sorted(keys, key=str):
        for edge in nodes[key].edges:
            if edge.late and edge.key in keys:
                states.setdefault(edge, (f"state{len(states) + 1}", _first(initial.get(edge), nodes[key])))
            elif edge.key not in keys and not _is_fixed(rolled, edge.key) and edge not in outside:
                outside.append(edge)
    heard = next((e for e in outside if e.late and nodes[e.key].call.module), None)
    outside = [e for e in outside if e != heard]
    leaving = [k for k in keys if k in wanted or after.get(k, set()) - keys]
    line = rolled.first_line(keys)
    if len(outside) != 1 or len(leaving) != 1 or outside[0].late:
        raise UnsupportedError(
            "a neuron that is written out in the forward has not one input and one output",
            where=line,
            got=f"{len(outside)} values that enter it, {len(leaving)} that leave it",
            expected="one value that enters, as fc(x), and one that leaves, as its spikes",
            do="add what enters before, give other layers its spikes alone, or write it as a nn.CustomNeuron",
        )
    return Region(tuple(_ordered(rolled, nodes, keys)), states, outside[0], leaving[0], heard, line)


def _retime(nodes: dict[Hashable, Node], keys: set[Hashable], initial: dict[Edge, Tensor]) -> None:
    """Where beta * mem is what comes from the step before, mem is the state, and its product is this step's.

    In the run nothing tells the two apart; as a state the membrane itself has the narrower meaning: it can be a readout.
    """
    waiting = [e for k in keys for e in nodes[k].edges if e.late]
    while waiting:
        late = waiting.pop()
        product, begins = nodes.get(late.key), initial.get(late)
        if late.key not in keys or product is None or product.call.name not in ("mul", "div") or begins is None or begins.any():
            continue
        used_now = any(e.key == late.key and not e.late for k in keys for e in nodes[k].edges)
        (below, *more) = product.edges
        inside = [e for e in (below, *more) if e.key in keys]
        if used_now or len(inside) != 1 or inside[0].late:
            continue
        state = Edge(inside[0].key, inside[0].place, 1)
        nodes[late.key] = _with(product, {inside[0]: state})
        for key in keys:
            nodes[key] = _with(nodes[key], {late: Edge(late.key, late.place)})
        initial[state] = torch.zeros(1)
        waiting.append(state)


def _with(node: Node, changed: Mapping[Edge, Edge]) -> Node:
    """The node with other edges."""
    args, named = mapped(lambda a: changed.get(a, a) if isinstance(a, Edge) else a, (node.args, node.named))
    return Node(node.key, node.call, args, named, node.initial, node.calls)


def _first(given: Tensor | None, node: Node) -> float:
    """The number that a state begins with."""
    values = torch.zeros(1) if given is None else given.reshape(-1)
    if given is None or not bool((values == values[0]).all()):
        raise UnsupportedError(
            "a state that is written out in the forward does not begin with one number",
            where=node.call.line,
            got="no value" if given is None else "several values",
            expected="the same number for all neurons, as torch.zeros",
            do="begin it with zeros before the loop",
        )
    return float(values[0])


def _is_fixed(rolled: Rolled, key: Hashable) -> bool:
    return key != SOURCE and rolled.times[rolled.nodes[key].call.results[0]].axes == NONE


def _ordered(rolled: Rolled, nodes: Mapping[Hashable, Node], keys: set[Hashable]) -> list[Node]:
    """The neuron's nodes behind those that they need, with the ones that make constants."""
    ordered = dict[Hashable, Node]()

    def put(key: Hashable) -> None:
        if key in ordered or key == SOURCE or (key not in keys and not _is_fixed(rolled, key)):
            return
        for edge in nodes[key].edges:
            if not edge.late:
                put(edge.key)
        ordered[key] = nodes[key]

    for key in sorted(keys, key=str):
        put(key)
    return list(ordered.values())


def parameters_of(region: Region, model: torch.nn.Module) -> dict[str, Tensor]:
    """What of the user's parameters and buffers a region uses, by path."""
    found = dict[str, Tensor]()

    def note(thing: Any) -> None:
        if isinstance(thing, Parameter):
            owner, _, name = thing.path.rpartition(".")
            found[thing.path] = getattr(model.get_submodule(owner), name)

    for node in region.nodes:
        mapped(note, (node.args, node.named))
    return found
