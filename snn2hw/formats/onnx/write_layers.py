"""Integer nodes other than neurons as standard ONNX operators; one entry per kind of node. Values travel as int32.

A convolution is Pad + Slice + Concat + MatMulInteger in NHWC: exact, and the fast way in ONNX Runtime, where ConvInteger is
slow and Conv refuses integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from snn2hw.errors import UnsupportedError
from snn2hw.formats.onnx.graph import GraphWriter, onnx_type
from snn2hw.ir.integer import IntFeedback, IntNeuron, IntNode, IntReadout
from snn2hw.ir.onnx_terms import array_name, onnx_name
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.num import Interval

INT32_MIN = -(2**31)

# ONNX Runtime's u8*s8 kernels on x86 without VNNI add two products in saturating int16; spike values up to here cannot
# saturate them: 2 * 127 * 128 < 2**15. Signed spike values go the same way, moved up by MatMulInteger's own zero point.
SAFE_PAYLOAD = 127


def value_name(node: IntNode) -> str:
    """Name of a node's value in the graph; no layer's own part of it has a slash, so it cannot meet any other name."""
    name = onnx_name(node.name)
    if isinstance(node, IntNeuron):
        return f"spikes/{name}"
    if isinstance(node, IntFeedback):
        return f"feedback/{name}"
    return "logits" if isinstance(node, IntReadout) else f"value/{name}"


def emit_layer(w: GraphWriter, node: IntNode, inputs: list[str], sources: list[IntNode]) -> str:
    """Append the node; returns the name of its int32 value.

    Args:
        w: the graph that is written. inputs: names of the int32 values that enter. sources: their nodes, in the same
            order.

    Raises:
        UnsupportedError: a layer without a row below, as another package may have one.
    """
    if type(node) not in LAYERS:
        raise UnsupportedError(
            "no ONNX operators are known for this layer, and model.onnx is what every back end reads",
            where=node.source or node.name,
            got=type(node).__name__,
            expected=", ".join(kind.__name__ for kind in LAYERS),
            do="enter a row in snn2hw.formats.onnx.write_layers.LAYERS",
        )
    return LAYERS[type(node)](w, node, inputs, sources)


@dataclass(frozen=True)
class _Carrier:
    """The type in which spike values enter a product: uint8 with a zero point where that is exact everywhere, else int32."""

    dtype: Any
    zero: int

    @staticmethod
    def of(x: Interval) -> _Carrier:
        zero = -min(x.lo, 0)
        return _Carrier(np.uint8, zero) if x.hi + zero <= SAFE_PAYLOAD else _Carrier(np.int32, 0)

    def cast(self, w: GraphWriter, name: str, x: str) -> str:
        """The spike values as the type of the carrier, moved up by its zero point; returns their name.

        Args:
            w: the graph that is written. name: of the layer's value. x: name of int32 payloads.
        """
        if self.zero:
            x = w.node("Add", [x, w.constant(self.zero, np.int32)], f"{name}/raised")
        return w.node("Cast", [x], f"{name}/payload", to=onnx_type(self.dtype))

    def matmul(self, w: GraphWriter, name: str, x: str, weight: str) -> str:
        """The int32 sums of x times an int8 weight, the zero point taken off again; returns their name.

        Args:
            w: the graph that is written. name: of the layer's value. x: what `cast` returned. weight: name of [...,
                K, O].
        """
        if self.dtype is np.int32:
            wide = w.node("Cast", [weight], f"{name}/weight_wide", to=onnx_type(np.int32))
            return w.node("MatMul", [x, wide], f"{name}/sum")
        zero = [w.constant(self.zero, np.uint8)] if self.zero else []
        return w.node("MatMulInteger", [x, weight, *zero], f"{name}/sum")


def _linear(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name, carrier = value_name(node), _Carrier.of(sources[0].interval)
    x = carrier.cast(w, name, inputs[0])
    stored = w.initializer(array_name(f"{node.name}.weight"), node.weight)
    weight = w.node("Transpose", [stored], f"{name}/weight", perm=[1, 0])
    total = carrier.matmul(w, name, x, weight)
    return w.node("Add", [total, w.initializer(array_name(f"{node.name}.bias"), node.bias)], name)


def _conv2d(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name, groups, (kh, kw) = value_name(node), node.groups, node.window.kernel
    out, per_group = node.weight.shape[:2]
    carrier = _Carrier.of(sources[0].interval.hull(Interval(0, 0)))
    x = carrier.cast(w, name, inputs[0])
    x = w.node("Transpose", [x], f"{name}/nhwc", perm=[0, 2, 3, 1])
    x = _padded(w, name, x, node.window, axes=(1, 2), fill=carrier.zero, dtype=carrier.dtype)
    taps = _taps(w, name, x, node.window, sources[0].shape[1:], axes=(1, 2))
    rows = w.node("Concat", taps, f"{name}/fan_in", axis=3) if len(taps) > 1 else taps[0]
    stored = w.initializer(array_name(f"{node.name}.weight"), node.weight)
    weight = w.node("Transpose", [stored], f"{name}/weight_hwio", perm=[2, 3, 1, 0])
    oh, ow = node.shape[1:]
    if groups == 1:
        weight = w.node("Reshape", [weight, w.constant([kh * kw * per_group, out])], f"{name}/weight")
        total = carrier.matmul(w, name, rows, weight)
    else:
        # One batch of the matrix product per group: [G, places, fan-in] x [G, fan-in, O/G].
        weight = w.node("Reshape", [weight, w.constant([kh * kw * per_group, groups, out // groups])], f"{name}/weight_groups")
        weight = w.node("Transpose", [weight], f"{name}/weight", perm=[1, 0, 2])
        rows = w.node("Reshape", [rows, w.constant([-1, kh * kw, groups, per_group])], f"{name}/fan_in_groups")
        rows = w.node("Transpose", [rows], f"{name}/groups_first", perm=[2, 0, 1, 3])
        rows = w.node("Reshape", [rows, w.constant([groups, -1, kh * kw * per_group])], f"{name}/rows")
        grouped = w.node("Transpose", [carrier.matmul(w, name, rows, weight)], f"{name}/places_first", perm=[1, 0, 2])
        total = w.node("Reshape", [grouped, w.constant([-1, oh, ow, out])], f"{name}/places")
    total = w.node("Add", [total, w.initializer(array_name(f"{node.name}.bias"), node.bias)], f"{name}/biased")
    return w.node("Transpose", [total], name, perm=[0, 3, 1, 2])


def _padded(w: GraphWriter, name: str, x: str, window: Window, axes: tuple[int, int], fill: int, dtype: Any) -> str:
    (ph, pw) = window.padding
    if not ph and not pw:
        return x
    pads = np.zeros((2, 4), np.int64)
    pads[:, axes[0]], pads[:, axes[1]] = ph, pw
    return w.node("Pad", [x, w.constant(pads.ravel()), w.constant(fill, dtype)], f"{name}/padded")


def _taps(w: GraphWriter, name: str, x: str, window: Window, size: tuple[int, ...], axes: tuple[int, int]) -> list[str]:
    """One strided slice per kernel position, in C order."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    oh, ow = window.output((size[0], size[1]))
    taps = []
    for i in range(kh):
        for j in range(kw):
            starts = [i * dh, j * dw]
            ends = [starts[0] + (oh - 1) * sh + 1, starts[1] + (ow - 1) * sw + 1]
            arguments = [w.constant(starts), w.constant(ends), w.constant(list(axes)), w.constant([sh, sw])]
            taps.append(w.node("Slice", [x, *arguments], f"{name}/tap{i}_{j}"))
    return taps


