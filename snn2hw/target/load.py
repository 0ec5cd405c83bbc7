"""A target file as a whole: `targets/<name>.toml`, or one of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snn2hw.errors import TargetError
from snn2hw.files.read import is_file, is_folder, read_bytes, toml_value
from snn2hw.shown import brief, meant
from snn2hw.target.cores import Cores, read_cores
from snn2hw.target.facts import Fact, copy_from, impossible, plain_fact, sayable
from snn2hw.target.fpga import Fpga, read_fpga
from snn2hw.target.lowering import Lowering, read_lowering, read_neurons
from snn2hw.target.microcontroller import Microcontroller, read_microcontroller
from snn2hw.target.prices import SECTIONS, read_prices, read_relative

MAX_BITS = 4096  # of whatever a chip counts in bits
KNOWN = (
    "name",
    "kind",
    "says",
    "estimate_only",
    "lowering",
    "neurons",
    "cores",
    "energy",
    "latency",
    "fpga",
    "microcontroller",
    "facts",
)


@dataclass(frozen=True)
class Chip:
    """A chip: its name, a line about it, and every fact with its source.

    Args:
        name: what it is called. says: one line about it.
        facts: all of them; those of [cores], [energy] and [latency] as "cores.neurons" and so on.
        fpga: what there is on it for a design, of an FPGA; None of a chip that is programmed.
        microcontroller: what there is on it for a network in C, of such a one. kind: chip, fpga, microcontroller, computer.
        cores: what its cores hold; None of one that has none, or of which nothing is stated.
        energy, latency: what an operation costs. relative_only: why `energy` compares networks only; "" where it measures.
        neurons: what is known of what a neuron can do, by the fields of `Lowering`.
        estimate_only: why nothing is compiled for it; "" of a `Target`.
    """

    name: str
    says: str
    facts: Mapping[str, Fact]
    fpga: Fpga | None = None
    microcontroller: Microcontroller | None = None
    kind: str = "chip"
    cores: Cores | None = None
    energy: Mapping[str, Fact] = field(default_factory=dict)
    latency: Mapping[str, Fact] = field(default_factory=dict)
    neurons: Mapping[str, Any] = field(default_factory=dict)
    estimate_only: str = ""
    relative_only: str = ""

    __repr__ = brief


@dataclass(frozen=True)
class Target(Chip):
    """A chip that networks are compiled for: what the compiler reads of it is `lowering`."""

    lowering: Lowering = field(kw_only=True)

    __repr__ = brief


def targets_folder() -> Path:
    """Where the target files are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "targets"
    return inside if inside.is_dir() else package.parent / "targets"


def target_names() -> list[str]:
    """Names of the targets that are shipped."""
    return sorted(p.stem for p in targets_folder().glob("*.toml"))


def load_target(name: str) -> Target:
    """A target that networks are compiled for, by its name, or by the path of a TOML file of your own.

    Raises:
        TargetError: unknown name, unreadable TOML, a missing or impossible field, or a target that is only estimated.
    """
    chip = load_chip(name)
    if not isinstance(chip, Target):
        raise TargetError(
            f"nothing is compiled for the target '{chip.name}'",
            got=chip.estimate_only,
            expected="a target with a section [lowering]",
            do="compile for another target (`snn2hw targets` lists them), and ask what the network would need on this one: "
            f"snn2hw estimate build/x --target {name}",
        )
    return chip


