"""How each torch layer reads as a node of the float network; one row per kind of layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import (
    Circulate,
    EquationNeuron,
    Feedback,
    Neuron,
    Node,
    Reals,
    Single,
)
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import (
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Spread2d,
    Upsample2d,
)
from snn2hw.nn.base import Neuron as TorchNeuron
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.recurrent import Recurrent

Place = tuple[str, "tuple[str, ...]", Shape]  # name, inputs, shape that enters (replaced by the shape that leaves)
Reader = Callable[[Any, Place, str], "Node | tuple[Node, ...]"]  # several nodes stand one behind another


def layer_kind(module: torch.nn.Module) -> type | None:
    """The layer that a module is, one of LAYERS or NOTHING, or None where it is none we know."""
    return next((kind for kind in type(module).__mro__ if kind in LAYERS or kind in NOTHING), None)


def check_unaltered(module: torch.nn.Module, source: str) -> None:
    """A layer is read by its parameters, so nothing else may change what it computes.

    Raises:
        UnsupportedError: a subclass with a forward of its own, or forward hooks.
    """
    owner = next(kind for kind in type(module).__mro__ if "forward" in vars(kind))
    if owner not in LAYERS and not owner.__module__.startswith(("torch.nn", "snn2hw.nn")):
        raise UnsupportedError(
            "a subclass of a layer has a forward of its own",
            where=source,
            got=f"{owner.__module__}.{owner.__name__}.forward",
            expected="the forward of the layer it derives from",
            do="write it as a custom module that calls supported layers",
        )
    check_untouched(module, source)


def check_untouched(module: torch.nn.Module, source: str) -> None:
    """Nobody replaced the forward of this very module, or hooked into it; for layers and for modules that hold them.

    Raises:
        UnsupportedError: a forward set on the instance, or forward hooks.
    """
    if "forward" in vars(module):
        raise UnsupportedError(
            "the forward of this module was replaced on the instance",
            where=source,
            got=f"{source} has its own attribute 'forward'",
            expected="the forward of its class",
            do="write it as a class",
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise UnsupportedError(
            "a module has forward hooks, which may change what it computes",
            where=source,
            got=f"{len(module._forward_hooks)} hooks, {len(module._forward_pre_hooks)} pre-hooks",
            expected="no hooks",
            do="remove the hooks before compiling",
        )


def _reals(tensor: torch.Tensor) -> Reals:
    return np.array(tensor.detach().cpu().to(torch.float64).numpy(), np.float64)


def _pair(value: Any) -> tuple[int, int]:
    a, b = (value, value) if isinstance(value, int) else value
    return int(a), int(b)


def _refuse(source: str, got: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        "this setting of the layer has no integer meaning here", where=source, got=got, expected=expected, do=f"use {expected}"
    )


def _bias(module: Any, size: int) -> Reals:
    return np.zeros(size) if module.bias is None else _reals(module.bias)


def _conv2d(m: torch.nn.Conv2d, at: Place, source: str) -> Node:
    if m.padding_mode != "zeros":
        raise _refuse(source, f"padding_mode='{m.padding_mode}'", "padding_mode='zeros'")
    kernel, dilation = _pair(m.kernel_size), _pair(m.dilation)
    padding = _padding(m.padding, kernel, dilation, source)
    window = Window(kernel, _pair(m.stride), padding, dilation)
    return Conv2d(*at, weight=_reals(m.weight), bias=_bias(m, m.out_channels), window=window, groups=m.groups, source=source)


def _conv1d(m: torch.nn.Conv1d, at: Place, source: str) -> Node:
    """Along a signal, an image [C, 1, L]."""
    if m.padding_mode != "zeros":
        raise _refuse(source, f"padding_mode='{m.padding_mode}'", "padding_mode='zeros'")
    kernel, dilation = (1, m.kernel_size[0]), (1, m.dilation[0])
    padding = _padding(m.padding if isinstance(m.padding, str) else (0, m.padding[0]), kernel, dilation, source)
    window = Window(kernel, (1, m.stride[0]), padding, dilation)
    weight = _reals(m.weight)[:, :, None]
    return Conv2d(*at, weight=weight, bias=_bias(m, m.out_channels), window=window, groups=m.groups, source=source)


def runs_along(m: torch.nn.Module) -> bool:
    """Whether a layer looks at several places of a signal, so that it matters how they lie."""
    if isinstance(m, torch.nn.Conv1d):
        return (*m.kernel_size, *m.stride) != (1, 1) or m.padding not in ((0,), "same", "valid")
    return isinstance(m, torch.nn.ConvTranspose1d | torch.nn.MaxPool1d | torch.nn.AvgPool1d)


def _conv_transpose(m: torch.nn.ConvTranspose1d | torch.nn.ConvTranspose2d, at: Place, source: str) -> tuple[Node, ...]:
    """A convolution of stride 1, with the kernel turned round, of the input spread out by the stride."""
    kernel, stride, dilation = _sizes(m.kernel_size), _sizes(m.stride), _sizes(m.dilation)
    cut, tail = _sizes(m.padding, 0), _sizes(m.output_padding, 0)
    padding = [d * (k - 1) - p for k, d, p in zip(kernel, dilation, cut, strict=True)]
    if min(padding) < 0:
        raise _refuse(source, f"padding={m.padding}", "a padding of at most dilation * (kernel_size - 1)")
    turned = _reals(m.weight).reshape(m.in_channels, -1, *kernel)[:, :, ::-1, ::-1]  # [I, O/G, KH, KW]
    each = m.in_channels // m.groups
    weight = np.concatenate([turned[g * each : (g + 1) * each].swapaxes(0, 1) for g in range(m.groups)])
    name, inputs, shape = at
    before: tuple[Node, ...] = ()
    if stride != (1, 1) or tail != (0, 0):
        before = (Spread2d(f"{name}.spread", inputs, (), stride, tail, source=f"{source}, spread out"),)
        inputs = (before[0].name,)
    window, bias = Window(kernel, (1, 1), (padding[0], padding[1]), dilation), _bias(m, m.out_channels)
    conv = Conv2d(name, inputs, shape, np.ascontiguousarray(weight), bias, window, m.groups, source=source)
    return (*before, conv)


def _sizes(value: Any, other: int = 1) -> tuple[int, int]:
    """Of an image (H, W); of a signal, which is one row, (1, L)."""
    given = (value,) if isinstance(value, int) else tuple(value)
    return (other, int(given[0])) if len(given) == 1 else (int(given[0]), int(given[1]))


def _pool1d(m: torch.nn.MaxPool1d | torch.nn.AvgPool1d, at: Place, source: str) -> Node:
    dilation = _sizes(getattr(m, "dilation", 1))
    kernel = _sizes(m.kernel_size if isinstance(m.kernel_size, int) else m.kernel_size[0:1])
    window = Window(kernel, _sizes(m.stride), _sizes(m.padding, 0), dilation)
    grows = m.ceil_mode and _ceil_adds(at[2], window)
    if grows or getattr(m, "return_indices", False) or (any(window.padding) and not getattr(m, "count_include_pad", True)):
        said = {name: getattr(m, name) for name in ("ceil_mode", "count_include_pad", "return_indices") if hasattr(m, name)}
        got = ", ".join(f"{name}={value}" for name, value in said.items())
        raise _refuse(source, got, "ceil_mode=False, count_include_pad=True and return_indices=False")
    return (MaxPool2d if isinstance(m, torch.nn.MaxPool1d) else AvgPool2d)(*at, window=window, source=source)


def _upsample(m: torch.nn.Upsample, at: Place, source: str) -> Node:
    """By whole factors, given as such or as the size they lead to."""
    asked = m.scale_factor
    if m.size is not None and len(at[2]) == 3:
        asked = tuple(n / was for n, was in zip(_pair(m.size), at[2][1:], strict=True))
    factors = [float(f or 0) for f in (asked if isinstance(asked, tuple | list) else (asked, asked))]
    if m.mode not in ("nearest", "nearest-exact") or any(f != int(f) or f < 1 for f in factors):
        got = f"mode='{m.mode}', scale_factor={m.scale_factor}, size={m.size}"
        raise _refuse(source, got, "mode='nearest' and whole factors")
    return Upsample2d(*at, factor=(int(factors[0]), int(factors[1])), source=source)


def _padding(padding: Any, kernel: tuple[int, int], dilation: tuple[int, int], source: str) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return _pair(padding)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(t % 2 for t in total):
        raise _refuse(source, f"padding='same' with kernel {kernel}", "an odd kernel, or an explicit padding")
    return total[0] // 2, total[1] // 2


def _linear(m: torch.nn.Linear, at: Place, source: str) -> Node:
    return Linear(*at, weight=_reals(m.weight), bias=_bias(m, m.out_features), source=source)


def _batch_norm(m: Any, at: Place, source: str) -> Node:
    if m.running_mean is None or m.running_var is None:
        raise _refuse(source, "no running statistics", "track_running_stats=True")
    with np.errstate(invalid="ignore"):  # a negative variance becomes NaN, which the rules report with its place
        scale = 1.0 / np.sqrt(_reals(m.running_var) + m.eps)
    if m.affine:
        scale = scale * _reals(m.weight)
    shift = (_reals(m.bias) if m.affine else 0.0) - _reals(m.running_mean) * scale
    return BatchNorm(*at, scale=scale, shift=shift, source=source)


def _avg_pool(m: torch.nn.AvgPool2d, at: Place, source: str) -> Node:
    window = Window(_pair(m.kernel_size), _pair(m.stride), _pair(m.padding))
    grows = m.ceil_mode and _ceil_adds(at[2], window)
    if grows or m.divisor_override or (any(window.padding) and not m.count_include_pad):
        got = f"ceil_mode={m.ceil_mode}, count_include_pad={m.count_include_pad}, divisor_override={m.divisor_override}"
        raise _refuse(source, got, "ceil_mode=False, count_include_pad=True and no divisor_override")
    return AvgPool2d(*at, window=window, source=source)


def _ceil_adds(shape: Shape, window: Window) -> bool:
    """Whether rounding the size up adds windows that hang over the edge; where windows fit exactly it changes nothing."""
    sides = zip(shape[1:], window.kernel, window.stride, window.padding, window.dilation, strict=True)
    return len(shape) == 3 and any((n + 2 * p - d * (k - 1) - 1) % s for n, k, s, p, d in sides)


def _adaptive_avg_pool(m: torch.nn.AdaptiveAvgPool2d, at: Place, source: str) -> Node:
    asked = m.output_size if isinstance(m.output_size, tuple | list) else (m.output_size, m.output_size)
    if len(at[2]) != 3:
        return AvgPool2d(*at, window=Window((1, 1)), source=source)  # which says that it is no image
    size = at[2][1:]
    kernel = [n // (out or n) for n, out in zip(size, asked, strict=True)]
    if any(out and (out > n or n % out) for n, out in zip(size, asked, strict=True)):
        raise _refuse(source, f"output_size={m.output_size} of {size[0]}x{size[1]}", "a size that divides height and width")
    window = Window((kernel[0], kernel[1]), (kernel[0], kernel[1]))
    return AvgPool2d(*at, window=window, source=source)


def _max_pool(m: torch.nn.MaxPool2d, at: Place, source: str) -> Node:
    window = Window(_pair(m.kernel_size), _pair(m.stride), _pair(m.padding), _pair(m.dilation))
    if m.return_indices or (m.ceil_mode and _ceil_adds(at[2], window)):
        got = f"ceil_mode={m.ceil_mode}, return_indices={m.return_indices}"
        raise _refuse(source, got, "ceil_mode=False and return_indices=False")
    return MaxPool2d(*at, window=window, source=source)


def _flatten(m: torch.nn.Flatten, at: Place, source: str) -> Node:
    if (m.start_dim, m.end_dim) not in ((2, -1), (2, 4)):
        raise _refuse(source, f"start_dim={m.start_dim}, end_dim={m.end_dim}", "snn2hw.nn.Flatten(), which keeps T and N")
    return Flatten(*at, source=source)


def _neuron(m: TorchNeuron, at: Place, source: str) -> Node:
    firing: Single | Circulate = Single(float(m.thresholds[0]))
    if m.circulates:
        levels = tuple(map(float, m.thresholds)), tuple(map(float, m.amplitudes))
        firing = Circulate(*levels, m.signed, m.firing.by_step, m.negative_amplitude)
    return Neuron(
        *at,
        kind=m.kind,
        coefficients=_reals(m.coefficients),
        gain=float(m.gain),
        order=m.order,
        state_range=m.state_range,
        firing=firing,
        reset=m.reset,
        reset_value=float(m.reset_value),
        strict=m.strict,
        source=source,
    )


def _recurrent(m: Recurrent, at: Place, source: str) -> tuple[Node, ...]:
    """What the neuron fired a step before, through the synapse, added to what enters."""
    path, inputs, shape = at
    back, synapse, join, neuron = (f"{path}.{part}" for part in ("back", "synapse", "join", "neuron"))
    edge = Feedback(back, (neuron,), shape, source=f"{source}, a step back")
    heard = _row(m.synapse)(m.synapse, (synapse, (back,), shape), f"{synapse} ({type(m.synapse).__name__})")
    added = Add(join, (*inputs, synapse), shape, source=f"{source}, joined")
    fired = _row(m.neuron)(m.neuron, (neuron, (join,), shape), f"{neuron} ({type(m.neuron).__name__})")
    return edge, *_several(heard), added, *_several(fired)


def _row(m: torch.nn.Module) -> Reader:
    kind = layer_kind(m)
    assert kind is not None
    return LAYERS[kind]


def _several(nodes: Node | tuple[Node, ...]) -> tuple[Node, ...]:
    return nodes if isinstance(nodes, tuple) else (nodes,)


def _equation(m: CustomNeuron, at: Place, source: str) -> Node:
    found = m.trace(at[2][0])
    return EquationNeuron(*at, equation=found.equation, parameters=tuple(map(_reals, found.parameters)), source=source)


# In evaluation.
NOTHING = (
    torch.nn.Identity,
    *(torch.nn.Dropout, torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d),
    *(torch.nn.AlphaDropout, torch.nn.FeatureAlphaDropout),
)

LAYERS: dict[type, Reader] = {
    torch.nn.AvgPool1d: _pool1d,
    torch.nn.Conv1d: _conv1d,
    torch.nn.ConvTranspose1d: _conv_transpose,
    torch.nn.ConvTranspose2d: _conv_transpose,
    torch.nn.MaxPool1d: _pool1d,
    torch.nn.Upsample: _upsample,
    torch.nn.Conv2d: _conv2d,
    torch.nn.Linear: _linear,
    torch.nn.BatchNorm1d: _batch_norm,
    torch.nn.BatchNorm2d: _batch_norm,
    torch.nn.AdaptiveAvgPool2d: _adaptive_avg_pool,
    torch.nn.AvgPool2d: _avg_pool,
    torch.nn.MaxPool2d: _max_pool,
    torch.nn.Flatten: _flatten,
    TorchNeuron: _neuron,
    CustomNeuron: _equation,
    Recurrent: _recurrent,
}
