"""Neuron programs under other names: what a value is stands in the roles, so no name may change anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.integer import IntNode, Meaning, UnloweredNeuron
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.neurons.equation import Op as Term
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


def _equation(meaning: EquationMeaning, names: Names) -> EquationMeaning:
    """The same equation of a program under these names; a state is a value of the program."""
    states = tuple(replace(s, name=names[s.name]) for s in meaning.equation.states)
    terms = tuple(replace(t, attrs=(names[str(t.attrs[0])],)) if t.op is Term.STATE else t for t in meaning.equation.terms)
    values = tuple(None if v is None else names[v] for v in meaning.values)
    return replace(meaning, equation=replace(meaning.equation, states=states, terms=terms), values=values)


class Renaming:
    """In place of `lower.lowered`: every program leaves it under names of chance. `names` has them, by layer."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.names: dict[str, dict[str, str]] = {}
        self._lowered: Callable[..., tuple[Program, Meaning | EquationMeaning]] = lower.lowered

    def __call__(
        self, node: UnloweredNeuron, source: IntNode, limits: Lowering, bits: int
    ) -> tuple[Program, Meaning | EquationMeaning]:
        program, meaning = self._lowered(node, source, limits, bits)
        names = self.names[node.name] = new_names(program, self.rng)
        return renamed(program, names), _equation(meaning, names) if isinstance(meaning, EquationMeaning) else meaning

    def undone(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims about a layer under the names that the lowering gave."""
        back = {new: old for old, new in self.names.get(claims["layer"], {}).items()}

        def old(names: dict[str, Any]) -> dict[str, Any]:
            return {back.get(name, name): claim for name, claim in names.items()}

        clamps = {name: {**c, "witness": old(c["witness"])} for name, c in claims["clamps"].items()}
        firing = [{**f, "at": old(f["at"])} if "at" in f else f for f in claims["firing"]]
        plain = {part: old(claims[part]) for part in ("states", "values")}
        made = {**claims, **plain, "clamps": old(clamps), "firing": firing}
        if "equation" in claims:
            made |= self._of_equation(claims, back)
        return made

    @staticmethod
    def _of_equation(claims: dict[str, Any], back: Names) -> dict[str, Any]:
        def named(claim: dict[str, Any]) -> dict[str, Any]:
            return {**claim, **({"at": {back[s]: v for s, v in claim["at"].items()}} if "at" in claim else {})}

        parts = {what: {back[n]: named(c) for n, c in claims["errors"][what].items()} for what in ("states", "comparisons")}
        said = claims["equation"]
        states = [{**s, "name": back[s["name"]]} for s in said["states"]]
        terms = [{**t, "name": back[t["name"]]} if t["op"] == "state" else t for t in said["terms"]]
        errors = {"output": named(claims["errors"]["output"]), **parts}
        return {"errors": errors, "equation": {**said, "states": states, "terms": terms}}
