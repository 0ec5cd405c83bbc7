"""`check` on folders: what it says of one as it was written, and of one in which something is missing, foreign or damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

import snn2hw
from snn2hw.checker.check import check, check_claims
from snn2hw.claims import Checked, Failure
from snn2hw.errors import ArtefactError
from snn2hw.fingerprints import fingerprints
from tests.checker.tampering import written_random
from tests.hand_networks import circulate, neuron, one_neuron
from tests.refused import refused
from tests.stored import contents, edit_model, write
from tests.test_store_tampering import compare_strictly, initializers, lower_one_weight


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "net")
    return tmp_path / "net"


def certificate(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "certificate.json").read_text())
    return found


def shown(checked: Checked) -> list[str]:
    return [str(f) for f in checked.failures]


def test_an_artefact_as_it_was_written_passes(folder: Path) -> None:
    before = contents(folder)
    checked = snn2hw.check(folder)
    assert checked.failures == []
    assert checked.certificate == certificate(folder)
    assert checked.claims > 50
    assert contents(folder) == before
    assert snn2hw.check(str(folder)) == checked


def test_only_the_model_and_the_certificate_are_read(folder: Path) -> None:
    for name in ("manifest.json", "step.onnx", "vectors.npz"):
        (folder / name).unlink()
    assert snn2hw.check(folder).failures == []


# what is missing or foreign


@pytest.mark.parametrize("name", ["certificate.json", "model.onnx"])
def test_a_file_that_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with refused(
        ArtefactError,
        f"""
        there is no {name} to check
          where:    {folder / name}
          got:      No such file or directory
          expected: a folder that `snn2hw compile` wrote
          do:       compile the trained model, or check the path
        """,
    ):
        check(folder)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_certificate_that_is_no_json(folder: Path, data: bytes, got: str) -> None:
    (folder / "certificate.json").write_bytes(data)
    with refused(
        ArtefactError,
        f"the certificate cannot be read\n  where:    {folder / 'certificate.json'}\n  got:      {got}\n  expected: JSON\n"
        "  do:       compile the trained model again; the file is not meant to be edited",
    ):
        check(folder)


@pytest.mark.parametrize(
    ("content", "got"), [({"format": 1}, "1"), ({"format": "2"}, "2"), ({}, "None"), ([], "list"), (7, "int"), (None, "NoneType")]
)
def test_a_certificate_of_another_version(folder: Path, content: object, got: str) -> None:
    (folder / "certificate.json").write_text(json.dumps(content))
    with refused(
        ArtefactError,
        f"""
        the certificate is of another version
          where:    {folder / "certificate.json"}
          got:      {got}
          expected: format 2
          do:       compile again
        """,
    ):
        check(folder)


def test_the_certificates_of_two_artefacts_swapped(tmp_path: Path) -> None:
    write(tmp_path / "a", one_neuron(neuron("lnm", "fc"), ((1.0, -0.5), (0.25, 0.75))))
    write(tmp_path / "b", one_neuron(circulate("cf", "fc"), ((0.5, -1.0), (0.5, 1.0), (1.0, 1.0))))
    texts = [(tmp_path / n / "certificate.json").read_text() for n in "ab"]
    for name, text in zip("ab", reversed(texts), strict=True):
        (tmp_path / name / "certificate.json").write_text(text)
        with refused(
            ArtefactError,
            f"""
            the certificate belongs to another artefact
              where:    {tmp_path / name / "certificate.json"}
              got:      no layer that it names is in model.onnx
              expected: the certificate that was written with this model
              do:       compile again, or put the files together that belong together
            """,
        ):
            check(tmp_path / name)


def test_a_certificate_of_a_model_that_shares_a_layer_fails_claim_by_claim(tmp_path: Path) -> None:
    """The same weights, another neuron: what differs is named."""
    write(tmp_path / "a", one_neuron(neuron("n", "fc")))
    write(tmp_path / "b", one_neuron(neuron("n", "fc", coefficients=((0.05, 0.6, -0.1, 0.01),))))
    (tmp_path / "b" / "certificate.json").write_text((tmp_path / "a" / "certificate.json").read_text())
    texts = shown(check(tmp_path / "b"))
    for claim in ("model.sha256", "model.parts.function snn2hw.n", "layers.n.values.poly"):
        assert any(t.startswith(f"{claim}: claimed ") for t in texts), texts


# damage


@pytest.mark.parametrize("places", [50, pytest.param(150, marks=pytest.mark.slow)])
def test_a_model_that_is_damaged_anywhere_is_a_failure_and_no_traceback(places: int) -> None:
    before = written_random(10, 8)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(before.model), places).tolist():
        data = bytearray(before.model)
        data[at] ^= 1 << int(rng.integers(8))
        assert shown(check_claims(bytes(data), before.certificate)), f"byte {at}"


@pytest.mark.parametrize("part", [0.001, 0.3, 0.5, 0.9, 0.999])
def test_a_model_that_is_cut_short_is_a_failure(part: float) -> None:
    before = written_random(10, 8)
    (text, *_) = shown(check_claims(before.model[: int(len(before.model) * part)], before.certificate))
    assert text.startswith("the claims cannot be derived: claimed a certified model, true is ")


def test_an_empty_model_holds_none_of_the_layers() -> None:
    before = written_random(10, 8)
    with pytest.raises(ArtefactError, match=r"^the certificate belongs to another artefact\n"):
        check_claims(b"", before.certificate)


@pytest.mark.parametrize(
    "content",
    [
        {"format": 2},
        {"format": 2, "model": 3},
        {"format": 2, "model": {"parts": []}, "layers": []},
        {"format": 2, "model": {"parts": {}}, "layers": 7},
    ],
)
def test_a_certificate_without_its_parts_is_a_failure_or_an_error(content: dict[str, object]) -> None:
    before = written_random(10, 8)
    try:
        texts = shown(check_claims(before.model, content))
    except ArtefactError as error:
        texts = [error.what]
    assert texts[0].startswith(("the claims cannot be derived: ", "the certificate belongs to another artefact"))


def test_a_membrane_too_wide_to_try_is_a_failure_at_once(folder: Path) -> None:
    """A product in the place of the clamp: firing would be tried for hours."""

    def multiply(model: ModelProto) -> None:
        (node,) = [n for f in model.functions for n in f.node if n.output[0] == "h" and f.domain == "lowered.snn2hw.fire"]
        node.op_type = "Mul"
        del node.input[:]
        node.input.extend(["h_sum", "product0"])

    edit_model(folder / "model.onnx", multiply)
    text, *changed = shown(check(folder))
    assert re.fullmatch(
        r"the claims cannot be derived: claimed a certified model, true is "
        r"ValueError: 'h' takes \[-\d+, \d+\], which is too much to try",
        text,
    )
    assert any(c.startswith("model.parts.function lowered.snn2hw.fire: claimed ") for c in changed)


# a forger who also writes the fingerprints


def forged(folder: Path) -> Checked:
    """After the hashes of all parts have been made to agree."""
    claimed = {**certificate(folder), "model": fingerprints((folder / "model.onnx").read_bytes())}
    (folder / "certificate.json").write_text(json.dumps(claimed))
    return check(folder)


def test_a_weight_that_was_changed_is_found_without_any_hash(folder: Path) -> None:
    edit_model(folder / "model.onnx", lower_one_weight)
    (failure, *_) = forged(folder).failures
    assert failure.claim == "layers.fire.inputs"
    assert failure.claimed == certificate(folder)["layers"][0]["inputs"]  # type: ignore[index]
    assert failure.true[1] == failure.claimed[1]
    assert failure.true[0] != failure.claimed[0]


def test_a_comparison_that_was_changed_is_found_without_any_hash(folder: Path) -> None:
    edit_model(folder / "model.onnx", compare_strictly(1))
    assert "layers.fire.firing.0.strict: claimed False, true is True" in shown(forged(folder))


def test_a_comparison_that_was_changed_where_it_is_called_is_not_proved(folder: Path) -> None:
    edit_model(folder / "model.onnx", compare_strictly(0))
    said = "model: claimed sound, true is layer fire: 'out/spikes' of the simplified program is not proved"
    assert said in shown(forged(folder))


def test_a_threshold_that_was_changed_is_found_without_any_hash(folder: Path) -> None:
    def lower(model: ModelProto) -> None:
        tensor = initializers(model)["fire.threshold"]
        value = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(value - 1, tensor.name))

    edit_model(folder / "model.onnx", lower)
    texts = shown(forged(folder))
    assert "layers.fire.firing.0.thresholds: claimed [8192], true is [8191]" in texts


def test_a_failure_in_words() -> None:
    assert str(Failure("a.b", [1, 2], [1, 3])) == "a.b: claimed [1, 2], true is [1, 3]"
    assert str(Failure("a.b", 1, 2, "u = 3 and 4")) == "a.b: claimed 1, true is 2 (at u = 3 and 4)"


def test_a_failure_says_where_the_true_ends_occur(folder: Path) -> None:
    claimed = certificate(folder)
    values = claimed["layers"][0]["values"]  # type: ignore[index]
    name = next(n for n in values if n.startswith("rounded"))
    lo, hi, how = values[name]
    values[name] = [lo, hi - 1, how]
    (failure,) = check_claims((folder / "model.onnx").read_bytes(), claimed).failures
    assert str(failure) == (
        f"layers.fire.values.{name}: claimed [{lo}, {hi - 1}, 'enumeration'], true is [{lo}, {hi}, 'enumeration'] "
        "(at u = -32768 and u = 32766)"
    )
