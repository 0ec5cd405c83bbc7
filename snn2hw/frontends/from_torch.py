"""torch.nn.Module -> Network of the real stage, by torch.fx: custom modules are traced through, layers are read."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import fx

from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError
from snn2hw.frontends.torch_layers import LAYERS, check_unaltered, check_untouched, layer_reader
from snn2hw.ir.network import Add, Flatten, Input, Network, Node, Readout
from snn2hw.ir.rules import check_network
from snn2hw.ir.shapes import output_shape

SUPPORTED = (
    ", ".join(sorted({kind.__name__ for kind in LAYERS})) + ", Sequential, custom modules of these, x + y, flatten(2), mean(0)"
)


def from_torch(model: torch.nn.Module, source: Input, steps: int) -> Network:
    """The network that `model` computes in evaluation mode on [T, N, ...] input.

    Args:
        source: the Input node, its shape that of one sample at one step.
        steps: T.

    Raises:
        UnsupportedError: a module, operation or control flow without a meaning here; names its path and what to do.
        ShapeError: layers that do not fit together. RuleError: NaN or Inf in a parameter.
    """
    if not isinstance(model, torch.nn.Module):
        raise UnsupportedError("the model is no torch.nn.Module", got=type(model).__name__, expected="a torch.nn.Module")
    for path, module in model.named_modules():
        check_untouched(module, f"{path or 'the model itself'} ({type(module).__name__})")
    graph = _traced(model)
    walk = _Walk(dict(model.named_modules()), source)
    for node in graph.nodes:
        walk.visit(node)
    net = Network(steps, tuple(walk.nodes.values()))
    check_network(net)
    return net


class _Tracer(fx.Tracer):
    """Every layer with a row in LAYERS is read as a whole; anything else of the user's is traced through."""

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        ours = m.__module__.startswith("snn2hw.nn.blocks") or isinstance(m, torch.nn.Sequential)  # of layers, traced through
        foreign = m.__module__.startswith(("torch.nn", "snn2hw.nn")) and not ours
        return foreign or layer_reader(m) is not None


def _traced(model: torch.nn.Module) -> fx.Graph:
    if layer_reader(model) is not None:
        model = torch.nn.Sequential(model)
    try:
        with _evaluation(model):
            return _Tracer().trace(model)
    except Snn2hwError:
        raise
    except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise UnsupportedError(
            "the model's forward cannot be traced",
            where=type(model).__name__,
            got=str(error).split(". ")[0].splitlines()[0],
            expected="a forward without control flow or indexing that depends on tensor values",
            do="move the decision out of forward, or build the model from layers: " + SUPPORTED,
        ) from error


