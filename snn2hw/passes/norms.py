"""A BatchNorm, or a constant that is added, goes into the weights before it, or into those behind it: exact on real numbers.

before   scale*(W x + b) + shift = (scale*W) x + (scale*b + shift), per output channel
behind   W (scale*x + shift) + b = (W*scale) x + (b + W shift), per input channel. The zeros that pad a convolution are not
         shifted: what is missing where the kernel hangs over the border is a constant of its own for each place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import Delay, Node, Reals
from snn2hw.layers import Add, BatchNorm, Concat, Conv2d, Flatten, Offset, Operator, Synapse
from snn2hw.layers.base import channels_first
from snn2hw.layers.windows import convolve

Nodes = dict[str, Node]


class _StopError(Exception):
    """Why an affine map cannot go on."""


@dataclass(frozen=True)
class _Affine:
    """scale * x + shift: a scale for each channel [C], a shift for each channel [C], or for each place [C, ...]."""

    scale: Reals
    shift: Reals

    def part(self, first: int, channels: int) -> _Affine:
        """That of some channels."""
        here = slice(first, first + channels)
        return _Affine(self.scale[here], self.shift[here])

    @property
    def unshifted(self) -> _Affine:
        """Only the scale."""
        return _Affine(self.scale, np.zeros_like(self.shift))

    @property
    def by_channel(self) -> bool:
        """Whether the shift is one for each channel."""
        return self.shift.ndim == 1

    def flattened(self, shape: tuple[int, ...]) -> _Affine:
        """That of a value [C, ...] of this shape as one axis."""
        shift = np.broadcast_to(channels_first(self.shift, len(shape)) if self.by_channel else self.shift, shape)
        return _Affine(self.scale.repeat(int(np.prod(shape[1:]))), shift.ravel())


def without_norm(norm: BatchNorm, nodes: Nodes) -> Nodes:
    """The nodes with a BatchNorm gone into the weights beside it.

    Raises:
        UnsupportedError: neither those before it nor those behind it can take it.
    """
    made, before, behind = _folded(norm, _Affine(norm.scale, norm.shift), nodes)
    if made is None:
        raise _refused(norm, before, behind)
    return made


def without_offset(node: Offset, nodes: Nodes) -> Nodes:
    """The nodes with a constant gone into the weights beside it, where they can take it; else as they are."""
    made, _, _ = _folded(node, _Affine(np.full(node.shape[0], float(node.sign)), node.offset), nodes)
    return nodes if made is None else made


def _folded(node: Node, affine: _Affine, nodes: Nodes) -> tuple[Nodes | None, str, str]:
    """The nodes without this one; or None, and why neither those before it nor those behind it can take it."""
    try:
        return _gone(node, {**nodes, **_before(node.inputs[0], affine, nodes)}), "", ""
    except _StopError as before:
        try:
            changed, borders = _behind(node, affine, nodes)
        except _StopError as behind:
            return None, str(before), str(behind)
        return _with_borders(_gone(node, {**nodes, **changed}), borders), "", ""


def _gone(gone: Node, nodes: Nodes) -> Nodes:
    return {k: reading(n, gone.name, gone.inputs[0]) for k, n in nodes.items() if k != gone.name}


def reading(node: Node, old: str, new: str) -> Node:
    """The node with `new` in place of every input `old`."""
    return replace(node, inputs=tuple(new if i == old else i for i in node.inputs)) if old in node.inputs else node


def _before(name: str, affine: _Affine, nodes: Nodes) -> Nodes:
    """What the nodes that make a value become, so that it is scaled and shifted."""
    node, readers = nodes[name], sum(n.inputs.count(name) for n in nodes.values())
    if readers > 1:  # also where one layer reads it twice
        raise _StopError(f"'{name}' is read {readers} times")
    if not affine.by_channel:
        raise _StopError(f"what is added to '{name}' differs from place to place")
    if isinstance(node, Synapse):
        weight = node.weight * channels_first(affine.scale, node.weight.ndim)
        return {name: replace(node, weight=weight, bias=node.bias * affine.scale + affine.shift)}
    if isinstance(node, Add):  # the first branch is never the one that is taken off
        first, second = node.inputs
        return {**_before(first, affine, nodes), **_before(second, affine.unshifted, nodes)}
    if isinstance(node, Concat):
        at, found = 0, Nodes()
        for i in node.inputs:
            found |= _before(i, affine.part(at, nodes[i].shape[0]), nodes)
            at += nodes[i].shape[0]
        return found
    if isinstance(node, Offset):
        offset = node.offset * channels_first(affine.scale, node.offset.ndim) + channels_first(affine.shift, node.offset.ndim)
        return {name: replace(node, offset=offset), **_before(node.inputs[0], affine.unshifted, nodes)}
    if isinstance(node, Delay) and not affine.shift.any():  # the zeros before the first value stay zeros
        return _before(node.inputs[0], affine, nodes)
    if isinstance(node, Operator) and node.takes_norm(affine.scale):
        return _before(node.inputs[0], affine, nodes)
    raise _StopError(f"its input is {type(node).__name__} '{name}'")


def _behind(gone: Node, affine: _Affine, nodes: Nodes) -> tuple[Nodes, dict[str, Reals]]:
    """What every synapse that reads the value becomes, and by name what is missing at the borders of its output."""
    changed, borders = Nodes(), dict[str, Reals]()
    ahead = [(gone.name, affine)]
    while ahead:
        name, now = ahead.pop()
        readers = [n for n in nodes.values() if name in n.inputs]
        if not readers:
            raise _StopError("nothing reads it")
        for reader in readers:
            if isinstance(reader, Synapse):
                changed[reader.name], border = _taken(reader, now, nodes[name].shape)
                if border.any():
                    borders[reader.name] = border
            elif isinstance(reader, Flatten):
                ahead.append((reader.name, now.flattened(nodes[name].shape)))
            elif isinstance(reader, Operator) and len(reader.inputs) == 1 and now.by_channel and reader.takes_norm(now.scale):
                ahead.append((reader.name, now))
            else:
                raise _StopError(f"{type(reader).__name__} '{reader.name}' reads it")
    return changed, borders


def _taken(synapse: Synapse, affine: _Affine, shape: tuple[int, ...]) -> tuple[Synapse, Reals]:
    """The synapse with the map before it taken in, and what its output lacks then, [O] or [O, OH, OW]."""
    if not isinstance(synapse, Conv2d):
        bias = synapse.bias + synapse.weight @ affine.shift
        return replace(synapse, weight=synapse.weight * affine.scale, bias=bias), np.zeros(len(bias))
    out, each = synapse.weight.shape[:2]
    group = np.arange(out) // (out // synapse.groups)  # of every output channel
    channels = group[:, None] * each + np.arange(each)  # that it reads
    whole = np.zeros(out)
    if affine.by_channel:
        whole = (synapse.weight.sum((2, 3)) * affine.shift[channels]).sum(1)
    constant = np.broadcast_to(affine.shift[:, None, None] if affine.by_channel else affine.shift, shape)[None]
    seen = convolve(constant, synapse.weight, np.zeros(out), synapse.window, synapse.groups)[0]
    weight = synapse.weight * affine.scale[channels][:, :, None, None]
    border: Reals = seen - whole[:, None, None]
    if affine.by_channel:  # where the kernel hangs over no border nothing is lacking but the rounding of the sums above
        ones = np.ones((1, 1, *synapse.window.kernel))
        covered = convolve(np.ones((1, 1, *shape[1:])), ones, np.zeros(1), synapse.window, 1)[0, 0]
        border = np.where(covered == ones.size, 0.0, border)
    return replace(synapse, weight=weight, bias=synapse.bias + whole), border


def _with_borders(nodes: Nodes, borders: dict[str, Reals]) -> Nodes:
    """A constant for each place behind every convolution that lacks one."""
    made = Nodes()
    for name, node in nodes.items():
        made[name] = node
        if name in borders:
            border = _unused(f"{name}.border", nodes)
            source = f"{node.source or name}, its border"
            made[border] = Offset(border, (name,), node.shape, borders[name], 1, source=source)
            nodes = {k: reading(n, name, border) for k, n in nodes.items()}
    return {k: nodes.get(k, n) for k, n in made.items()}


def _unused(name: str, nodes: Nodes) -> str:
    while name in nodes:
        name += "'"
    return name


def _refused(norm: BatchNorm, before: str, behind: str) -> UnsupportedError:
    return UnsupportedError(
        "this BatchNorm, or gain or threshold per channel, cannot be folded into weights",
        where=norm.source or norm.name,
        got=f"before it: {before}; behind it: {behind}",
        expected="a Conv2d or Linear before it that nothing else reads, on every edge that enters it; or only such behind it",
        do="put it directly behind, or before, a Conv2d or Linear, or give the layer one gain and one threshold",
    )
