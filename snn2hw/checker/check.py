"""`snn2hw check`: certificate.json against what model.onnx says when it is asked again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.checker.derive import FORMAT, Derivation, fingerprints
from snn2hw.errors import ArtefactError

CERTIFICATE, MODEL = "certificate.json", "model.onnx"  # stated here too: nothing of the compiler is imported
ABSENT = "nothing"


@dataclass(frozen=True)
class Failure:
    """A claim that does not hold: where it stands, what it says, what is true, and a state where that shows."""

    claim: str
    claimed: Any
    true: Any
    where: str = ""

    def __str__(self) -> str:
        return f"{self.claim}: claimed {self.claimed}, true is {self.true}" + (f" (at {self.where})" if self.where else "")


@dataclass(frozen=True)
class Checked:
    """What the checker found: the claims that fail, how many there are, and the certificate as it should be."""

    failures: list[Failure]
    claims: int
    certificate: Mapping[str, Any]


def check(folder: Path) -> Checked:
    """Derive every claim about the model in this folder again and compare.

    Raises:
        ArtefactError: no model, no certificate, or a certificate of another artefact or version.
    """
    data, text = _read(folder / MODEL), _read(folder / CERTIFICATE)
    try:
        claimed = json.loads(text)
    except ValueError as error:
        raise ArtefactError(
            "the certificate cannot be read", where=str(folder / CERTIFICATE), got=str(error), expected="JSON"
        ) from error
    return check_claims(data, claimed, str(folder / CERTIFICATE))


def check_claims(data: bytes, claimed: Any, where: str = CERTIFICATE) -> Checked:
    """The same for the bytes of a model and the content of a certificate."""
    if not isinstance(claimed, dict) or claimed.get("format") != FORMAT:
        got = claimed.get("format") if isinstance(claimed, dict) else type(claimed).__name__
        raise ArtefactError(
            "the certificate is of another version", where=where, got=str(got), expected=f"format {FORMAT}", do="compile again"
        )
    try:
        _same_artefact(data, claimed, where)
        held = {n["layer"]: {s: _ends(v["interval"]) for s, v in n["states"].items()} for n in claimed["layers"]}
        derivation = Derivation(data, held)
        true = json.loads(json.dumps(derivation.certificate()))
    except ArtefactError:
        raise
    except Exception as error:
        why = Failure("the claims cannot be derived", "a certified model", f"{type(error).__name__}: {error}")
        return Checked([why, *_changed_parts(data, claimed)], 1, {})
    failures = [Failure("model", "sound", fault) for fault in derivation.faults]
    failures += _differences("", claimed, true, derivation.where)
    return Checked(failures, _leaves(true), true)


def _changed_parts(data: bytes, claimed: Mapping[str, Any]) -> list[Failure]:
    """What the fingerprints alone can tell of a model from which nothing can be derived."""
    try:
        return list(_differences("model", claimed.get("model", ABSENT), fingerprints(data), {}))
    except Exception:  # not even a model
        return []


def _ends(interval: Any) -> tuple[int, int]:
    lo, hi = interval
    return int(lo), int(hi)


def _same_artefact(data: bytes, claimed: Mapping[str, Any], where: str) -> None:
    own, stated = fingerprints(data)["parts"], claimed["model"]["parts"]
    if not any(stated.get(name) == digest for name, digest in own.items() if name.startswith(("initializer", "function"))):
        raise ArtefactError(
            "the certificate belongs to another artefact",
            where=where,
            got="no layer that it names is in model.onnx",
            expected="the certificate that was written with this model",
            do="compile again, or put the files together that belong together",
        )


def _differences(path: str, claimed: Any, true: Any, where: Mapping[str, str]) -> Iterator[Failure]:
    if isinstance(claimed, dict) and isinstance(true, dict):
        for key in [*true, *(k for k in claimed if k not in true)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(inner, claimed.get(key, ABSENT), true.get(key, ABSENT), where)
    elif (
        isinstance(claimed, list)
        and isinstance(true, list)
        and len(claimed) == len(true)
        and any(isinstance(t, dict) for t in true)
    ):
        for n, (a, b) in enumerate(zip(claimed, true, strict=True)):
            yield from _differences(f"{path}.{b.get('layer', n)}", a, b, where)
    elif type(claimed) is not type(true) or claimed != true:
        yield Failure(path, claimed, true, where.get(path, ""))


def _leaves(claims: Any) -> int:
    if isinstance(claims, dict):
        return sum(_leaves(v) for v in claims.values())
    return sum(_leaves(v) for v in claims) if isinstance(claims, list) and any(isinstance(c, dict) for c in claims) else 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(
            f"there is no {path.name} to check",
            where=str(path),
            got=error.strerror or str(error),
            expected="a folder that `snn2hw compile` wrote",
            do="compile the trained model, or check the path",
        ) from error
