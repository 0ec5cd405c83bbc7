"""One choice of widths, what it keeps and costs, and which choices no other beats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from snn2hw.errors import UsageError
from snn2hw.estimation.energy import prices_of
from snn2hw.exploration.widths import Widths
from snn2hw.passes.base import Options
from snn2hw.shown import brief, one_of
from snn2hw.target import Chip, load_chip, target_names


@dataclass(frozen=True, order=True)
class Setting:
    """What is chosen.

    Args:
        weight_bits, state_bits, scales: as `snn2hw.Options` has them. target: a name, or the path of a TOML file.
        epochs: for how many it is trained on its integers; 0: not at all.
        layer_bits, layer_state_bits: widths of single layers, as `snn2hw.Options` has them; of the others `weight_bits` and
            `state_bits`.
    """

    weight_bits: int
    state_bits: int
    scales: str
    target: str
    epochs: int = 0
    layer_bits: tuple[tuple[str, int], ...] = ()
    layer_state_bits: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        layers = "".join(f" {name}={bits}" for name, bits in (*self.layer_bits, *self.layer_state_bits))
        return f"w{self.weight_bits} s{self.state_bits} {self.scales} {self.target}{layers}" + f" e{self.epochs}" * (
            self.epochs > 0
        )

    @property
    def options(self) -> Options:
        """For `snn2hw.compile`."""
        return Options(self.state_bits, self.weight_bits, self.scales, self.layer_bits, self.layer_state_bits)

    def to_document(self) -> dict[str, Any]:
        """For JSON: what is as usual is left out."""
        usual = {"epochs": 0, "layer_bits": (), "layer_state_bits": ()}
        return {k: v for k, v in asdict(self).items() if k not in usual or v != usual[k]}

    @staticmethod
    def from_document(given: Mapping[str, Any]) -> Setting:
        """Inverse of `to_document`, and of what JSON makes of it.

        Raises:
            TypeError, KeyError, ValueError: it is none.
        """
        fields = ("layer_bits", "layer_state_bits")
        own = {field: tuple((str(name), int(bits)) for name, bits in given.get(field, ())) for field in fields}
        return Setting(**{**given, **own})


@dataclass(frozen=True)
class Point:
    """A choice, and what was measured of it.

    Args:
        setting: the choice. samples: how many it ran, 0 where it was refused; `whole`: all of them.
        accuracy: share of the samples whose largest readout is at their label; or mean_squared_error, of real labels.
        weight_memory, state_memory: bits, each constant in as many as it needs; states of one sample.
        operations: synaptic operations of a sample, those that happen. energy_joules: of a sample; None where the target
            has no public prices.
        luts: look-up tables on an FPGA, None on other targets.
        refused: why it could not be compiled; "" else. fits: whether it fits on the target, None where that has no limits.
    """

    setting: Setting
    samples: int
    whole: bool
    accuracy: float | None = None
    mean_squared_error: float | None = None
    weight_memory: int | None = None
    state_memory: int | None = None
    operations: float | None = None
    energy_joules: float | None = None
    fits: bool | None = None
    luts: float | None = None
    refused: str = ""

    __repr__ = brief

    @property
    def memory(self) -> int | None:
        """Bits of weights and states together."""
        return None if self.weight_memory is None or self.state_memory is None else self.weight_memory + self.state_memory

    @property
    def score(self) -> float:
        """The larger the better."""
        return self.accuracy if self.accuracy is not None else -(self.mean_squared_error or 0.0)

    def row(self) -> dict[str, Any]:
        """All of it, flat."""
        rest = {k: v for k, v in asdict(self).items() if k != "setting"}
        setting = asdict(self.setting)
        own = {name: by_layer(setting.pop(name)) for name in ("layer_bits", "layer_state_bits")}
        epochs = setting.pop("epochs")
        return {**setting, **rest, "memory": self.memory, "epochs": epochs, **own}


def by_layer(widths: Iterable[tuple[str, int]]) -> str:
    """Widths of layers in words."""
    return " ".join(f"{name}={bits}" for name, bits in widths)


COST = "memory"  # of `COSTS`, where none is asked for
COSTS: Mapping[str, Callable[[Point], float | None]] = {
    "memory": lambda p: p.memory,
    "weights": lambda p: p.weight_memory,
    "operations": lambda p: p.operations,
    "energy": lambda p: p.energy_joules,
    "luts": lambda p: p.luts,
}
UNITS = {"memory": "weights and states, bits", "weights": "weights, bits", "operations": "synaptic operations of a sample",
         "energy": "energy of a sample, J", "luts": "look-up tables of the FPGA"}  # fmt: skip


HAVE: Mapping[str, tuple[Callable[[Chip], bool], str]] = {  # costs that not every target has, and what has them
    "energy": (lambda chip: bool(prices_of(chip)), "a target with public prices of its operations"),
    "luts": (lambda chip: chip.fpga is not None, "a target that is an FPGA"),
}


def check_cost(cost: str, targets: Iterable[str]) -> None:
    """A name of `COSTS` that one of the targets has.

    Raises:
        UsageError: it is none, or no target has it, so that no point would.
    """
    if cost not in COSTS:
        raise UsageError("unknown kind of cost", got=repr(cost), expected=", ".join(COSTS), do=one_of(cost, COSTS))
    chips = [load_chip(name) for name in sorted(targets)]
    if cost not in HAVE or any(HAVE[cost][0](chip) for chip in chips):
        return
    having = [name for name in target_names() if HAVE[cost][0](load_chip(name))]
    raise UsageError(
        "no target has this cost",
        where="cost",
        got=f"{cost}, of {', '.join(chip.name for chip in chips)}",
        expected=HAVE[cost][1],
        do=f"give target={having[0]!r} (--target {having[0]}), or {', '.join(having[1:])}; or another cost",
    )


def layers_of_front(points: Sequence[Point], cost: str) -> list[list[Point]]:
    """The points sorted by how many fronts stand before them; within a front the cheapest first.

    A point is beaten by one that costs no more and keeps no less, and is better in one of the two. Points that were refused,
    or whose cost nobody knows, are in no front.

    Args:
        points: measured on the same samples. cost: a name of `COSTS`.
    """
    left = [p for p in points if not p.refused and COSTS[cost](p) is not None]
    found: list[list[Point]] = []
    while left:
        best = [p for p in left if not any(_beats(o, p, cost) for o in left)]
        found.append(sorted(best, key=lambda p: (COSTS[cost](p), p.setting)))
        left = [p for p in left if p not in best]
    return found


def _beats(one: Point, other: Point, cost: str) -> bool:
    a, b = COSTS[cost](one), COSTS[cost](other)
    assert a is not None
    assert b is not None
    return a <= b and one.score >= other.score and (a < b or one.score > other.score)


@dataclass(frozen=True)
class Front:
    """What was found.

    Args:
        points: every choice, in the order of their widths. cost: what the front is drawn against. samples: all of them.
    """

    points: tuple[Point, ...]
    cost: str
    samples: int

    __repr__ = brief

    @property
    def pareto(self) -> tuple[Point, ...]:
        """The points that no other beats, of those that ran all samples; the cheapest first."""
        return tuple(next(iter(layers_of_front([p for p in self.points if p.whole], self.cost)), ()))

    def to_document(self) -> dict[str, Any]:
        """All of it for JSON."""
        front = set(map(id, self.pareto))
        rows = [{**p.row(), "pareto": id(p) in front} for p in self.points]
        return {"samples": self.samples, "cost": self.cost, "points": rows}

    def to_csv(self) -> str:
        """A table with a line for each point, and a head."""
        out, rows = io.StringIO(), self.to_document()["points"]
        writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()


def _with_own(widths: Sequence[int], own: Iterable[Mapping[str, int]]) -> list[tuple[int, tuple[tuple[str, int], ...]]]:
    """(width, widths of single layers besides) of each choice."""
    plain: list[tuple[int, tuple[tuple[str, int], ...]]] = [(width, ()) for width in widths]
    return plain + [(max(widths), _sorted(each)) for each in own if widths]


def _sorted(own: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(own.items()))


def settings_of(
    weight_bits: Iterable[int],
    state_bits: Iterable[int],
    scales: str | Iterable[str],
    target: str | Iterable[str],
    layer_bits: Iterable[Mapping[str, int]] = (),
    epochs: Iterable[int] = (0,),
    layer_state_bits: Iterable[Mapping[str, int]] = (),
    pairs: Iterable[Widths] = (),
) -> list[Setting]:
    """All combinations, each once, in order.

    Args:
        weight_bits, state_bits: widths. scales, target: one, or several. epochs: of training on integers.
        layer_bits, layer_state_bits: widths by layer, besides those of all; layers that are not named have the largest of
            `weight_bits`, and of `state_bits`. pairs: both together, which are combined with nothing else.

    Raises:
        UsageError: there is none.
    """
    kinds, targets = ([s] if isinstance(s, str) else list(s) for s in (scales, target))
    widths, states, trained = list(weight_bits), list(state_bits), list(epochs)
    of_weights, of_states = _with_own(widths, layer_bits), _with_own(states, layer_state_bits)
    both = list(product(of_weights, of_states))
    both += [((max(widths), _sorted(p.layer_bits)), (max(states), _sorted(p.layer_state_bits))) for p in pairs]
    found = {
        Setting(w, s, k, str(t), e, own, own_states): None
        for t, k, e, ((w, own), (s, own_states)) in product(targets, kinds, trained, both)
    }
    if not found:
        raise UsageError(
            "there is nothing to explore",
            got="an empty list of widths, scales or targets",
            expected="one of each at least",
            do="give weight_bits=(4, 8), state_bits=(12, 16)",
        )
    return sorted(found)
