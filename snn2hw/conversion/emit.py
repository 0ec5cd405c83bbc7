"""The rolled step as a torch module on [T, N, ...]: every node once, for all steps."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from snn2hw import nn
from snn2hw.conversion.known import Known
from snn2hw.conversion.layers import FUNCTIONS, adopted
from snn2hw.conversion.rolled import SOURCE, Edge, Node, Parameter, Rolled
from snn2hw.conversion.tape import Value, mapped
from snn2hw.conversion.times import MERGED, NONE, ONE, STEPS, SWAPPED
from snn2hw.conversion.written import Region, Written, parameters_of
from snn2hw.errors import UnsupportedError
from snn2hw.nn.custom import CustomNeuron

ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
}
VIEWS = ("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze")
SILENT = (nn.LI, nn.LIBox, nn.NonSpikingNode, nn.Membrane)  # what leaves them are membranes
SUPPORTED = (
    "layers of torch.nn and of the frameworks, + - * / of their values and of constants, torch.cat, flatten, reshape, permute,"
    " mean over places, functional linear, conv2d and pools"
)


class Emitter:
    """Writes nodes into a graph.

    Args:
        rolled: the nodes. model: whose parameters and layers they call.
        neurons: what each layer with state becomes, by path. regions: neurons that are written out in the forward.
    """

    def __init__(self, rolled: Rolled, model: torch.nn.Module, neurons: Mapping[str, Known], regions: Sequence[Region]) -> None:
        self.rolled, self.model, self.neurons = rolled, model, neurons
        self.graph = fx.Graph()
        self.modules: dict[str, torch.nn.Module] = {}
        self.attributes: dict[str, Tensor] = {}
        self._done: dict[Edge, fx.Node] = {Edge(SOURCE): self.graph.placeholder("x")}
        self._paths = dict(model.named_modules())
        self._taken = {*self._paths, *(n for n, _ in (*model.named_parameters(), *model.named_buffers()))}
        self._written = {node.key: region for region in regions for node in region.nodes if not self._is_fixed(node)}
        self.written: dict[str, Region] = {}  # of the neurons that were made of them, by path

    def edge(self, edge: Edge) -> fx.Node:
        """What stands for an edge in the graph, on [T, N, ...]."""
        if edge.late:
            raise late_edge(self.rolled.nodes[edge.key].call)
        if edge not in self._done:
            self._done[edge] = self._node(self.rolled.nodes[edge.key], edge.place)
        return self._done[edge]

    def _node(self, node: Node, place: int) -> fx.Node:
        path = node.call.module
        if path in self.neurons:
            return self._neuron(node, place)
        if path:
            return self._layer(path, adopted(self._paths[path]), node)
        if node.key in self._written:
            return self._region(self._written[node.key])
        return self._reckoned(node) if self._is_fixed(node) else self._function(node)

    def _function(self, node: Node) -> fx.Node:
        name = node.call.name
        if name == "avg_pool1d" and self._rest(node.call.entering[0], node)[0] == 1:
            return self._voted(node)
        if name == "relu" and self._fires(node.edges[0]):
            return self.edge(node.edges[0])  # spikes are not negative
        if name in FUNCTIONS:
            given = mapped(self._number, (node.args, node.named))
            return self._layer(self._free(name), FUNCTIONS[name](*given[0], **given[1]), node)
        if name in ARITHMETIC:
            return self.graph.call_function(ARITHMETIC[name], tuple(self._operand(a, node) for a in self._operands(node)))
        if name in VIEWS:
            return self._view(node)
        if name in _SHIFTED:
            return _SHIFTED[name](self, node)
        raise unsupported(node.call)

    def _neuron(self, node: Node, place: int) -> fx.Node:
        path = node.call.module
        made = self._membrane(node, place) if place else self.neurons[path].layer
        return self._heard(path, made, Edge(node.key), node.args[0])

    def _region(self, region: Region) -> fx.Node:
        """A neuron that is written out in the forward."""
        path = self._free("neuron")
        made = Written(region, parameters_of(region, self.model), lambda key: self._is_fixed(self.rolled.nodes[key]))
        self.written[path] = region
        return self._heard(path, made, Edge(region.leaving), region.entering, region.heard)

    def _heard(self, path: str, made: torch.nn.Module, leaving: Edge, edge: Edge, heard: Edge | None = None) -> fx.Node:
        """A call of a neuron, or of the recurrent layer of it and of the synapse by which it hears itself.

        Args:
            path: its name. made: the neuron. leaving: its output. edge: its input.
            heard: what the synapse makes, where the neuron itself adds it and not the sum that enters it.
        """
        entering, synapse = self._recurrent(leaving, edge) if heard is None else (self.edge(edge), self._synapse(leaving, heard))
        enters = "with" if heard is None else "after"
        self.modules[path] = made if synapse is None else nn.Recurrent(made, adopted(self._paths[synapse]), enters=enters)
        found = self._done[leaving] = self.graph.call_module(path, (entering,))
        return found

    def _is_fixed(self, node: Node) -> bool:
        """Whether a node depends on parameters alone."""
        return not node.call.module and self.rolled.times[node.call.results[0]].axes == NONE

    def _reckoned(self, node: Node) -> fx.Node:
        """What the forward makes of parameters alone."""
        args, named = mapped(lambda thing: self._operand(thing, node), (node.args, node.named))
        assert node.call.function is not None
        return self.graph.call_function(node.call.function, args, named)

    def _membrane(self, node: Node, place: int) -> torch.nn.Module:
        """A neuron whose state is what is used of it."""
        path, row = node.call.module, self.neurons[node.call.module]
        name = row.states[place - 1] if place <= len(row.states) else None
        spikes = [e for n in self.rolled.nodes.values() for e in n.edges if e.key == node.key and not e.place]
        if name is None or spikes or not isinstance(row.layer, CustomNeuron):
            raise UnsupportedError(
                "a state of a neuron is used beside its spikes" if spikes else "a state of a neuron is used that it has not here",
                where=f"{path}, {node.call.line}",
                got=f"value {place} of those that it returns, counted from 0",
                expected="its spikes, or one of its states and no spikes",
                do="use the spikes alone, or write a nn.CustomNeuron",
            )
        return nn.Membrane(row.layer, name)

    def _recurrent(self, leaving: Edge, edge: Edge) -> tuple[fx.Node, str | None]:
        """What enters a neuron without what it fired a step before, and the path of the synapse that brings that."""
        terms = self._terms(edge)
        late = [t for t in terms if t.late]
        if not late:
            return self.edge(edge), None
        left = [self.edge(t) for t in terms if not t.late]
        if not left or len(late) > 1:
            raise late_edge(self.rolled.nodes[late[0].key].call)
        entering = left[0]
        for term in left[1:]:
            entering = self.graph.call_function(operator.add, (entering, term))
        return entering, self._synapse(leaving, late[0])

    def _synapse(self, leaving: Edge, late: Edge) -> str:
        """The path of the layer that makes a value of what left a neuron a step before."""
        synapse = self.rolled.nodes[late.key]
        hears = [leaving] == synapse.edges
        if not hears or not isinstance(self._paths.get(synapse.call.module), torch.nn.Linear | torch.nn.Conv2d):
            raise late_edge(synapse.call)
        self._check_initial(late, synapse)
        return synapse.call.module

    def _terms(self, edge: Edge) -> list[Edge]:
        """The terms of a sum, where one of them is from the step before."""
        node = self.rolled.nodes.get(edge.key)
        if edge.late or node is None or node.call.name != "add" or not all(isinstance(a, Edge) for a in node.args):
            return [edge]
        return [term for part in node.args for term in self._terms(part)]

    def _check_initial(self, late: Edge, synapse: Node) -> None:
        """At step 0 the synapse hears nothing: what enters then must be its bias, as `nn.Recurrent` has it."""
        layer = self._paths[synapse.call.module]
        bias = getattr(layer, "bias", None)
        for node in self.rolled.nodes.values():
            given = node.initial.get(late)
            if given is None:
                continue
            usual = torch.zeros(()) if bias is None else bias.detach().reshape(-1, *[1] * (given.ndim - 2))
            if not bool((given == usual).all()):
                raise UnsupportedError(
                    "a recurrent layer begins with something else than its synapse makes of no spikes",
                    where=f"{synapse.call.module}, {synapse.call.line}",
                    got="other values at step 0",
                    expected="the synapse's bias, or nothing where it has none",
                    do="call the synapse on zeros at step 0, or give it no bias",
                )

    def _layer(self, path: str, layer: torch.nn.Module, node: Node) -> fx.Node:
        self.modules[path] = layer
        return self.graph.call_module(path, (self.edge(node.edges[0]),))

    def _fires(self, edge: Edge) -> bool:
        """Whether a value is a neuron's spikes, maybe pooled or in another shape."""
        node = self.rolled.nodes.get(edge.key)
        if node is None or edge.late:
            return False
        if node.call.module in self.neurons:
            return not edge.place and not any(isinstance(m, SILENT) for m in self.neurons[node.call.module].layer.modules())
        return (node.call.name in VIEWS or "pool" in node.call.name) and self._fires(node.edges[0])

    def _voted(self, node: Node) -> fx.Node:
        """Neurons of a class side by side, x.unsqueeze(1), whose mean is the vote: ones that sum them, and a division."""
        length, after = self._rest(node.call.entering[0], node)[-1], self._rest(node.call.results[0], node)
        votes, left = divmod(length, after[-1])
        words = dict(zip(("kernel_size", "stride", "padding"), node.args[1:], strict=False)) | node.named
        sizes = [_one(words.get(name)) for name in ("kernel_size", "stride", "padding")]
        if left or sizes[0] != votes or sizes[1] not in (None, votes) or sizes[2]:
            raise unsupported(node.call)
        path, kept = self._free("votes"), torch.eye(after[-1]).repeat_interleave(votes, 1)
        self.modules[path] = torch.nn.Linear(length, after[-1], bias=False)
        self.modules[path].weight = torch.nn.Parameter(kept, requires_grad=False)
        summed = self.graph.call_module(path, (self.graph.call_method("flatten", (self.edge(node.edges[0]), 2)),))
        shared = self.graph.call_function(operator.truediv, (summed, votes))
        return self.graph.call_method("unflatten", (shared, 2, after))

    def _free(self, name: str) -> str:
        free = next(n for n in (f"{name}_{i}" for i in range(1, len(self._taken) + 2)) if n not in self._taken)
        self._taken.add(free)
        return free

    def _number(self, thing: Any) -> Any:
        """A parameter as the tensor that it is."""
        return _attribute(self.model, thing.path) if isinstance(thing, Parameter) else thing

    def _operands(self, node: Node) -> Sequence[Any]:
        words = {"alpha", "other", "rounding_mode"} & set(node.named)
        if words - {"other"} or len(node.args) + len(node.named) > 2:
            raise unsupported(node.call)
        return (*node.args, *node.named.values())

    def _operand(self, thing: Any, node: Node) -> Any:
        if isinstance(thing, Edge):
            return self.edge(thing)
        if isinstance(thing, Parameter):
            return self._kept(thing.path.replace(".", "_"), _attribute(self.model, thing.path))
        return self._constant(thing, node) if isinstance(thing, Tensor) else thing

    def _constant(self, tensor: Tensor, node: Node) -> Any:
        """A constant that was made in the forward, without its axes N and T where it is the same along them."""
        alike = tensor.reshape(-1)
        if len(alike) and bool((alike == alike[0]).all()):
            return float(alike[0])
        result = node.call.results[0]
        lead = {ONE: 1, MERGED: 1, STEPS: 2, SWAPPED: 2}.get(self.rolled.times[result].axes, 0)
        while tensor.ndim > len(result.shape) - lead:
            if not bool((tensor == tensor[:1]).all()):
                raise UnsupportedError(
                    "a constant that is not the same for all samples is joined with what a layer makes",
                    where=node.call.line,
                    got=f"a tensor {list(tensor.shape)}",
                    expected="a number, or one value for each channel",
                    do="make it in __init__, without a sample axis",
                )
            tensor = tensor[0]
        return self._kept(self._free("constant"), tensor)

    def _kept(self, name: str, tensor: Tensor) -> fx.Node:
        same = next((n for n, t in self.attributes.items() if t is tensor), name)
        self.attributes[same] = tensor
        return self.graph.get_attr(same)

    def _view(self, node: Node) -> fx.Node:
        """Whatever the view, T and N stay in front: [T, N, *rest], the rest as in the user's own."""
        (edge,), result = node.edges, node.call.results[0]
        before = node.call.entering[0]
        entering = self.edge(edge)
        old, new = self._rest(before, node), self._rest(result, node)
        if old == new:
            return entering
        if len(new) == 1:
            return self.graph.call_method("flatten", (entering, 2))
        flattened = self.graph.call_method("flatten", (entering, 2)) if len(old) > 1 else entering
        return self.graph.call_method("unflatten", (flattened, 2, new))

    def _rest(self, value: Value, node: Node) -> tuple[int, ...]:
        """The axes behind T and N."""
        axes, (t, n) = self.rolled.times[value].axes, (self.rolled.times.sizes.steps, self.rolled.times.sizes.samples)
        lead = {ONE: (n,), MERGED: ((t or 1) * n,), STEPS: (t, n), SWAPPED: (n, t)}.get(axes, ())
        if not lead or value.shape[: len(lead)] != lead:
            raise UnsupportedError(
                "a view joins samples or steps with something else",
                where=node.call.line,
                got=f"{node.call.name}: {list(node.call.entering[0].shape)} to {list(value.shape)}",
                expected=f"the axes {axes or 'N'} first, as they were",
                do="flatten from axis 1 on: x.flatten(1)",
            )
        return value.shape[len(lead) :]

    def _lead(self, value: Value, node: Node) -> int:
        self._rest(value, node)
        return 2 - (2 if self.rolled.times[value].axes in (STEPS, SWAPPED) else 1)  # what is added to an axis

    def _axis(self, axis: int, value: Value, node: Node) -> int:
        """An axis of the user's value as one of [T, N, ...]."""
        shift = self._lead(value, node)
        made = axis if axis < 0 else axis + shift
        if not (made >= 2 or -(len(value.shape) + shift - 2) <= made < 0):
            raise unsupported(node.call)
        return made

    def _permuted(self, node: Node) -> fx.Node:
        value, dims = node.call.entering[0], node.args[1:]
        if node.call.name == "permute":
            dims = tuple(dims[0]) if dims and isinstance(dims[0], tuple | list) else tuple(dims or node.named["dims"])
            shift = self._lead(value, node)
            kept = 2 - shift
            rank = len(value.shape)
            whole = tuple(d % rank for d in dims)
            if whole[:kept] != tuple(range(kept)):
                raise unsupported(node.call)
            return self.graph.call_method("permute", (self.edge(node.edges[0]), 0, 1, *(d + shift for d in whole[kept:])))
        first, second = (self._axis(int(d), value, node) for d in (dims or node.named.values()))
        return self.graph.call_method("transpose", (self.edge(node.edges[0]), first, second))

    def _joined(self, node: Node) -> fx.Node:
        parts = node.args[0]
        axis = node.args[1] if len(node.args) > 1 else node.named.get("dim", node.named.get("axis", 0))
        if not all(isinstance(p, Edge) for p in parts):
            raise unsupported(node.call)
        made = self._axis(int(axis), node.call.entering[0], node)
        return self.graph.call_function(torch.cat, ([self.edge(p) for p in parts], made))

    def _averaged(self, node: Node) -> fx.Node:
        axes = node.args[1] if len(node.args) > 1 else node.named.get("dim")
        if axes is None or (node.call.name == "sum"):
            raise unsupported(node.call)
        whole = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
        keep = bool(node.args[2] if len(node.args) > 2 else node.named.get("keepdim", False))
        made = tuple(self._axis(int(a), node.call.entering[0], node) for a in whole)
        return self.graph.call_method("mean", (self.edge(node.edges[0]), made), {"keepdim": True} if keep else {})


