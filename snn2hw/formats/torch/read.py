"""torch.nn.Module -> float Network, by torch.fx: custom modules are traced through, layers are read."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import fx

from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError
from snn2hw.formats.torch.constants import attribute, reckoned, traced_with_constants
from snn2hw.formats.torch.layers import LAYERS, NOTHING, check_unaltered, check_untouched, layer_kind, runs_along
from snn2hw.formats.torch.operations import FACTORS, JOINS, Call, evaluated
from snn2hw.formats.torch.values import Values
from snn2hw.formats.torch.views import SAMPLES, MisfitError, RefusedError, View
from snn2hw.formats.torch.wrapped import in_evaluation, inner, unwrapped, user_line_of
from snn2hw.ir.network import Input, Network, Node, Readout
from snn2hw.ir.rules import check_network
from snn2hw.layers import Concat
from snn2hw.nn.readout import Readout as TorchReadout
from snn2hw.run.forks import one_torch_thread

KINDS = {"Dropout" if "Dropout" in kind.__name__ else kind.__name__ for kind in (*LAYERS, *NOTHING)}
SUPPORTED = (
    ", ".join(sorted(KINDS))
    + ", Sequential, custom modules of these, x + y, x - y, x * y and x @ y * factor of spikes, torch.cat, constants, reshape,"
    + " transpose, flatten(2), mean(0), sum(0), x[-1]"
)
NUMBERS = (
    *(operator.add, operator.sub, operator.mul, operator.floordiv, operator.truediv, operator.pow, operator.neg),
    *(operator.getitem, sqrt),
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
    one_torch_thread()
    model = unwrapped(model)
    for path, module in model.named_modules():
        if inner(module) is not None:  # torch.compile puts a forward of its own on the instance
            continue
        check_untouched(module, f"{path or 'the model itself'} ({type(module).__name__})")
    graph, constants = _traced(model)
    walk = _Walk(dict(model.named_modules()), source, steps, constants)
    for node in graph.nodes:
        walk.visit(node)
    net = Network(steps, tuple(walk.nodes.values()))
    check_network(net)
    return net


class _Tracer(fx.Tracer):
    """Every layer with a row in LAYERS is read as a whole; anything else of the user's is traced through."""

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        blocks = m.__module__.startswith("snn2hw.nn.blocks")
        ours = blocks or isinstance(m, torch.nn.Sequential | TorchReadout)  # of layers, traced through
        foreign = m.__module__.startswith(("torch.nn", "snn2hw.nn")) and not ours
        return foreign or layer_kind(m) is not None

    def call_module(self, m: torch.nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        """A slice of a Sequential, made in the forward, has no path, but its layers have; a compiled layer is what it was.

        Arguments as `torch.fx.Tracer.call_module`.
        """
        if (inside := inner(m)) is not None:
            return inside(*args, **kwargs)
        if isinstance(m, torch.nn.Sequential) and not any(m is known for known in self.root.modules()):
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)


def _traced(model: torch.nn.Module) -> tuple[fx.Graph, Mapping[str, torch.Tensor]]:
    if layer_kind(model) is not None:
        model = torch.nn.Sequential(model)
    try:
        with in_evaluation(model):
            return traced_with_constants(model, lambda: _Tracer().trace(model))
    except Snn2hwError:
        raise
    except NameError as error:
        if "is not installed as a submodule" not in str(error):
            raise _untraceable(model, error) from error
        raise UnsupportedError(
            "a layer is made in forward, so that nothing has its weights",
            where=type(model).__name__,
            got=str(error).split("(")[0],
            expected="layers that __init__ assigns to attributes, and slices of a Sequential of them",
            do="make the layer in __init__: self.layer = ...",
        ) from error
    except Exception as error:
        raise _untraceable(model, error) from error


def _untraceable(model: torch.nn.Module, error: Exception) -> UnsupportedError:
    """Whatever a forward raises when it is given a stand-in for its input."""
    return UnsupportedError(
        "the model's forward cannot be traced",
        where=", ".join(filter(None, (type(model).__name__, user_line_of(error)))),
        got=(str(error).split(". ")[0].splitlines() or [type(error).__name__])[0],
        expected="a forward without control flow or indexing that depends on tensor values",
        do="move the decision out of forward, or build the model from layers: " + SUPPORTED,
    )


