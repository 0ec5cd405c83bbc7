"""What the files of a writer do not carry, said in one warning, with the spikes that would differ on the sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.errors import Snn2hwError, Snn2hwWarning
from snn2hw.formats.nir.convention import Convention, Unsaid
from snn2hw.formats.nir.file import NirNode
from snn2hw.formats.nir.presets import CUBA, PRESETS
from snn2hw.ir.network import EquationNeuron, Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real

SAMPLES = 8  # on which the two readings are compared
MODEL = "compile the model itself (snn2hw compile module:make_model, snn2hw.convert)"
SHOWN = 4  # layers in a message


def warn_of_unsaid(
    nodes: Sequence[NirNode],
    convention: Convention,
    net: Network,
    sample: Any,
    read: Callable[[Convention], Network],
    path: str,
) -> None:
    """Warn once, of everything that the file leaves open, the convention does not settle, and its writer does otherwise.

    Args:
        nodes: of the file. net: what was read of it under the convention. read: reads it under another.
        sample: [N, ...] or [T, N, ...]. path: for the message.
    """
    found = [(u, [n.name for n in nodes if n.kind in u.kinds]) for u in convention.unsaid if not _settled(u, convention)]
    found = [(unsaid, layers) for unsaid, layers in found if layers]
    if not found:
        return
    causes = [f"{u.cause}{_differs(u, convention, net, sample, read)}" for u, _ in found]
    layers = list(dict.fromkeys(name for _, names in found for name in names))
    more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
    ways = [_way(u, convention) for u, _ in found]
    warnings.warn(
        Snn2hwWarning(
            "; ".join(u.what for u, _ in found),
            where=f"{path}: {', '.join(layers[:SHOWN])}{more}",
            got=f"under '{convention.name}', " + "; ".join(u.taken for u, _ in found),
            cause="; ".join(causes),
            do=", or ".join([*[MODEL] * any(u.model for u, _ in found), *filter(None, ways)]),
        ),
        stacklevel=5,
    )


def _settled(unsaid: Unsaid, convention: Convention) -> bool:
    """Whether the convention has a word of its own for it."""
    base = PRESETS.get(convention.name, convention)
    return any(_value(convention, name) != _value(base, name) for name in unsaid.settles)


def _value(convention: Convention, name: str) -> object:
    return getattr(convention.cuba, CUBA[name]) if name in CUBA else getattr(convention, name)


def _way(unsaid: Unsaid, convention: Convention) -> str:
    """How to state the other reading, or this one."""
    if not unsaid.fields:
        return ""
    python = ", ".join(f"{name}={value!r}" for name, value in unsaid.fields)
    words = " ".join(_option(name, value) for name, value in unsaid.fields)
    name = unsaid.settles[0]
    own = _value(convention, name)
    return f"state it: {python} ({words}); where it is read rightly, {name}={own!r} ({_option(name, own)}) says so"


def _option(name: str, value: object) -> str:
    flag = name.replace("_", "-")
    return f"--{'' if value else 'no-'}{flag}" if isinstance(value, bool) else f"--{flag} {value}"


def _differs(unsaid: Unsaid, convention: Convention, net: Network, sample: Any, read: Callable[[Convention], Network]) -> str:
    """How many spikes the other reading changes on the first samples; '' where it cannot be read."""
    if not unsaid.fields:
        return ""
    fields = dict(unsaid.fields)
    levels = 1 if fields.get("when") == "next" else convention.levels
    cuba = replace(convention.cuba, **{CUBA[name]: value for name, value in fields.items() if name in CUBA})  # type: ignore[arg-type]
    own = {name: value for name, value in fields.items() if name not in CUBA}
    other = replace(convention, **{"levels": levels, **own}, cuba=cuba, unsaid=())  # type: ignore[arg-type]
    few = np.asarray(sample[:SAMPLES] if net.input.static else sample[:, :SAMPLES], np.float64)
    try:
        a, b = _spikes(net, few), _spikes(read(other), few)
    except Snn2hwError:
        return ""
    fired = sum(int(np.abs(s).sum()) for s in a.values())
    changed = sum(int((s != b[name]).sum()) for name, s in a.items())
    places = sum(s.size for s in a.values())
    count = len(few) if net.input.static else few.shape[1]
    return f": then {changed:,} of {places:,} spike values differ on {count} of your samples, which hold {fired:,} spikes"


def _spikes(net: Network, sample: Reals) -> dict[str, Reals]:
    """By neuron layer, what it fires at every step."""
    found: dict[str, list[Reals]] = {}

    def observe(node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Neuron | EquationNeuron):
            found.setdefault(node.name, []).append(value)

    run_real(net, sample, observe)
    return {name: np.stack(values) for name, values in found.items()}
