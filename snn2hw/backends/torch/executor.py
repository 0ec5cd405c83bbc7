"""torch: the integer forward in PyTorch, on the CPU or a GPU; its own convolution."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.base import gated, lacking
from snn2hw.backends.torch.program import step
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntReadout
from snn2hw.ir.program import initial_value
from snn2hw.lack import Lack
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
from snn2hw.layers.matmul import multiplied
from snn2hw.num import Interval
from snn2hw.run.forks import one_torch_thread
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints, Trace

if TYPE_CHECKING:
    import torch

    Tensor = torch.Tensor

FLOAT32_EXACT = 2**24  # float32 holds every integer up to here, whatever the order of a sum


@dataclass(frozen=True)
class TorchExecutor:
    """Synapses as float matrix products that are exact (float32 below 2**24, else float64), programs in int64.

    Args:
        device: a torch device; empty picks the GPU where there is one.
    """

    device: str = ""
    name: str = "torch"
    description: str = "the integer forward in PyTorch, CPU or GPU"

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers that the table below has no row for."""
        return lacking(network, (IntInput, IntNeuron, IntFeedback, *LAYERS), "use the executor reference")

    def unavailable(self) -> str:
        """The package to install, where it is missing."""
        if importlib.util.find_spec("torch") is None:
            return "the package 'torch' is not installed: pip install 'snn2hw[torch]'"
        return ""

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]; in a child of a fork with one thread.

        Arguments as `Executor.run`.

        Raises:
            ExecutorUnavailableError: a GPU in a child of a fork whose parent has used one.
        """
        import torch

        one_torch_thread()
        lost = bool(getattr(torch.cuda, "_is_in_bad_fork", bool)())
        if lost and self.device not in ("", "cpu"):
            raise ExecutorUnavailableError(
                "a GPU cannot be used in a child of a fork whose parent has used it",
                where=f"executor 'torch', device '{self.device}'",
                got="a process that was forked",
                expected="a process that was spawned",
                do="start processes with multiprocessing.get_context('spawn'), or use the device 'cpu'",
            )
        device = self.device or ("cuda" if torch.cuda.is_available() and not lost else "cpu")
        with torch.inference_mode():
            return _run(simplified_network(artefact.network), torch.as_tensor(payloads, dtype=torch.int64, device=device), traces)


def _run(net: IntegerNetwork, payloads: Tensor, traces: bool) -> Trace:
    import torch

    known = {n.name: n.interval for n in net.nodes}
    samples = payloads.shape[1]
    states = {
        n.name: {k: payloads.new_full((samples, *n.shape), initial_value(s)) for k, s in n.program.states.items()}
        for n in net.neurons
    }
    seen: dict[str, list[Tensor]] = {}
    readout: Any = 0
    held = {n.name: payloads.new_zeros((samples, *n.shape)) for n in net.feedbacks}
    for x in payloads:
        values = {net.input.name: x, **held}
        for node in net.nodes[1:]:
            if isinstance(node, IntFeedback):
                continue
            inputs = [values[i] for i in node.inputs]
            if isinstance(node, IntNeuron):
                values[node.name], states[node.name] = step(node.program, inputs[0], states[node.name])
                if traces:
                    seen.setdefault(f"spikes/{node.name}", []).append(values[node.name])
                    for k, v in states[node.name].items():
                        seen.setdefault(f"states/{node.name}.{k}", []).append(v)
            else:
                values[node.name] = LAYERS[type(node)](node, inputs, [known[i] for i in node.inputs])
        readout = net.readout.joined(readout, values[net.readout.name])
        held = {n.name: values[n.inputs[0]] for n in net.feedbacks}
    stacked = {k: torch.stack(v).cpu().numpy() for k, v in seen.items()}
    return Trace.from_arrays({"readout": readout.cpu().numpy(), **stacked}, "torch executor")


def _exact_type(node: IntConv2d | IntLinear, x: Interval) -> Any:
    import torch

    return torch.float32 if node.largest_partial_sum(x) < FLOAT32_EXACT else torch.float64


def _conv2d(node: IntConv2d, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    # unfold and a matrix product, for torch's own convolutions may choose Winograd, whose transforms round.
    import torch

    x, window, dtype = inputs[0], node.window, _exact_type(node, known[0])
    columns = torch.nn.functional.unfold(x.to(dtype), window.kernel, window.dilation, window.padding, window.stride)
    columns = columns.reshape(len(x), node.groups, -1, columns.shape[-1])
    weight = (
        torch.as_tensor(node.weight.astype(np.int64), device=x.device)
        .to(dtype)
        .reshape(node.groups, len(node.weight) // node.groups, -1)
    )
    total = torch.matmul(weight, columns).long().reshape(len(x), *node.shape)
    return total + torch.as_tensor(node.bias.astype(np.int64), device=x.device)[:, None, None]


def _linear(node: IntLinear, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    import torch

    x, dtype = inputs[0], _exact_type(node, known[0])
    weight = torch.as_tensor(node.weight.astype(np.int64), device=x.device).to(dtype)
    return torch.matmul(x.to(dtype), weight.T).long() + torch.as_tensor(node.bias.astype(np.int64), device=x.device)


def _pool(node: Any, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    import torch

    window, largest = node.window, isinstance(node, IntMaxPool2d)
    (ph, pw), (sh, sw), (dh, dw) = window.padding, window.stride, window.dilation
    fill = torch.iinfo(torch.int64).min if largest else 0
    x = torch.nn.functional.pad(inputs[0], (pw, pw, ph, ph), value=fill)
    oh, ow = node.shape[1:]
    total: Any = None
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            tap = x[:, :, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
            total = tap if total is None else torch.maximum(total, tap) if largest else total + tap
    result: Tensor = total
    return result


def _matmul(node: IntMatMul, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    import torch

    dtype = torch.float32 if node.interval.magnitude < FLOAT32_EXACT else torch.float64
    product: Tensor = multiplied(node, [x.to(dtype) for x in inputs], torch.matmul).long()
    return product


def _resize(node: IntResize2d, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    (fy, fx), x = node.factor, inputs[0]
    if not node.zeros:
        return x.repeat_interleave(fy, 2).repeat_interleave(fx, 3)
    y = x.new_zeros((len(x), *node.shape))
    y[:, :, : (x.shape[2] - 1) * fy + 1 : fy, : (x.shape[3] - 1) * fx + 1 : fx] = x
    return y


def _concat(node: IntConcat, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    import torch

    return torch.cat([x * 2**shift for x, shift in zip(inputs, node.shifts, strict=True)], 1)


def _offset(node: IntOffset, inputs: Sequence[Tensor], known: Sequence[Interval]) -> Tensor:
    import torch

    x = inputs[0]
    offset = torch.as_tensor(node.offset.astype(np.int64), device=x.device)
    return x * node.factor + (offset.reshape(-1, *[1] * (x.ndim - 2)) if offset.ndim == 1 else offset)


LAYERS: dict[type, Callable[[Any, Sequence[Any], Sequence[Interval]], Any]] = {
    IntConv2d: _conv2d,
    IntLinear: _linear,
    IntSumPool2d: _pool,
    IntMaxPool2d: _pool,
    IntFlatten: lambda n, x, k: x[0].flatten(1),
    IntPlaces: lambda n, x, k: x[0].reshape(len(x[0]), *n.shape),
    IntAdd: lambda n, x, k: x[0] * n.factors[0] + x[1] * n.factors[1],
    IntConcat: _concat,
    IntMultiply: lambda n, x, k: x[0] * x[1],
    IntOffset: _offset,
    IntResize2d: _resize,
    IntMatMul: _matmul,
    IntReadout: lambda n, x, k: x[0],
}
