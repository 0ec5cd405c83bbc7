"""A forward is run as it is, on a real sample, and every call of a layer or function is written down.

The model runs in plain Python, so that loops over T, lists of results and states that are handed on
need no rules of their own. What it decides by the value of a tensor cannot be seen, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from snn2hw.conversion.tape import CONSTANT, INPUT, MADE, PARAMETER, Call, Value, flat, mapped
from snn2hw.errors import UnsupportedError
from snn2hw.formats.torch.wrapped import user_line

# The same values in another tensor.
SAME = ("detach", "clone", "contiguous", "float", "requires_grad_", "detach_", "to", "type", "alias", "type_as", "cpu")
# Python learns a number of the data; the run of other data would be another.
DECIDES = ("item", "__bool__", "__float__", "__int__", "__index__", "tolist", "numpy", "__contains__", "equal", "allclose")
# What they make does not depend on the values of a tensor.
FILLS = ("zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty", "new_tensor")
NOISE = ("rand_like", "randn_like", "randint_like", "bernoulli", "multinomial", "poisson", "normal", "uniform")
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
REVERSED = {"radd": "add", "rsub": "sub", "rmul": "mul", "rdiv": "div", "rtruediv": "div", "rpow": "pow"}
ALIKE = {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "idiv": "div", "truediv": "div", "subtract": "sub"} | {
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "negative": "neg",
    "concat": "cat",
    "concatenate": "cat",
}


class Recorder(TorchFunctionMode):
    """Writes down what happens to the tensors that it knows.

    Args:
        model: whose parameters and buffers are known.
        layers: the modules of it that are written down as one call; what happens inside of them is not looked at.
    """

    def __init__(self, model: torch.nn.Module, layers: Sequence[torch.nn.Module]) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.paths = {id(m): path for path, m in model.named_modules()}
        self._layers = layers
        self._known: dict[int, Value] = {}
        self._kept: list[Tensor] = []  # an id is given again once its tensor is gone
        self._inside = 0
        for path, tensor in (*model.named_parameters(), *model.named_buffers()):
            self._know(tensor, Value(PARAMETER, tensor, path=path))

    def give(self, tensor: Tensor, step: int | None = None) -> Tensor:
        """The input, or that of one step, in a tensor of its own."""
        fresh = tensor.clone()
        self._know(fresh, Value(INPUT, fresh, step=step))
        return fresh

    def value(self, thing: Any) -> Any:
        """The value that a tensor is, a constant where it is not known; anything else as it is."""
        if not isinstance(thing, Tensor):
            return thing
        return self._known.get(id(thing)) or Value(CONSTANT, thing.clone())

    def _know(self, tensor: Tensor, value: Value) -> None:
        self._known[id(tensor)] = value
        self._kept.append(tensor)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch, and write it down where it takes a tensor that is known."""
        kwargs = kwargs or {}
        if self._inside:
            return func(*args, **kwargs)
        entering = [self._known[id(a)] for a in flat((args, kwargs)) if isinstance(a, Tensor) and id(a) in self._known]
        name = _named(func)
        if name in DECIDES and any(v.kind in (INPUT, MADE) for v in entering):
            raise _decided(name, user_line())
        if entering and (name in NOISE or (name in DROPOUTS and _drops(args, kwargs))):
            raise _draws(name, user_line())
        if entering and any(isinstance(a, torch.nn.Parameter) and id(a) not in self._known for a in flat((args, kwargs))):
            raise _unregistered(name, user_line())
        given = mapped(self.value, (tuple(args), kwargs))  # before: what is changed in place is another value afterwards
        result = func(*args, **kwargs)
        if entering and name == "setitem":
            self._write(name, func, given, (args[0],))
        elif entering and name not in FILLS and any(isinstance(r, Tensor) for r in flat(result)):
            if name in SAME and isinstance(args[0], Tensor) and id(args[0]) in self._known and _same(args[0], result):
                self._know(result, self._known[id(args[0])])
            else:
                self._write(name, func, given, result)
        return result

    def _write(self, name: str, func: Callable[..., Any], given: Any, result: Any) -> None:
        (args, named) = given
        if name in REVERSED:
            name, args = REVERSED[name], args[::-1]
        self._made(Call(ALIKE.get(name, name), "", func, args, named, user_line()), result)

    def _made(self, call: Call, result: Any) -> None:
        self.calls.append(call)
        given = set[int]()
        for place, tensor in enumerate(r for r in flat(result) if isinstance(r, Tensor)):
            # A copy: what the forward changes in place later, as in `out += spikes`, is not what was made here.
            value = Value(MADE, tensor.clone() if call.module else tensor, call, place)
            call.results.append(value)
            if id(tensor) not in given:  # a neuron may return its state twice, as its output and behind it
                self._know(tensor, value)
            given.add(id(tensor))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write down what is called meanwhile; without gradients."""

        def before(module: torch.nn.Module, args: Any) -> None:
            self._inside += 1

        def after(module: torch.nn.Module, args: Any, named: Any, result: Any) -> None:
            self._inside -= 1
            if not self._inside:
                given = mapped(self.value, (tuple(args), dict(named)))
                self._made(Call("", self.paths[id(module)], None, given[0], given[1], user_line()), result)

        hooks = [layer.register_forward_pre_hook(before) for layer in self._layers]
        hooks += [layer.register_forward_hook(after, with_kwargs=True) for layer in self._layers]
        try:
            with torch.no_grad(), self:
                yield
        finally:
            for hook in hooks:
                hook.remove()


def _named(func: Any) -> str:
    """ "add" of torch.add, torch.Tensor.add and torch.Tensor.__add__; in-place functions lose their underscore."""
    name = str(getattr(func, "__name__", "") or (resolve_name(func) or "").rpartition(".")[2])
    if name in DECIDES or name in SAME:
        return name
    plain = name.strip("_") if name.startswith("__") and name.endswith("__") else name
    return plain.removesuffix("_") if not plain.startswith("_") else plain


def _same(before: Tensor, after: Any) -> bool:
    """Whether a conversion kept shape and kind of number."""
    return isinstance(after, Tensor) and after.shape == before.shape and after.dtype == before.dtype


def _decided(name: str, line: str) -> UnsupportedError:
    return UnsupportedError(
        "the model's forward decides by the value of a tensor",
        where=line,
        got=f"a number taken out of a tensor ({name.strip('_')})",
        expected="a forward that does the same for all data",
        do="write the decision with torch.where, or move it out of the forward",
    )


def _drops(args: Any, named: Any) -> bool:
    """Whether a functional dropout drops: x, p, training; torch's own default is that it does, in evaluation, too."""
    return bool(args[2] if len(args) > 2 else named.get("training", True))


def _draws(name: str, line: str) -> UnsupportedError:
    return UnsupportedError(
        "the model's forward draws random numbers",
        where=line,
        got=name,
        expected="a forward that gives the same in every call",
        do="draw them outside of the model, for rate coding in the data: snn2hw takes spikes [T, N, ...] as samples",
    )


def _unregistered(name: str, line: str) -> UnsupportedError:
    return UnsupportedError(
        "a layer is called that is no part of the model, so that nothing has its weights",
        where=line,
        got=f"'{name}' with parameters of no layer of the model",
        expected="layers that __init__ assigns to attributes, or holds in an nn.ModuleList",
        do="write self.layer = ... in __init__, or nn.ModuleList(...) for a list",
    )