def load_chip(name: str) -> Chip:
    """A target by its name, or by the path of a TOML file of your own, one that is only estimated, too.

    Raises:
        TargetError: unknown name, unreadable TOML, a missing or impossible field.
    """
    path = Path(name) if name.endswith(".toml") else targets_folder() / f"{name}.toml"
    if not is_file(path):
        if name.endswith(".toml"):
            raise TargetError(
                "there is no such target file",
                where=name,
                got="a folder" if is_folder(path) else "no such file",
                expected="a TOML file of your own, or the name of a target without an ending",
                do=meant(path.stem, target_names()) + "check the path; `snn2hw targets` lists the names",
            )
        raise TargetError(
            "unknown target",
            got=repr(name),
            expected=", ".join(target_names()),
            do=meant(name, target_names()) + "name one of these, or the path of a TOML file of your own (see `snn2hw targets`)",
        )
    try:
        data = toml_value(read_bytes(path))
    except OSError as error:
        raise TargetError(
            "a target file cannot be read", where=str(path), got=error.strerror or str(error), do="check the path"
        ) from error
    except ValueError as error:
        raise TargetError("a target file is not TOML", where=str(path), got=str(error), do="correct the line it names") from error
    return _chip(data, str(path))


def _chip(data: Mapping[str, Any], where: str) -> Chip:
    compiled = "estimate_only" not in data
    needed = (("name", str), ("says", str), ("lowering", dict) if compiled else ("estimate_only", str), ("facts", dict))
    for key, kind in needed:
        if not isinstance(data.get(key), kind) or data[key] == "":
            raise TargetError(
                f"a target file lacks '{key}'",
                where=where,
                got=repr(data.get(key)),
                expected=f"a {kind.__name__}",
                do=copy_from("generic", "the field"),
            )
    facts = {k: _other_fact(k, v, where) for k, v in data["facts"].items()}
    fpga, of_fpga = read_fpga(data, where)
    controller, of_controller = read_microcontroller(data, where)
    _check_sections(data, where, compiled)
    cores, prices = read_cores(data, where), {name: read_prices(data, name, where) for name in SECTIONS}
    more = {**({"cores": cores.facts} if cores else {}), **prices}
    facts |= of_fpga | of_controller | {f"{section}.{k}": fact for section, read in more.items() for k, fact in read.items()}
    common: dict[str, Any] = {
        "name": data["name"],
        "says": data["says"],
        "fpga": fpga,
        "microcontroller": controller,
        "kind": data.get("kind", "chip"),
        "cores": cores,
        **prices,
        "relative_only": read_relative(data, where),
    }
    if not compiled:
        neurons, read = read_neurons(data.get("neurons", {}), where)
        return Chip(facts={**facts, **read}, neurons=neurons, estimate_only=data["estimate_only"], **common)
    lowering, read = read_lowering(data["lowering"], where)
    return Target(facts={**facts, **read}, neurons=vars(lowering), lowering=lowering, **common)


def _check_sections(data: Mapping[str, Any], where: str, compiled: bool) -> None:
    """What is no part of a target file, and what a file has for the other kind of target."""
    other = "neurons" if compiled else "lowering"
    if unknown := [key for key in data if key not in KNOWN or key == other]:
        told = f"; [{other}] is for a target with{'' if compiled else 'out'} 'estimate_only'" if unknown[0] == other else ""
        raise TargetError(
            "a target file has an unknown part", where=where, got=unknown[0] + told,
            expected=", ".join(k for k in KNOWN if k not in (other, "estimate_only" if compiled else "")),
            do="correct its name, or leave it out",
        )  # fmt: skip
    if not isinstance(data.get("neurons", {}), dict):
        raise TargetError(
            "a section of a target file is no table",
            where=where,
            got=repr(data["neurons"])[:200],
            expected="[neurons]",
            do="write it as a section: [neurons]",
        )


def _other_fact(key: str, entry: Any, where: str) -> Fact:
    """A fact that the compiler does not read; it is printed."""
    fact = plain_fact(key, entry, where)
    bits = key.endswith("_bits")
    if not sayable(fact.value) or (bits and not _some_bits(fact.value)):
        says = f"whole numbers from 0 to {MAX_BITS}" if bits else "a finite number, text, true, false, or a list of them"
        raise impossible(key, f"{where} [facts]", repr(fact.value), says)
    return fact


def _some_bits(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(type(v) is int and 0 <= v <= MAX_BITS for v in values)