_SHIFTED: Mapping[str, Callable[[Emitter, Node], fx.Node]] = {
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims"), Emitter._permuted),
    "cat": Emitter._joined,
    "mean": Emitter._averaged,
}


def _one(size: Any) -> Any:
    """A size along one axis, also where it is given as a tuple."""
    return size[0] if isinstance(size, tuple | list) else size


def _attribute(model: torch.nn.Module, path: str) -> Tensor:
    owner, _, name = path.rpartition(".")
    found: Tensor = getattr(model.get_submodule(owner), name)
    return found


def unsupported(call: Any) -> UnsupportedError:
    """Of a function that has no meaning in the network."""
    return UnsupportedError(
        f"the function '{call.name}' of the model's forward has no integer meaning here",
        where=call.line,
        got=f"{call.name} of {', '.join(str(list(v.shape)) for v in call.entering)}",
        expected=SUPPORTED,
        do="write it with these, or move it out of the model",
    )


def late_edge(call: Any) -> UnsupportedError:
    """Of a value that comes from the step before, where no neuron keeps it."""
    return UnsupportedError(
        "a value of the step before enters the network",
        where=f"{call.module or call.name}, {call.line}",
        got="a loop through other layers than one neuron and one synapse",
        expected="what a neuron fired a step before, through one Linear or Conv2d, added to what enters the same neuron",
        do="write it as nn.Recurrent(neuron, synapse), or keep the value in a state of a nn.CustomNeuron",
    )