class _Walk:
    def __init__(
        self, modules: Mapping[str, torch.nn.Module], source: Input, steps: int, constants: Mapping[str, torch.Tensor]
    ) -> None:
        self.modules, self.steps, self.constants = modules, steps, constants
        self.values = Values(source, modules)
        self.known: dict[fx.Node, Any] = {}  # views of values, and numbers: sizes and what is reckoned of them
        self.ended: fx.Node | None = None  # a mean or sum over T: only the output may follow, or, of a mean, Linear
        self.readout: dict[str, Any] = {}  # what was said of it there

    @property
    def nodes(self) -> dict[str, Node]:
        return self.values.nodes

    def visit(self, node: fx.Node) -> None:
        if self.ended is not None and node.op != "output" and not self._commutes(node):
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
            made = self.constants.get(str(node.target))
            self.known[node] = attribute(self.modules[""], str(node.target)) if made is None else made

    def _commutes(self, node: fx.Node) -> bool:
        """What a Linear makes of the mean of the steps, or of the last, is the mean, or the last, of what it makes of each."""
        kind = layer_kind(self.modules[str(node.target)]) if node.op == "call_module" else None
        return _name(self.ended) in ("mean", "getitem") and (kind is torch.nn.Linear or kind in NOTHING)

    def _placeholder(self, node: fx.Node) -> None:
        if self.nodes:
            raise _unsupported(node, "the model has more than one input", str(node.target))
        self.known[node] = self.values.add(self.values.source, (self.steps, SAMPLES))

    def _module(self, node: fx.Node) -> None:
        path = str(node.target)
        module = self.modules.get(path) or self.modules[""]
        kind = layer_kind(module)
        if kind is None:
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
        if kind in NOTHING:
            self.known[node] = entering
            return

        def read(name: str, shape: tuple[int, ...]) -> Node | tuple[Node, ...]:
            return LAYERS[kind](module, (self.values.unique(path, layer=True), (name,), shape), source)

        self.known[node] = self.values.read(entering, kind, read, source, along=runs_along(module))

    def _entering(self, argument: Any, path: str) -> View:
        known = self.known.get(argument) if isinstance(argument, fx.Node) else None
        if not isinstance(known, View):
            raise UnsupportedError(
                "a layer is called with something that is no activation",
                where=path,
                got=repr(argument),
                expected="the output of a layer",
                do="call the layer with what another layer returns",
            )
        return known

    def _function(self, node: fx.Node) -> None:
        name, path = _name(node), _path(node)
        if name in ("mean", "sum") and _axis(node) == 0:
            self._end(node, path, "sum", 1.0 / self.steps if name == "mean" else 1.0)
        elif name == "getitem" and node.args[1] in (-1, (-1,)) and isinstance(self.known[node.all_input_nodes[0]], View):
            self._end(node, path, "last", 1.0)
        elif (found := self._evaluated(node, name, path)) is not None:
            self.known[node] = found
        else:
            raise _unsupported(node, f"the operation '{name}' has no integer meaning here", path)

    def _end(self, node: fx.Node, path: str, kind: str, share: float) -> None:
        """A sum, a mean or the last of the steps: the readout."""
        self.known[node] = view = self._entering(node.args[0], path)
        if len(view.lead) == 1:
            raise _unsupported(
                node, "the first axis has the steps and the samples in one", path, "take them apart: unflatten(0, (T, N))"
            )
        inside = self.modules.get(path.rpartition(".")[0])
        self.ended, self.readout = (
            node,
            {"kind": kind, "share": share, "reduced": kind == "last" or isinstance(inside, TorchReadout)},
        )

    def _evaluated(self, node: fx.Node, name: str, path: str) -> Any:
        """What is no layer: views, products, averages, numbers; None where it is none of them."""
        args: Any = fx.node.map_arg(node.args, lambda n: self.known[n])
        named: Any = fx.node.map_arg(node.kwargs, lambda n: self.known[n])
        parts = args[0] if args and isinstance(args[0], tuple | list) else ()
        views = [a for a in (*args, *parts) if isinstance(a, View)]
        if not views:
            if any(isinstance(a, torch.Tensor) for a in args):
                return reckoned(node, args, named)
            return node.target(*args, **named) if callable(node.target) and node.target in NUMBERS else None
        try:
            if name in (*FACTORS, *JOINS) and any(map(self._of_samples, node.all_input_nodes)):
                what = "factor" if name in FACTORS else "constant"
                raise RefusedError(f"a {what} was reckoned with N, the number of samples")
            with torch.no_grad():
                return evaluated(self.values, Call(name, path, args, named, views))
        except RefusedError as error:
            raise _unsupported(node, error.what, path, error.do) from error
        except MisfitError as error:
            raise ShapeError(
                "the values do not fit the new shape",
                where=path,
                got=str(error),
                expected="as many values as there are",
                do="choose sizes, a number of heads for example, that divide the channels",
            ) from error
        except (TypeError, IndexError, ValueError, ZeroDivisionError) as error:
            raise _unsupported(node, f"'{name}' does not fit the axes {views[0]}", path) from error

    def _of_samples(self, node: fx.Node) -> bool:
        """Whether a number was reckoned with N, which is not known."""
        known = self.known[node]
        if isinstance(known, View):
            return False
        return (isinstance(known, int) and known % SAMPLES == 0 != known) or any(map(self._of_samples, node.all_input_nodes))

    def _output(self, node: fx.Node) -> None:
        (result,) = node.args
        each = _outputs(result)
        if len(each) > 1 and self.ended is not None:
            raise UnsupportedError(
                "one of several outputs is taken over the steps in the model, so that they have no one readout",
                where="output",
                got=f"{len(each)} outputs, and '{_name(self.ended)}' over the steps",
                expected="logits [T, N, classes] for all of them",
                do="return the logits of every step, and take the sum, mean or last behind the model",
            )
        rows = {name: self._logits(value) for name, value in each.items()}
        sizes = tuple((name, self.nodes[row].shape[0]) for name, row in rows.items() if name)
        last = next(iter(rows.values()))
        if len(rows) > 1:
            joined = Concat(self.values.unique("outputs"), tuple(rows.values()), (), source="the outputs, side by side")
            self.values.add(joined, ())
            last = joined.name
        name, said = self.values.unique("readout"), {"outputs": sizes, **self.readout}
        self.nodes[name] = Readout(name, (last,), self.nodes[last].shape, source="readout", **said)

    def _logits(self, result: Any) -> str:
        """The name of what an output is, one value for each class."""
        view = self.known.get(result) if isinstance(result, fx.Node) else None
        if not isinstance(view, View):
            raise UnsupportedError(
                "the model must return tensors of logits",
                where="output",
                got=str(result),
                expected="one tensor [T, N, classes], or a dictionary or tuple of such",
                do="return the logits only",
            )
        way = view.ways[0]
        if len(way.seen) != 1 or not way.is_row or (len(view.lead) == 1 and self.ended is None):
            raise ShapeError(
                "the model must end in one value per class",
                where=self.nodes[self.values.settled(way, view.factor)].source,
                got=str(view),
                expected="[T, N, classes]",
                do="end with Flatten and Linear",
            )
        return self.values.row(way, view.factor)


def _outputs(result: Any) -> dict[str, Any]:
    """What a model returns, by name: of a tuple its places; "" for a single tensor."""
    if isinstance(result, tuple | list) and len(result) > 1:
        return {str(n): value for n, value in enumerate(result)}
    if not isinstance(result, dict):
        return {"": result}
    named = {str(name): value for name, value in result.items()}
    if len(named) < len(result) or not named:
        raise UnsupportedError(
            "the outputs of the model have no names that tell them apart",
            where="output",
            got=", ".join(map(repr, result)) or "an empty dictionary",
            expected="a dictionary with a text for each output",
            do="give every output a name of its own",
        )
    return named


def _name(node: fx.Node | None) -> str:
    """Of a function or method."""
    target = getattr(node, "target", None)
    return target if isinstance(target, str) else getattr(target, "__name__", str(target))


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