def _sum_pool(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    size = sources[0].shape[1:]
    if node.window.kernel == size and not any(node.window.padding):
        return w.node("ReduceSum", [inputs[0], w.constant([2, 3])], value_name(node), keepdims=1)
    x = _padded(w, value_name(node), inputs[0], node.window, axes=(2, 3), fill=0, dtype=np.int32)
    return _chained(w, "Add", value_name(node), _taps(w, value_name(node), x, node.window, size, axes=(2, 3)))


def _max_pool(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    x = _padded(w, value_name(node), inputs[0], node.window, axes=(2, 3), fill=INT32_MIN, dtype=np.int32)
    return _chained(w, "Max", value_name(node), _taps(w, value_name(node), x, node.window, sources[0].shape[1:], axes=(2, 3)))


def _chained(w: GraphWriter, op: str, name: str, values: list[str]) -> str:
    total = values[0]
    for n, value in enumerate(values[1:], 1):
        total = w.node(op, [total, value], name if n == len(values) - 1 else f"{name}/part{n}")
    return total if len(values) > 1 else w.node("Identity", values, name)


def _flatten(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    return w.node("Reshape", [inputs[0], w.constant([-1, prod(sources[0].shape)])], value_name(node))


def _add(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name = value_name(node)
    aligned = [
        w.node("Mul", [x, w.constant(1 << shift, np.int32)], f"{name}/aligned{n}") if shift else x
        for n, (x, shift) in enumerate(zip(inputs, node.shifts, strict=True))
    ]
    return w.node("Add" if node.signs[1] > 0 else "Sub", aligned, name)


def _concat(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name = value_name(node)
    aligned = [
        w.node("Mul", [x, w.constant(1 << shift, np.int32)], f"{name}/aligned{n}") if shift else x
        for n, (x, shift) in enumerate(zip(inputs, node.shifts, strict=True))
    ]
    return w.node("Concat", aligned, name, axis=1)


def _offset(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name, x = value_name(node), inputs[0]
    if node.shift:
        x = w.node("Mul", [x, w.constant(1 << node.shift, np.int32)], f"{name}/aligned")
    if node.sign < 0:
        x = w.node("Neg", [x], f"{name}/turned")
    offset = w.initializer(array_name(f"{node.name}.offset"), node.offset)
    if node.offset.ndim == 1 and len(node.shape) > 1:
        offset = w.node("Reshape", [offset, w.constant([-1] + [1] * (len(node.shape) - 1))], f"{name}/offset")
    return w.node("Add", [x, offset], name)


def _resize(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    """Every value gets rows and columns of its own, which are filled with it, or with zeros."""
    name, (fy, fx), (c, h, width) = value_name(node), node.factor, sources[0].shape
    x = w.node("Reshape", [inputs[0], w.constant([-1, c, h, 1, width, 1])], f"{name}/apart")
    if not node.zeros:
        for axis, factor in ((3, fy), (5, fx)):
            x = w.node("Concat", [x] * factor, f"{name}/filled{axis}", axis=axis)
        return w.node("Reshape", [x, w.constant([-1, *node.shape])], name)
    pads = np.zeros((2, 6), np.int64)
    pads[1, 3], pads[1, 5] = fy - 1, fx - 1
    x = w.node("Pad", [x, w.constant(pads.ravel()), w.constant(0, np.int32)], f"{name}/filled")
    x = w.node("Reshape", [x, w.constant([-1, c, h * fy, width * fx])], f"{name}/together")
    ends = [(h - 1) * fy + 1, (width - 1) * fx + 1]
    x = w.node("Slice", [x, *map(w.constant, ([0, 0], ends, [2, 3], [1, 1]))], f"{name}/cut")
    tail = np.zeros((2, 4), np.int64)
    tail[1, 2:] = node.tail
    return w.node("Pad", [x, w.constant(tail.ravel()), w.constant(0, np.int32)], name)


def _places(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    return w.node("Reshape", [inputs[0], w.constant([-1, *node.shape])], value_name(node))


def _multiply(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    return w.node("Mul", inputs, value_name(node))


def _matmul(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    name = value_name(node)
    carriers = [_Carrier.of(s.interval) for s in sources]
    if any(c.dtype is np.int32 for c in carriers):
        carriers = [_Carrier(np.int32, 0)] * 2
    sides = []
    for side, x, source, carrier in zip(("first", "second"), inputs, sources, carriers, strict=True):
        channels, h, width = source.shape
        x = carrier.cast(w, f"{name}/{side}", x)
        x = w.node("Reshape", [x, w.constant([-1, node.heads, channels // node.heads, h * width])], f"{name}/{side}/heads")
        turned = node.transposed == side
        sides.append(w.node("Transpose", [x], f"{name}/{side}/transposed", perm=[0, 1, 3, 2]) if turned else x)
    if carriers[0].dtype is np.int32:
        total = w.node("MatMul", sides, f"{name}/sum")
    else:
        zeros = [w.constant(c.zero, np.uint8) for c in carriers] if any(c.zero for c in carriers) else []
        total = w.node("MatMulInteger", [*sides, *zeros], f"{name}/sum")
    return w.node("Reshape", [total, w.constant([-1, *node.shape])], name)


def _readout(w: GraphWriter, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
    return w.node("Identity", inputs, value_name(node))


LAYERS: dict[type, Callable[[GraphWriter, Any, list[str], list[IntNode]], str]] = {
    IntConv2d: _conv2d,
    IntLinear: _linear,
    IntSumPool2d: _sum_pool,
    IntMaxPool2d: _max_pool,
    IntFlatten: _flatten,
    IntAdd: _add,
    IntConcat: _concat,
    IntMatMul: _matmul,
    IntMultiply: _multiply,
    IntOffset: _offset,
    IntPlaces: _places,
    IntResize2d: _resize,
    IntReadout: _readout,
}
