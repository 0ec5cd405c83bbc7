"""How a tensor of a traced forward lies over the value of a node: reshapes and transposes that cost nothing.

A view is the value's own elements by number, in the order in which torch has them: reshaping or transposing a tensor is the same
for the array of numbers. T and N stand in front, as two axes or as one, and stay there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.shapes import Pair

Numbers: TypeAlias = npt.NDArray[np.int64]

SAMPLES = 1_000_003  # stands for N, which is not known: a prime, so that a size it is part of is known to be


@dataclass(frozen=True)
class Product:
    """A product that is not yet a node: two nodes, and what `MatMul` asks for.

    Args:
        path: of the operation in the model. size: of the places, as [H, W], unless who reads it wants them otherwise.
    """

    path: str
    inputs: tuple[str, str]
    heads: int
    transposed: str
    channels: int
    size: Pair


@dataclass(frozen=True)
class Placed:
    """One way in which a tensor lies over a value.

    Args:
        source: name of the node, or the product that becomes one.
        shape: of the node's value.
        order: numbers of the value's elements, in the tensor's shape without T and N; None: as they are.
    """

    source: str | Product
    shape: tuple[int, ...]
    order: Numbers | None = None

    @property
    def numbers(self) -> Numbers:
        """`order`, also where it is as it is."""
        return self.order if self.order is not None else counted(*self.shape)

    @property
    def seen(self) -> tuple[int, ...]:
        """The tensor's shape, without T and N."""
        return self.shape if self.order is None else self.order.shape

    @property
    def channels(self) -> int:
        """Axis 0 of the value."""
        return self.shape[0]

    @property
    def places(self) -> int:
        """The other axes of the value."""
        return prod(self.shape[1:])

    @property
    def is_map(self) -> bool:
        """[C, H, W] or [F], as the node has it; of a product, whose H and W are free, any."""
        return self.is_channels_first and (
            self.seen == self.shape or (isinstance(self.source, Product) and len(self.seen) == len(self.shape))
        )

    @property
    def is_channels_first(self) -> bool:
        """[C, ...], the places in order."""
        return self.order is None or (self.seen[:1] == self.shape[:1] and self.is_row)

    @property
    def is_row(self) -> bool:
        """All elements in order, whatever the axes."""
        return self.order is None or bool((self.order.ravel() == np.arange(self.order.size)).all())

    @property
    def is_tokens(self) -> bool:
        """[..., C], the places in order."""
        if self.seen[-1:] != self.shape[:1]:
            return False
        return bool((self.numbers.reshape(-1, self.channels) == counted(self.channels, self.places).T).all())


def counted(*shape: int) -> Numbers:
    """0, 1, 2, ... in C order."""
    return np.arange(prod(shape), dtype=np.int64).reshape(shape)


@dataclass(frozen=True)
class View:
    """A tensor of the traced forward.

    Args:
        lead: its first axes: (T, N), or (T * N,).
        ways: in which it lies over values that are equal; more than one only for a product that is not yet a node.
        factor: by which the values are multiplied.
    """

    lead: tuple[int, ...]
    ways: tuple[Placed, ...]
    factor: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """As torch has it, with SAMPLES for N."""
        return (*self.lead, *self.ways[0].seen)

    def __str__(self) -> str:
        names = ["T", "N"] if len(self.lead) == 2 else ["T*N"]
        return f"[{', '.join([*names, *map(str, self.ways[0].seen)])}]"

    def each(self, change: Callable[[Numbers], Numbers]) -> View:
        """The same done to every way."""
        return replace(self, ways=tuple(replace(w, order=change(w.numbers)) for w in self.ways))


