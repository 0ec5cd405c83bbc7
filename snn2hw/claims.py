"""certificate.json as a tree of claims: which model it is of, and where it differs from another. Knows nothing of neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.errors import ArtefactError
from snn2hw.files.read import json_value, read_bytes
from snn2hw.fingerprints import fingerprints
from snn2hw.shown import brief

FORMAT = 2
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
    """What a check found: the claims that fail, how many there are, and the certificate as it should be."""

    failures: list[Failure]
    claims: int
    certificate: Mapping[str, Any]

    __repr__ = brief


def read(path: Path) -> bytes:
    """The bytes of a file to be checked.

    Raises:
        ArtefactError: there is none.
    """
    try:
        return read_bytes(path)
    except OSError as error:
        raise ArtefactError(
            f"there is no {path.name} to check",
            where=str(path),
            got=error.strerror or str(error),
            expected="a folder that `snn2hw compile` wrote",
            do="compile the trained model, or check the path",
        ) from error


def read_claims(path: Path) -> Any:
    """What a certificate.json claims, whatever that is.

    Raises:
        ArtefactError: there is none, or it is no JSON.
    """
    text = read(path)
    try:
        return json_value(text)
    except ValueError as error:
        raise ArtefactError(
            "the certificate cannot be read",
            where=str(path),
            got=str(error),
            expected="JSON",
            do="compile the trained model again; the file is not meant to be edited",
        ) from error


def require_format(claimed: Any, where: str) -> None:
    """Refuse claims of another version."""
    if not isinstance(claimed, dict) or claimed.get("format") != FORMAT:
        got = claimed.get("format") if isinstance(claimed, dict) else type(claimed).__name__
        raise ArtefactError(
            "the certificate is of another version", where=where, got=str(got), expected=f"format {FORMAT}", do="compile again"
        )


def require_same_artefact(claimed: Mapping[str, Any], data: bytes, where: str) -> None:
    """Refuse claims that name no weights and no neuron of this model.

    Args:
        claimed: the content of the certificate. data: model.onnx. where: what the certificate is called.
    """
    own, stated = fingerprints(data)["parts"], claimed["model"]["parts"]
    if not any(stated.get(name) == digest for name, digest in own.items() if name.startswith(("initializer", "function"))):
        raise ArtefactError(
            "the certificate belongs to another artefact",
            where=where,
            got="no layer that it names is in model.onnx",
            expected="the certificate that was written with this model",
            do="compile again, or put the files together that belong together",
        )


def changed_parts(claimed: Mapping[str, Any], data: bytes) -> list[Failure]:
    """What the fingerprints alone can tell of a model from which nothing can be derived."""
    try:
        return list(differences(claimed.get("model", ABSENT), fingerprints(data), {}, "model"))
    except Exception:  # not even a model
        return []


def differences(claimed: Any, true: Any, where: Mapping[str, str], path: str = "") -> Iterator[Failure]:
    """Every leaf in which two trees differ, by its path; elements that name a layer by that name.

    Args:
        claimed, true: dicts, lists and what JSON has else; `path` leads to them.
        where: path -> where it can be seen.
    """
    if isinstance(claimed, dict) and isinstance(true, dict):
        for key in [*true, *(k for k in claimed if k not in true)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(claimed.get(key, ABSENT), true.get(key, ABSENT), where, inner)
    elif _are_nodes(true) and isinstance(claimed, list) and len(claimed) == len(true):
        for n, (a, b) in enumerate(zip(claimed, true, strict=True)):
            yield from differences(a, b, where, f"{path}.{b.get('layer', n)}")
    elif type(claimed) is not type(true) or claimed != true:
        yield Failure(path, claimed, true, where.get(path, ""))


def count(claims: Any) -> int:
    """How many claims there are: the leaves of the tree."""
    if isinstance(claims, dict):
        return sum(count(v) for v in claims.values())
    return sum(count(v) for v in claims) if _are_nodes(claims) else 1


def _are_nodes(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(v, dict) for v in value)
