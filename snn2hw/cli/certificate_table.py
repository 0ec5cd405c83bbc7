"""What people see of certificates and of the choice of a polynomial's scheme."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from snn2hw.certificate.certify import Progress
from snn2hw.claims import Checked
from snn2hw.cli import console
from snn2hw.errors import Snn2hwWarning
from snn2hw.passes.findings import LossWarning
from snn2hw.passes.polynomials.search import Candidate

SHOWN = 20  # failures


@contextmanager
def certifying() -> Iterator[Progress]:
    """A line on stderr while a network is compiled, with the values tried for its certificate."""
    with console.progress("compile") as bar:
        tried: dict[str, int] = {}

        def report(layer: str, more: int) -> None:
            tried[layer] = tried.get(layer, 0) + more
            bar(f"certificate of layer {layer}, {tried[layer]:,} values tried", 0, 0)

        yield report


def print_certificate(certificate: Mapping[str, Any], title: str) -> None:
    """One row per layer, then the layers that saturate."""
    rows = [_row(layer) for layer in certificate["layers"]]
    columns = ["layer", "states", "next states", "synaptic sum", "widest", "P: worst error", "at state", "spikes", "clamp"]
    console.table(title, columns, rows, (4, 5, 6, 7))
    for line in _head(certificate):
        console.say(line)
    rows = [[layer["layer"], *row] for layer in certificate["layers"] if "equation" in layer for row in _of_equation(layer)]
    if rows:
        columns = ["layer", "of the equation", "worst error", "in real units", "channel", "method"]
        console.table("integers and equation, where both decide alike", columns, rows, (2, 3, 4))
        console.say("beyond its error, a decision of the integers is that of the equation")
    for layer in certificate["layers"]:
        for name, clamp in layer["clamps"].items():
            if clamp["acts"]:
                console.say(_saturates(layer, name, clamp))


def _of_equation(layer: Mapping[str, Any]) -> Iterator[list[str]]:
    """Output, next states, and the comparisons that may decide otherwise within some distance from equality."""
    errors, said = layer["errors"], layer["equation"]
    yield ["output", *_error(errors["output"])]
    yield from ([f"next {name}", *_error(error)] for name, error in errors["states"].items())
    for error in errors["comparisons"].values():
        term = said["terms"][error["term"]]
        first, second = (_operand(said, place) for place in term["args"])
        strict = term["op"] == "gt" or term.get("strict", False)
        yield [f"decision {first} {'>' if strict else '>='} {second}", *_error(error)]


def _error(error: Mapping[str, Any]) -> list[str]:
    if error["lsb"] == 0.0:
        return ["exact", "", "", error["method"]]
    return [f"{error['lsb']:.3f} LSB", f"{error['units']:.3g}", str(error["channel"]), error["method"]]


def _operand(said: Mapping[str, Any], place: int) -> str:
    """A term as short as it can be named."""
    term = said["terms"][place]
    named = {"input": "x", "state": term.get("name"), "constant": f"{term.get('value', 0.0):g}"}
    if term["op"] == "parameter":
        return str(said["parameters"][term["index"]])
    return str(named.get(term["op"], f"t{place}"))


def _head(certificate: Mapping[str, Any]) -> Iterator[str]:
    """The worst error with which a synaptic input reaches a state, and where."""
    heads = [(n["errors"]["input"], n["layer"]) for n in certificate["layers"] if "input" in n["errors"]]
    if heads:
        worst, layer = max(heads, key=lambda head: float(head[0]["state_lsb"]))
        if worst["state_lsb"] == 0.0:  # a certificate keeps six places
            yield "every synaptic input reaches its state within a millionth of an LSB"
            return
        yield f"worst error of a synaptic input: {worst['state_lsb']:.3g} state LSB (layer {layer}, channel {worst['channel']})"


def print_warnings(findings: Sequence[Mapping[str, str]]) -> None:
    """What quantisation lost, as the manifest states it: one paragraph each."""
    for finding in findings:
        console.say(console.styled("warning:", "bold yellow"), f" {finding['what']}")
        for part in ("where", "got", "cause", "remedy"):
            console.say(f"  {part + ':':9} {finding[part]}")


@contextmanager
def without_warnings() -> Iterator[None]:
    """Python does not warn of what `print_warnings` shows; other warnings of ours are printed on stderr, each once."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    said: set[str] = set()
    for warning in told:
        if not isinstance(warning.message, Snn2hwWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif not isinstance(warning.message, LossWarning) and str(warning.message) not in said:
            said.add(str(warning.message))
            console.print_warning(warning.message)


def _row(layer: Mapping[str, Any]) -> list[str]:
    states, error = layer["states"], layer["errors"].get("polynomial")
    firing = layer["firing"]
    return [
        layer["layer"],
        ", ".join(f"{name} {_interval(s['interval'])}" for name, s in states.items()),
        ", ".join(_interval(s["next"]) for s in states.values()),
        _interval([min(lo for lo, _ in layer["inputs"]), max(hi for _, hi in layer["inputs"])]),
        f"{layer['widest_bits']} bits",
        f"{error['state_lsb']:.3f} LSB" if error else "exact" if firing else "",
        f"{error['at']}" if error else "",
        f"{max(f['rounds_that_fire'] for f in firing)} of {len(firing[0]['thresholds'])}" if firing else "",
        "acts" if any(c["acts"] for c in layer["clamps"].values()) else "never acts",
    ]


def _interval(ends: Sequence[int]) -> str:
    return f"[{ends[0]}, {ends[1]}]"


def _saturates(layer: Mapping[str, Any], name: str, clamp: Mapping[str, Any]) -> str:
    named, reached, bounds = f"layer {layer['layer']}", _interval(clamp["before"]), _interval(clamp["bounds"])
    instance = ", ".join(f"{k} = {v}" for k, v in clamp["witness"].items())
    return f"{named} saturates: {name} would reach {reached} and stays within {bounds}, for instance at {instance}"


def print_checked(checked: Checked, title: str) -> None:
    """The certificate as derived again, and every claim that does not hold."""
    if checked.certificate:
        print_certificate(checked.certificate, title)
    for failure in checked.failures[:SHOWN]:
        console.say(console.styled("false", "bold red"), f" {failure}")
    if len(checked.failures) > SHOWN:
        console.say(f"... and {len(checked.failures) - SHOWN} more")
    well = not checked.failures
    verdict = "every claim holds" if well else f"{len(checked.failures)} claims do not hold"
    console.say(console.good(verdict, well), f": {checked.claims:,} claims derived again from model.onnx")


def print_candidates(candidates: Sequence[Candidate], layer: str) -> None:
    """The schemes that were weighed, the best first."""
    rows = [
        [
            console.styled("taken", "bold green") if c.taken else "",
            c.says,
            f"{c.worst.error:.3f}",
            c.worst.state,
            c.multiplications,
            c.instructions,
            c.widest,
        ]
        for c in candidates
    ]
    columns = ["", "scheme", "worst error (state LSB)", "at state", "multiplications", "instructions", "widest (bits)"]
    console.table(f"layer {layer}: ways to evaluate P(u)", columns, rows, (2, 3, 4, 5, 6))
