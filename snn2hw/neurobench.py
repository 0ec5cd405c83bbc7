"""A compiled model in NeuroBench's harness (github.com/NeuroBench/neurobench), which counts what the integers do.

    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
    from neurobench.metrics.workload import ActivationSparsity, MembraneUpdates, SynapticOperations
    from snn2hw.neurobench import IntegerModel

    static, workload = [ParameterCount, Footprint, ConnectionSparsity], [ActivationSparsity, MembraneUpdates, SynapticOperations]
    Benchmark(IntegerModel(snn2hw.load("build/x")), loader, [], [], [static, workload]).run()

`snn2hw.estimate` counts the same by the same rules, without the package, and much faster. Needs the neurobench extra.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.reference import initial_states, step
from snn2hw.errors import MissingExtraError, ShapeError, UnsupportedError
from snn2hw.estimation.neurobench_keys import is_neuron
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron, IntNode
from snn2hw.layers import IntConv2d, IntLinear, IntSynapse
from snn2hw.trace import Ints

try:
    import snntorch
    import torch
    from neurobench.models import NeuroBenchModel
    from torch import Tensor
except ImportError as error:
    raise MissingExtraError(error.name or "neurobench", "neurobench", "NeuroBench's harness") from error


class IntegerModel(NeuroBenchModel):  # type: ignore[misc]
    """What `Benchmark` takes: the integers of a compiled model, step by step, in modules that NeuroBench's hooks know.

    Layers with weights are `torch.nn.Linear` and `Conv2d` with int8 weights, so that `Footprint` is in bytes that are
    stored. Neurons derive from `snntorch.SpikingNeuron`; `mem` is the membrane after the step. All is exact: sums are in
    float64, and neurons run on the reference.

    Args:
        artefact: the compiled model.

    Raises:
        MissingExtraError: NeuroBench is not installed. UnsupportedError: a layer with weights that the harness does not count.
    """

    def __init__(self, artefact: Artefact) -> None:
        super().__init__()
        self.net = _Network(artefact.network)
        self.add_activation_module(snntorch.SpikingNeuron)

    def __call__(self, data: Tensor) -> Tensor:
        """The logits of every step, integers, float64 [N, T, classes]; their sum over T is the readout.

        Args:
            data: real samples, [N, T, ...] as everywhere in NeuroBench; of a network whose input is static also [N, ...].

        Raises:
            ShapeError, ValueRangeError: samples that do not fit.
        """
        return cast("Tensor", self.net(data))

    def __net__(self) -> torch.nn.Module:
        """The modules, for hooks and parameters."""
        return self.net


class _Network(torch.nn.Module):
    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.network = network
        self.parts: dict[str, _Linear | _Conv2d | _Program] = {}
        for number, node in enumerate(network.nodes):
            part = _part(node)
            if part is not None:
                self.parts[node.name] = part
                self.add_module(f"{number} {node.name}".replace(".", " "), part)

    def forward(self, data: Tensor) -> Tensor:
        """As `IntegerModel`."""
        net, payloads = self.network, _encoded(self.network, data.detach().cpu().double().numpy())
        samples, logits = payloads.shape[1], []
        for part in self.parts.values():
            if isinstance(part, _Program):
                part.begin(samples)
        fired = {n.inputs[0]: np.zeros((samples, *n.shape), np.int64) for n in net.feedbacks}
        for x in payloads:
            values: dict[str, Ints] = {net.input.name: x}
            for node in net.nodes[1:]:
                values[node.name] = self._value(node, fired if isinstance(node, IntFeedback) else values)
            logits.append(torch.from_numpy(values[net.readout.name].astype(np.float64)))
            fired = {name: values[name] for name in fired}
        return torch.stack(logits, 1)

    def _value(self, node: IntNode, values: Mapping[str, Ints]) -> Ints:
        inputs = [values[i] for i in node.inputs]
        if node.name not in self.parts:
            return node.value(inputs)
        given: Tensor = self.parts[node.name](torch.from_numpy(inputs[0].astype(np.float64)))
        return given.numpy().astype(np.int64)


def _encoded(net: IntegerNetwork, data: Any) -> Ints:
    """Integers [T, N, ...] of data [N, T, ...]."""
    if not net.input.static:
        return encode(net, data.swapaxes(0, 1) if data.ndim > 1 else data)
    if data.ndim == len(net.input.shape) + 1:
        return encode(net, data)
    if data.ndim < 2 or (data != data[:, :1]).any() or data.shape[1] != net.steps:
        raise ShapeError(
            "the samples are not those of a network whose input does not change over the steps",
            where=f"input '{net.input.name}'",
            got=str(list(data.shape)),
            expected=f"[N, ...] or [N, {net.steps}, ...], the same at every step, with one sample {list(net.input.shape)}",
            do="give every image once, or repeat it for every step",
        )
    return encode(net, data[:, 0])


def _part(node: IntNode) -> _Linear | _Conv2d | _Program | None:
    if isinstance(node, IntNeuron):
        return _Neuron(node) if is_neuron(node) else _Program(node)
    if isinstance(node, IntLinear):
        return _Linear(node)
    if isinstance(node, IntConv2d):
        return _Conv2d(node)
    if isinstance(node, IntSynapse):
        raise UnsupportedError(
            "NeuroBench counts the operations of linear and convolutional layers only",
            where=node.source or node.name,
            got=type(node).__name__,
            expected="IntLinear or IntConv2d",
            do="take the counts of `snn2hw.estimate`",
        )
    return None


class _Linear(torch.nn.Linear):
    """y = W x + b in float64, of int8 weights and int32 biases; no biases where all are 0."""

    def __init__(self, node: IntLinear) -> None:
        torch.nn.Module.__init__(self)
        self.out_features, self.in_features = node.weight.shape
        _hold(self, node)

    def forward(self, x: Tensor) -> Tensor:
        """The equation; NeuroBench gives a copy of the layer values and weights of its own."""
        bias = None if self.bias is None else self.bias.double()
        return torch.nn.functional.linear(x.double(), self.weight.double(), bias)


class _Conv2d(torch.nn.Conv2d):
    """The convolution, likewise."""

    def __init__(self, node: IntConv2d) -> None:
        torch.nn.Module.__init__(self)
        self.window, self.groups = node.window, node.groups
        _hold(self, node)

    def forward(self, x: Tensor) -> Tensor:
        """As `_Linear.forward`."""
        bias = None if self.bias is None else self.bias.double()
        w = self.window
        return torch.nn.functional.conv2d(x.double(), self.weight.double(), bias, w.stride, w.padding, w.dilation, self.groups)

    def extra_repr(self) -> str:
        """Its window."""
        return str(self.window)


def _hold(module: torch.nn.Linear | torch.nn.Conv2d, node: IntSynapse) -> None:
    def held(values: Any) -> torch.nn.Parameter:
        return torch.nn.Parameter(torch.from_numpy(np.array(values)), requires_grad=False)

    module.weight = held(node.weight)
    module.bias = held(node.bias) if node.bias.any() else None


class _Program(torch.nn.Module):
    """One layer with a program on the reference. Its constants are parameters, so that they are counted."""

    def __init__(self, node: IntNeuron) -> None:
        torch.nn.Module.__init__(self)
        self.node = node
        roles, states = node.program.roles, node.program.states
        self.membrane = roles.state if roles is not None else next(iter(states), "")
        for number, values in enumerate(node.program.params.values()):
            held = torch.tensor(values, dtype=torch.int32 if max(map(abs, values)) < 1 << 31 else torch.int64)
            self.register_parameter(f"constant{number}", torch.nn.Parameter(held, requires_grad=False))

    def begin(self, samples: int) -> None:
        """Set every state to its initial value."""
        self.states = initial_states(self.node, samples)
        self._show()

    def _show(self) -> None:
        if self.membrane:
            self.mem = torch.from_numpy(self.states[self.membrane].copy())

    def forward(self, x: Tensor) -> Tensor:
        """One step."""
        fired, self.states = step(self.node.program, x.numpy().astype(np.int64), self.states)
        self._show()
        return torch.from_numpy(np.ascontiguousarray(fired).astype(np.float64))


class _Neuron(_Program, snntorch.SpikingNeuron):  # type: ignore[misc]
    """One layer of neurons, which NeuroBench knows as such; delays, and what brings sums to one scale, are none."""

    init_hidden, output, _reset_mechanism = True, False, "none"