class RefusedError(Exception):
    """An operation with arguments that have no meaning here: what is wrong, and what to do; who knows the place says it."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.what, self.do = what, do


class MisfitError(Exception):
    """A reshape into another number of values: from what shape to what."""


_KEEP = "write flatten(2): activations are [T, N, ...]"


def reshaped(x: View, *sizes: Any, done: str = "reshape", **named: Any) -> View:
    """x.reshape, x.view.

    Args:
        done: what this is part of, for the message.
    """
    sizes = _listed(sizes, named, "shape", "size")
    total = prod(x.shape)
    rest = prod(n for n in sizes if n != -1)
    wanted = tuple(total // rest if n == -1 and rest else n for n in sizes)
    if prod(wanted) != total:
        raise MisfitError(f"{x} as {_said(sizes)}")
    steps = x.lead[0] if len(x.lead) == 2 else x.lead[0] // SAMPLES
    lead = next((lead for lead in ((steps, SAMPLES), (steps * SAMPLES,)) if wanted[: len(lead)] == lead), None)
    if lead is None:
        raise RefusedError(f"{done} must keep the T and N axes", _KEEP)
    kept = replace(x, lead=lead)
    return kept.each(lambda numbers: numbers.reshape(wanted[len(lead) :]))


def flattened(x: View, start_dim: int = 0, end_dim: int = -1) -> View:
    """x.flatten. Arguments as torch.Tensor.flatten."""
    start, end = (d % len(x.shape) for d in (start_dim, end_dim))
    return reshaped(x, *x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :], done="flatten")


def unflattened(x: View, dim: int, sizes: Sequence[int]) -> View:
    """x.unflatten. Arguments as torch.Tensor.unflatten."""
    at = dim % len(x.shape)
    known = -prod(sizes) if -1 in sizes else 0
    full = [x.shape[at] // known if n == -1 and known else n for n in sizes]
    return reshaped(x, *x.shape[:at], *full, *x.shape[at + 1 :])


def permuted(x: View, *dims: Any, **named: Any) -> View:
    """x.permute."""
    order = [d % len(x.shape) for d in _listed(dims, named, "dims")]
    lead = len(x.lead)
    if order[:lead] != list(range(lead)):
        raise RefusedError("a transpose must keep the T and N axes in front", _KEEP)
    return x.each(lambda numbers: numbers.transpose([d - lead for d in order[lead:]]))


def transposed(x: View, dim0: int, dim1: int) -> View:
    """x.transpose, x.swapaxes. Arguments as torch.Tensor.transpose."""
    order = list(range(len(x.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permuted(x, order)


def matrix_transposed(x: View) -> View:
    """x.mT."""
    return transposed(x, -2, -1)


def unsqueezed(x: View, dim: int) -> View:
    """x.unsqueeze."""
    at = dim % (len(x.shape) + 1)
    return reshaped(x, *x.shape[:at], 1, *x.shape[at:])


def squeezed(x: View, *dims: Any, **named: Any) -> View:
    """x.squeeze."""
    if not dims and not named:
        raise RefusedError("squeeze must say which axes, for N may be 1")
    gone = {d % len(x.shape) for d in _listed(dims, named, "dim")}
    return reshaped(x, *(n for d, n in enumerate(x.shape) if n != 1 or d not in gone))


def contiguous(x: View) -> View:
    """x.contiguous."""
    return x


VIEWS: dict[str, Callable[..., View]] = {
    "reshape": reshaped,
    "view": reshaped,
    "flatten": flattened,
    "unflatten": unflattened,
    "permute": permuted,
    "transpose": transposed,
    "swapaxes": transposed,
    "unsqueeze": unsqueezed,
    "squeeze": squeezed,
    "contiguous": contiguous,
}


def _listed(given: Sequence[Any], named: dict[str, Any], *words: str) -> tuple[int, ...]:
    """Numbers given one by one, as one list, or by name."""
    given = given or [named[w] for w in words if w in named]
    first: Any = given[0]
    listed: Iterable[Any] = first if len(given) == 1 and isinstance(first, tuple | list) else given
    return tuple(int(n) for n in listed)


def _said(shape: Iterable[int]) -> str:
    """A shape as users know it."""
    words = ("N" if n == SAMPLES else f"{n // SAMPLES}*N" if n and n % SAMPLES == 0 else str(n) for n in shape)
    return f"[{', '.join(words)}]"