@contextmanager
def _evaluation(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode while tracing, for forwards that ask; every module's own mode is restored."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


class _Walk:
    def __init__(self, modules: Mapping[str, torch.nn.Module], source: Input) -> None:
        self.modules, self.source = modules, source
        self.nodes: dict[str, Node] = {}
        self.made: dict[fx.Node, str] = {}  # fx node -> name of the node it became
        self.ended: fx.Node | None = None  # a mean or sum over T: only the output may follow

    def visit(self, node: fx.Node) -> None:
        if self.ended is not None and node.op != "output":
            raise _unsupported(node, "only the output may follow the sum or mean over the steps", _where(node))
        if node.op == "placeholder":
            self._placeholder(node)
        elif node.op == "call_module":
            self._module(node)
        elif node.op in ("call_function", "call_method"):
            self._function(node)
        elif node.op == "output":
            self._output(node)
        else:
            raise _unsupported(node, "a parameter or buffer used directly in forward is not supported", str(node.target))

    def _placeholder(self, node: fx.Node) -> None:
        if self.nodes:
            raise _unsupported(node, "the model has more than one input", str(node.target))
        self.nodes[self.source.name] = self.source
        self.made[node] = self.source.name

    def _module(self, node: fx.Node) -> None:
        path = str(node.target)
        module = self.modules.get(path) or self.modules[""]
        reader = layer_reader(module)
        if reader is None:
            raise UnsupportedError(
                f"{type(module).__name__} has no integer meaning here",
                where=path,
                got=f"{type(module).__module__}.{type(module).__name__}",
                expected=SUPPORTED,
                do="replace it with a supported layer, or write it as a custom module of these",
            )
        source = f"{path} ({type(module).__name__})"
        check_unaltered(module, source)
        entering = self._entering(_only_argument(node), path)
        made = reader(module, (self._unique(path), (entering,), self.nodes[entering].shape), source)
        if made is None:
            self.made[node] = entering
        else:
            self._add_node(node, made)

    def _add_node(self, node: fx.Node, made: Node) -> None:
        shaped = replace(made, shape=output_shape(made, [self.nodes[i].shape for i in made.inputs]))
        self.nodes[made.name] = shaped
        self.made[node] = made.name

    def _unique(self, path: str) -> str:
        uses = sum(1 for n in self.nodes if n == path or n.startswith(f"{path}#"))
        return path if not uses else f"{path}#{uses + 1}"

    def _entering(self, argument: Any, path: str) -> str:
        if not isinstance(argument, fx.Node) or argument not in self.made:
            raise UnsupportedError(
                "a layer is called with something that is no activation",
                where=path,
                got=repr(argument),
                expected="the output of a layer",
            )
        return self.made[argument]

    def _function(self, node: fx.Node) -> None:
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        path = _path(node)
        if node.target in (operator.add, operator.iadd, torch.add) or (node.op == "call_method" and name in ("add", "add_")):
            self._add(node, path)
        elif name == "flatten":
            self._flatten(node, path)
        elif name in ("mean", "sum") and _axis(node) == 0:
            self.made[node] = self._entering(node.args[0], path)
            self.ended = node
        else:
            raise _unsupported(node, f"the operation '{name}' has no integer meaning here", path)

    def _add(self, node: fx.Node, path: str) -> None:
        if len(node.args) != 2 or node.kwargs or not all(isinstance(a, fx.Node) for a in node.args):
            raise _unsupported(node, "an addition must join two branches of the network", path)
        inputs = tuple(self._entering(a, path) for a in node.args)
        self._add_node(node, Add(self._unique(path), inputs, (), source=f"{path} (+)"))

    def _flatten(self, node: fx.Node, path: str) -> None:
        numbers = [*node.args[1:], *node.kwargs.values()]
        if numbers not in ([2], [2, -1]):
            raise _unsupported(
                node, "flatten must keep the T and N axes", path, do="write flatten(2): activations are [T, N, ...]"
            )
        self._add_node(node, Flatten(self._unique(path), (self._entering(node.args[0], path),), (), source=f"{path} (flatten)"))

    def _output(self, node: fx.Node) -> None:
        (result,) = node.args
        if not isinstance(result, fx.Node) or result not in self.made:
            raise _unsupported(node, "the model must return one tensor of logits", "output", do="return the logits only")
        last = self.made[result]
        shape = self.nodes[last].shape
        if len(shape) != 1:
            raise ShapeError(
                "the model must end in one value per class",
                where=self.nodes[last].source,
                got=f"[T, N, {', '.join(map(str, shape))}]",
                expected="[T, N, classes]",
                do="end with Flatten and Linear",
            )
        name = self._unique("readout")
        self.nodes[name] = Readout(name, (last,), shape, source="readout")


def _where(node: fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else _path(node)


def _path(node: fx.Node) -> str:
    """Module path of the custom module whose forward made the node, and the node's own name."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    paths = [entry[0] if isinstance(entry, tuple) else str(entry) for entry in stack]
    return f"{paths[-1]}.{node.name}" if paths and paths[-1] else node.name


def _only_argument(node: fx.Node) -> Any:
    """What a layer is called with, by position or by keyword."""
    given = [*node.args, *node.kwargs.values()]
    return given[0] if len(given) == 1 else given


def _axis(node: fx.Node) -> Any:
    return node.args[1] if len(node.args) == 2 else node.kwargs.get("dim")


def _unsupported(node: fx.Node, what: str, where: str, do: str = "") -> UnsupportedError:
    return UnsupportedError(
        what,
        where=where,
        got=node.format_node() or node.name,
        expected=SUPPORTED,
        do=do or "write the model with these, or move the operation out of the model",
    )
