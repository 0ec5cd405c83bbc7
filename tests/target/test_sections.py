"""The sections [cores], [energy], [latency] and [neurons] of a target file: what is read of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from snn2hw.errors import TargetError
from snn2hw.target import Cores, in_base_unit, load_chip, load_target, targets_folder
from snn2hw.target.cores import FIELDS, LIMITS
from snn2hw.target.facts import UNIT_FORM
from snn2hw.target.load import KNOWN
from snn2hw.target.prices import SECTIONS, UNITS

SOURCED = 'confidence = "K", source = "a test"'
HEAD = 'name = "mine"\nsays = "a test"\nestimate_only = "a test"\n'
COUNT = "a whole number from 1 to 2**50"
ABOVE, CORRECT = "a number above 0", "\n  do:       correct the value"
JOULES = "J, mJ, uJ, nJ, pJ, fJ"
STATE = "\n  do:       state the number in one of these units"


def chip(tmp_path: Path, sections: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + sections + "\n[facts]\n", encoding="utf-8")
    return path


def refusal(tmp_path: Path, sections: str) -> str:
    path = chip(tmp_path, sections)
    with pytest.raises(TargetError) as error:
        load_chip(str(path))
    return str(error.value).replace(str(path), "FILE")


def cores(tmp_path: Path, lines: str) -> Cores:
    read = load_chip(str(chip(tmp_path, f"[cores]\ncores_per_chip = {{ value = 3, {SOURCED} }}\n{lines}"))).cores
    assert read is not None
    return read


def wrong(tmp_path: Path, lines: str) -> str:
    return refusal(tmp_path, f"[cores]\ncores_per_chip = {{ value = 3, {SOURCED} }}\n{lines}")


def test_what_is_stated_of_cores_and_what_is_not_public(tmp_path: Path) -> None:
    read = cores(
        tmp_path,
        f"neurons = {{ value = [4, 8, 2], {SOURCED} }}\nchips = {{ low = 2, high = 5, {SOURCED} }}\n"
        f"weight_bits = {{ value = [8, 1, 4], {SOURCED} }}\n"
        'not_public = ["in_axons", "instructions"]',
    )
    assert [read.stated("neurons", k) for k in range(4)] == [4, 8, 2, 4]
    assert (read.stated("chips"), read.stated("out_axons"), read.per_chip) == (2, None, 3)
    assert (read.says("chips"), read.says("neurons", 1)) == ("limit 2 to 5, sources contradict each other", "limit 8")
    assert (read.allowed("weight_bits"), read.allowed("strides")) == ((1, 4, 8), None)
    assert not read.shares_kernels
    assert read.missing == (
        "not public: input axons on a core: neurons, or input values, that send spikes to it",
        "not public: instructions of neuron programs on a core",
    )


@pytest.mark.parametrize("name", [n for n, row in LIMITS.items() if row.kind in ("count", "each") and n != "cores_per_chip"])
def test_no_limit_is_negative_or_zero(tmp_path: Path, name: str) -> None:
    more = ", or a list with one for each core of a chip" if LIMITS[name].kind == "each" else ""
    formula = f'{name}_formula = {{ value = "channels", {SOURCED} }}\n' if name.endswith("_words") else ""
    for value, got in (("0", "0"), ("-4", "-4"), ("2.5", "2.5"), ("true", "True"), ('"8"', "'8'"), (str(1 << 51), str(1 << 51))):
        assert wrong(tmp_path, f"{name} = {{ value = {value}, {SOURCED} }}\n{formula}") == (
            f"'{name}' is impossible\n  where:    FILE [cores]\n  got:      {got}\n  expected: {COUNT}{more}\n"
            "  do:       correct the value"
        )


EACH = f"{COUNT}, or a list with one for each core of a chip"
ONCE = "a list of fields, each once, that are not stated"
WHOLE = "a list of whole numbers from 1"


@pytest.mark.parametrize(
    ("line", "says", "got", "expected"),
    [
        ("neurons = { low = 8, high = 4, @ }", "neurons", "low = 8, high = 4", "two numbers, the lower one first"),
        ("neurons = { low = 0, high = 4, @ }", "neurons", "Span(low=0, high=4)", EACH),
        ("neurons = { value = [4, 0, 1], @ }", "neurons", "[4, 0, 1]", EACH),
        ("neurons = { value = [4, 4], @ }", "neurons", "a list of 2", "a list of 3, one for each core of a chip"),
        ("weight_bits = { value = [], @ }", "weight_bits", "[]", WHOLE),
        ("weight_bits = { value = 8, @ }", "weight_bits", "8", WHOLE),
        ("shared_convolution_weights = { value = 1, @ }", "shared_convolution_weights", "1", "true or false"),
        ('not_public = ["neurons", "neurons"]', "not_public", "['neurons', 'neurons']", ONCE),
        ('chips = { value = 1, @ }\nnot_public = ["chips"]', "not_public", "['chips']", ONCE),
        ('not_public = "chips"', "not_public", "'chips'", ONCE),
    ],
)  # fmt: skip
def test_impossible_cores(tmp_path: Path, line: str, says: str, got: str, expected: str) -> None:
    assert wrong(tmp_path, line.replace("@", SOURCED)) == (
        f"'{says}' is impossible\n  where:    FILE [cores]\n  got:      {got}\n  expected: {expected}" + CORRECT
    )


@pytest.mark.parametrize("line", ["neuron = { value = 4, @ }", 'not_public = ["neuron"]'])
def test_an_unknown_field_of_cores(tmp_path: Path, line: str) -> None:
    assert wrong(tmp_path, line.replace("@", SOURCED)) == (
        "a target file has an unknown field\n  where:    FILE [cores]\n  got:      neuron\n"
        f"  expected: {', '.join(FIELDS)}, not_public\n  do:       correct its name, or leave it out"
    )


@pytest.mark.parametrize(("name", "at"), [("energy", " [energy]"), ("latency", " [latency]"), ("neurons", "")])
def test_a_section_that_is_a_number(tmp_path: Path, name: str, at: str) -> None:
    assert refusal(tmp_path, f"{name} = 4") == (
        f"a section of a target file is no table\n  where:    FILE{at}\n  got:      4\n  expected: [{name}]\n"
        f"  do:       write it as a section: [{name}]"
    )


def test_cores_without_their_number(tmp_path: Path) -> None:
    text = refusal(tmp_path, f"[cores]\nneurons = {{ value = 4, {SOURCED} }}")
    assert text == (
        "a target file lacks 'cores_per_chip'\n  where:    FILE [cores]\n  got:      neurons\n"
        "  expected: cores_per_chip = { value, confidence, source }\n"
        "  do:       copy the section from loihi1.toml (`snn2hw targets` says in which folder it is)"
    )
    assert load_chip(str(targets_folder() / "loihi1.toml")).cores is not None
    assert refusal(tmp_path, "cores = 4").splitlines()[2] == "  got:      no table"


def test_a_limit_in_words_has_a_formula(tmp_path: Path) -> None:
    assert wrong(tmp_path, f"kernel_words = {{ value = 4, {SOURCED} }}") == (
        "a target file has one of 'kernel_words' and 'kernel_words_formula' only\n  where:    FILE [cores]\n"
        "  got:      kernel_words\n  expected: both, or neither of them\n  do:       state how the words are counted"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("channels.real", "a formula has no channels.real"),
        ("open('x')", "a formula has no open('x')"),
        ("rows * 2", "a formula has no rows"),
        ("channels *", "invalid syntax (<unknown>, line 1)"),
        ("9 ** 9 ** 9", "math range error"),
        ("1 / (channels - 3)", "division by zero"),
        ("'a' * 3", "a formula has no 'a'"),
        ("channels if 1 else 2", "a formula has no channels if 1 else 2"),
        ("log2(channels - 3)", "math domain error"),
    ],
)
def test_a_formula_computes_and_does_nothing_else(tmp_path: Path, text: str, problem: str) -> None:
    line = f'kernel_words = {{ value = 4, {SOURCED} }}\nkernel_words_formula = {{ value = "{text}", {SOURCED} }}'
    said = wrong(tmp_path, line)
    assert said.startswith("'kernel_words_formula' is impossible\n  where:    FILE [cores]\n")
    # Python's own words differ from version to version.
    assert problem in said or problem.startswith(("invalid", "math"))
    assert "\n  expected: + - * / // **, ceil, log2, max, min, numbers, and the names input_channels, channels, height" in said


@pytest.mark.parametrize(
    ("section", "line", "what", "got", "expected", "do"),
    [
        ("energy", 'spike = { value = 1, unit = "pj", @ }', "'spike' has an unknown unit", "'pj'", JOULES, STATE),
        ("energy", 'spike = { value = 1, unit = "W", @ }', "'spike' has an unknown unit", "'W'", JOULES, STATE),
        ("latency", 'clock = { value = 1, unit = "ms", @ }', "'clock' has an unknown unit", "'ms'", "Hz, kHz, MHz, GHz", STATE),
        ("energy", 'spike = { value = 0, unit = "pJ", @ }', "'spike' is impossible", "0", ABOVE, CORRECT),
        ("energy", 'spike = { low = -1, high = 2, unit = "J", @ }', "'spike' is impossible", "Span(low=-1, high=2)", ABOVE,
         CORRECT),
        ("energy", 'spike = { value = [1], unit = "pJ", @ }', "'spike' is impossible", "[1]", ABOVE, CORRECT),
        ("energy", "spike = { value = 1, @ }", "'spike' must have a value, a confidence and a source",
         "{'value': 1, 'confidence': 'K', 'source': 'a test'}", UNIT_FORM, "\n  do:       say where the number comes from"),
        ("energy", 'spikes = { value = 1, unit = "pJ", @ }', "a target file has an unknown field", "spikes",
         ", ".join(SECTIONS["energy"]), "\n  do:       correct its name, or leave it out"),
    ],
)  # fmt: skip
def test_impossible_prices(tmp_path: Path, section: str, line: str, what: str, got: str, expected: str, do: str) -> None:
    told = f"{what}\n  where:    FILE [{section}]\n  got:      {got}\n  expected: {expected}{do}"
    assert refusal(tmp_path, f"[{section}]\n{line.replace('@', SOURCED)}") == told


def test_prices_are_read_in_their_unit(tmp_path: Path) -> None:
    energy = f'[energy]\nspike = {{ low = 2, high = 3.5, unit = "pJ", {SOURCED} }}\n'
    lines = energy + f'[latency]\nstep = {{ value = 4, unit = "cycles", {SOURCED} }}'
    read = load_chip(str(chip(tmp_path, lines)))
    assert in_base_unit(read.energy["spike"]) == (2e-12, 3.5e-12)
    assert in_base_unit(read.latency["step"]) == (4.0, 4.0)
    assert all(min(units.values()) > 0 for units in UNITS.values())


def test_a_part_that_is_none(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[core]") == (
        "a target file has an unknown part\n  where:    FILE\n  got:      core\n"
        f"  expected: {', '.join(k for k in KNOWN if k != 'lowering')}\n"
        "  do:       correct its name, or leave it out"
    )
    assert "got:      lowering; [lowering] is for a target without 'estimate_only'\n" in refusal(tmp_path, "[lowering]")
    assert "got:      4\n  expected: [neurons]" in refusal(tmp_path, "neurons = 4")
    path = tmp_path / "other.toml"
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("[facts]", "[neurons]\n[facts]"), encoding="utf-8")
    with pytest.raises(TargetError, match=r"\[neurons\] is for a target with 'estimate_only'"):
        load_target(str(path))


def test_a_target_that_is_only_estimated_says_why(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nsays = "a test"\nestimate_only = ""\n[facts]\n', encoding="utf-8")
    with pytest.raises(TargetError, match="a target file lacks 'estimate_only'"):
        load_chip(str(path))
    read = load_chip(str(chip(tmp_path, f"[neurons]\nstate_bits = {{ value = 12, {SOURCED} }}")))
    assert (dict(read.neurons), read.cores, read.estimate_only) == ({"state_bits": 12}, None, "a test")
    assert "[neurons]" in refusal(tmp_path, f"[neurons]\nstate_bits = {{ value = 99, {SOURCED} }}")
