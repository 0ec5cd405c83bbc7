"""What an operation of a chip costs: the sections [energy] and [latency], every number with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.target.facts import Fact, impossible, is_number, span_fact

# dimension -> unit -> how many of the unit that stands first
UNITS: Mapping[str, Mapping[str, float]] = {
    "energy": {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12, "fJ": 1e-15},
    "power": {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "nW": 1e-9},
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    "cycles": {"cycles": 1.0},
    "frequency": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
}

# What may stand in a section, and in which dimensions.
ENERGY: Mapping[str, tuple[str, ...]] = {
    "synaptic_operation": ("energy",),
    "multiplication": ("energy",),
    "addition": ("energy",),
    "neuron_update": ("energy",),
    "neuron_update_idle": ("energy",),
    "spike": ("energy",),
    "hop_east_west": ("energy",),
    "hop_north_south": ("energy",),
    "weight_read": ("energy",),
    "state_access": ("energy",),
    "idle": ("power",),
    "busy": ("power",),
}
LATENCY: Mapping[str, tuple[str, ...]] = {
    "synaptic_operation": ("time", "cycles"),
    "neuron_update": ("time", "cycles"),
    "spike": ("time", "cycles"),
    "hop": ("time", "cycles"),
    "instruction": ("cycles",),
    "step": ("time", "cycles"),
    "clock": ("frequency",),
}
SECTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"energy": ENERGY, "latency": LATENCY}
RELATIVE = "relative_only"  # text of [energy]: why its numbers compare networks, and are no measurement of the chip


def in_base_unit(fact: Fact) -> tuple[float, float]:
    """(lowest, highest) value of a price in J, W, s, cycles or Hz."""
    scale = next(units[fact.unit] for units in UNITS.values() if fact.unit in units)
    return float(fact.low) * scale, float(fact.high) * scale


def read_prices(data: Mapping[str, Any], name: str, where: str) -> Mapping[str, Fact]:
    """The entries of the section of this name; none where the file has no such section.

    Args:
        data: what TOML made of the file. name: energy or latency. where: the file, for messages.

    Raises:
        TargetError: an unknown entry or unit, or a number that is not above 0.
    """
    section, known, where = data.get(name, {}), SECTIONS[name], f"{where} [{name}]"
    if not isinstance(section, dict):
        raise TargetError(
            "a section of a target file is no table",
            where=where,
            got=repr(section)[:200],
            expected=f"[{name}]",
            do=f"write it as a section: [{name}]",
        )
    read = dict[str, Fact]()
    for key, entry in section.items():
        if name == "energy" and key == RELATIVE:
            continue
        if key not in known:
            raise TargetError(
                "a target file has an unknown field",
                where=where,
                got=key,
                expected=", ".join(known),
                do="correct its name, or leave it out",
            )
        fact = read[key] = span_fact(key, entry, where, with_unit=True)
        units = [unit for dimension in known[key] for unit in UNITS[dimension]]
        if fact.unit not in units:
            raise TargetError(
                f"'{key}' has an unknown unit", where=where, got=repr(fact.unit)[:200], expected=", ".join(units),
                do="state the number in one of these units",
            )  # fmt: skip
        if not all(is_number(v) and v > 0 for v in (fact.low, fact.high)):
            raise impossible(key, where, repr(fact.value), "a number above 0")
    return read


def read_relative(data: Mapping[str, Any], where: str) -> str:
    """Why the numbers of [energy] are good for comparing networks only; "" where the file does not say so.

    Args:
        data: what TOML made of the file, its sections read. where: the file, for messages.

    Raises:
        TargetError: no text.
    """
    said = data.get("energy", {}).get(RELATIVE, "")
    if not isinstance(said, str) or (RELATIVE in data.get("energy", {}) and not said.strip()):
        raise impossible(RELATIVE, f"{where} [energy]", repr(said), "a text: pre-silicon, simulated, or what else is the reason")
    return said
