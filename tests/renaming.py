"""Neuron programs under other names: what a value is stands in the roles, so no name may change anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from snn2hw.ir.integer import IntNode, Meaning, UnloweredNeuron
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.passes import lower
from snn2hw.target import Lowering

Names = Mapping[str, str]

# Names that the lowering gives to other values, words of the languages that programs are written in, and other letters.
ODD = [
    *["h", "u", "x", "z", "i", "n", "v", "up", "down", "up1", "a0", "a1", "a2", "centre", "reset_value", "threshold", "after"],
    *["threshold_from1", "spike", "spikes", "u_next", "flag", "int", "for", "main", "class", "lambda", "self", "constant"],
    *["threshold2", "raised", "state", "then", "True", "None", "float", "NULL", "_", "__", "é", "网", "X1"],
]


def new_names(program: Program, rng: np.random.Generator) -> dict[str, str]:
    """Another name for every value: half the time its own names dealt anew, which is the hardest case, else odd words."""
    old = [i.name for i in program.instructions]
    if rng.random() < 0.5:
        dealt = [old[k] for k in rng.permutation(len(old))]
    else:
        words = [ODD[k] for k in rng.permutation(len(ODD))]
        dealt = (words + [f"v{n}" for n in rng.permutation(len(old)).tolist()])[: len(old)]
        dealt = [dealt[k] for k in rng.permutation(len(old))]
    names = dict(zip(old, dealt, strict=True))
    for state in program.states:  # the one name that a state cannot have
        if names[state] == SPIKES:
            other = next(n for n in old if n not in program.states)
            names[state], names[other] = names[other], SPIKES
    return names


def renamed(program: Program, names: Names) -> Program:
    """The same program under these names."""
    lines = []
    for i in program.instructions:
        to = i.attrs[0] if i.op is Op.OUTPUT else None
        attrs = (names[str(to)],) if to is not None and to != SPIKES else i.attrs
        lines.append(replace(i, name=names[i.name], args=tuple(names[a] for a in i.args), attrs=attrs))
    return replace(program, instructions=tuple(lines), roles=_roles(program.roles, names))


def _roles(part: Any, names: Names) -> Any:
    if isinstance(part, tuple):
        return tuple(_roles(p, names) for p in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{f.name: _roles(getattr(part, f.name), names) for f in fields(part) if f.name != "reset"})
    return names[part] if isinstance(part, str) else part


class Renaming:
    """In place of `lower.lowered`: every program leaves it under names of chance. `names` has them, by layer."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.names: dict[str, dict[str, str]] = {}
        self._lowered: Callable[..., tuple[Program, Meaning | None]] = lower.lowered

    def __call__(self, node: UnloweredNeuron, source: IntNode, limits: Lowering, bits: int) -> tuple[Program, Meaning | None]:
        program, meaning = self._lowered(node, source, limits, bits)
        self.names[node.name] = new_names(program, self.rng)
        return renamed(program, self.names[node.name]), meaning

    def undone(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims about a layer under the names that the lowering gave."""
        back = {new: old for old, new in self.names.get(claims["layer"], {}).items()}

        def old(names: dict[str, Any]) -> dict[str, Any]:
            return {back.get(name, name): claim for name, claim in names.items()}

        clamps = {name: {**c, "witness": old(c["witness"])} for name, c in claims["clamps"].items()}
        firing = [{**f, "at": old(f["at"])} if "at" in f else f for f in claims["firing"]]
        plain = {part: old(claims[part]) for part in ("states", "values")}
        return {**claims, **plain, "clamps": old(clamps), "firing": firing}
