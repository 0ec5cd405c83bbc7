"""`snn2hw check`: certificate.json against what model.onnx says when it is asked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx

from snn2hw import claims
from snn2hw.checker.derive import derive
from snn2hw.checker.form import form_faults
from snn2hw.errors import ArtefactError
from snn2hw.files.record import standing

CERTIFICATE, MODEL = "certificate.json", "model.onnx"  # stated here too: nothing of the compiler is imported


def check(folder: Path) -> claims.Checked:
    """Derive every claim about the model in this folder again and compare.

    Args:
        folder: a compiled model.

    Raises:
        ArtefactError: no model, no certificate, or a certificate of another artefact or version.
    """
    model, certificate = standing(folder, MODEL), standing(folder, CERTIFICATE)
    return check_claims(claims.read(model), claims.read_claims(certificate), str(certificate))


def check_claims(data: bytes, claimed: Any, where: str = CERTIFICATE) -> claims.Checked:
    """The same for the bytes of a model and the content of a certificate.

    Args:
        data: model.onnx. claimed: what the JSON says, of any type. where: what the certificate is called in messages.
    """
    claims.require_format(claimed, where)
    try:
        claims.require_same_artefact(claimed, data, where)
        if faults := list(form_faults(onnx.load_model_from_string(data))):
            shown = [claims.Failure("the form of the model", "as `snn2hw compile` writes it", fault) for fault in faults]
            return claims.Checked([*shown, *claims.changed_parts(claimed, data)], 1, {})
        states = {n["layer"]: {s: v["interval"] for s, v in n["states"].items()} for n in claimed["layers"]}
        derived, places, faults = derive(data, states, {n: e["interval"] for n, e in claimed.get("feedbacks", {}).items()})
        true = json.loads(json.dumps(derived))
    except ArtefactError:
        raise
    except Exception as error:
        why = claims.Failure("the claims cannot be derived", "a certified model", f"{type(error).__name__}: {error}")
        return claims.Checked([why, *claims.changed_parts(claimed, data)], 1, {})
    failures = [claims.Failure("model", "sound", fault) for fault in faults]
    return claims.Checked([*failures, *claims.differences(claimed, true, places)], claims.count(true), true)
