"""What a pass is, and what travels from pass to pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy.typing as npt

from snn2hw.errors import UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network, Reals
from snn2hw.ir.rules import check_integer, check_network
from snn2hw.ir.scale import Scale
from snn2hw.passes.findings import Finding
from snn2hw.shown import brief, one_of
from snn2hw.target import Target

SCALES = ("auto", "layer", "channel")


@dataclass(frozen=True)
class Options:
    """Choices of the user; every one that changes bits is written into the manifest.

    Args:
        state_bits: width of every neuron state (8 to 24).
        weight_bits: width of every synaptic weight (2 to 8).
        scales: 'auto' (by measured error), 'layer', or 'channel'.
        layer_bits: of some synaptic layers another width of their weights: {"fc1": 4}, or pairs of these.
        layer_state_bits: of some neuron layers another width of their states: {"lif1": 10}, or pairs of these.
    """

    state_bits: int = 16
    weight_bits: int = 8
    scales: str = "auto"
    layer_bits: Mapping[str, int] | tuple[tuple[str, int], ...] = ()
    layer_state_bits: Mapping[str, int] | tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        own = list[tuple[str, int, int, int]]()
        for field_name, lo, hi in (("layer_bits", 2, 8), ("layer_state_bits", 8, 24)):
            each = dict(getattr(self, field_name))
            object.__setattr__(self, field_name, tuple(sorted(each.items())))  # that cannot change, and has a hash
            own += [(f"{field_name} of {name!r}", bits, lo, hi) for name, bits in each.items()]
        for name, value, lo, hi in (("state_bits", self.state_bits, 8, 24), ("weight_bits", self.weight_bits, 2, 8), *own):
            if isinstance(value, bool) or not isinstance(value, int) or not lo <= value <= hi:
                raise UsageError(
                    f"{name} is out of range", got=str(value), expected=f"{lo} to {hi}", do="choose a width in this range"
                )
        if self.scales not in SCALES:
            do = one_of(str(self.scales), SCALES)
            raise UsageError("unknown kind of scales", got=repr(self.scales), expected="auto, layer or channel", do=do)

    def bits_of(self, layer: str) -> int:
        """Width of the weights of a synaptic layer."""
        return dict(self.layer_bits).get(layer, self.weight_bits)

    def state_bits_of(self, layer: str) -> int:
        """Width of the states of a neuron layer."""
        return dict(self.layer_state_bits).get(layer, self.state_bits)

    def facts(self) -> dict[str, Any]:
        """All of it for a manifest; of layers only those that are named."""
        said = asdict(self)
        own = {name: dict(said.pop(name)) for name in ("layer_bits", "layer_state_bits")}
        return {**said, **{name: widths for name, widths in own.items() if widths}}


def given_options(options: Options | None) -> Options:
    """The options that were given, or the usual ones where none were.

    Raises:
        UsageError: something else, such as a dictionary.
    """
    if options is None or isinstance(options, Options):
        return options or Options()
    raise UsageError(
        "these are no options",
        where="options",
        got=repr(options),
        expected="snn2hw.Options(...)",
        do=f"pass snn2hw.Options({', '.join(f'{k}={v!r}' for k, v in options.items())})"
        if isinstance(options, Mapping)
        else "make them: snn2hw.Options(weight_bits=...)",
    )


@dataclass(frozen=True)
class Observation:
    """What calibration saw of one node of the real network on the sample.

    Args:
        rows: of a synapse: fan-ins drawn at random, [G, P, fan-in per group], in real units; else None.
        rate: of a neuron: share of neurons and steps with a nonzero spike value; else None.
    """

    rows: Reals | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Compilation:
    """The network on its way from real to integer. Each pass returns a new one; the old one stays valid.

    Args:
        real: the network of the float network.
        sample: real samples to calibrate on, [N, ...] or [T, N, ...].
        observed: what calibration saw, by node name.
        integer: the network of the integer stage; None before `quantise`.
        scales: what one raw integer of every node's value stands for, from `quantise` on.
        findings: what was lost so far, for the manifest and for warnings.
        workers, cluster: who calibrates (`snn2hw.run.job`); they change nothing.
    """

    real: Network
    target: Target
    options: Options
    sample: npt.NDArray[Any]
    observed: Mapping[str, Observation] = field(default_factory=dict)
    integer: IntegerNetwork | None = None
    scales: Mapping[str, Scale] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    workers: int = 1
    cluster: str | None = None

    __repr__ = brief

    def state_bits(self, layer: str) -> int:
        """Width of the states of a neuron layer, which the target bounds."""
        return min(self.options.state_bits_of(layer), self.target.lowering.state_bits)

    @property
    def network(self) -> IntegerNetwork:
        """The integer network; a pass that asks for it stands after `quantise`."""
        assert self.integer is not None
        return self.integer


class Pass(ABC):
    """A pure step: `run` returns a new Compilation. Fields of the dataclass that implements it are its options."""

    name: ClassVar[str]
    says: ClassVar[str]

    @abstractmethod
    def run(self, c: Compilation) -> Compilation:
        """The compilation after this pass."""

    def requires(self, c: Compilation) -> Iterator[str]:
        """What is missing before this pass; nothing where it can run."""
        yield from ()

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """What this pass promised and did not keep; nothing where it did."""
        yield from ()


def check_rules(c: Compilation) -> None:
    """The rules of both stages, which hold before and after every pass."""
    check_network(c.real)
    if c.integer is not None:
        check_integer(c.integer)
