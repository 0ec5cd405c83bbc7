"""A target file of the user's own: what is read of it, and what is refused."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import TargetError
from snn2hw.target import Target, load_target, target_names, targets_folder

if sys.version_info >= (3, 11):
    pass
else:
    pass

Loader = Callable[[str, str], "tuple[Target, str]"]


@pytest.fixture
def edited(tmp_path: Path) -> Loader:
    """A copy of generic.toml with one text replaced, loaded; gives its path too."""

    def load(old: str, new: str) -> tuple[Target, str]:
        path = tmp_path / "mine.toml"
        text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
        return load_target(str(path)), str(path)

    return load


@pytest.fixture
def refused(edited: Loader, tmp_path: Path) -> Callable[[str, str], str]:
    """The message about such a copy, the path written as FILE."""

    def message(old: str, new: str) -> str:
        with pytest.raises(TargetError) as error:
            edited(old, new)
        return str(error.value).replace(str(tmp_path / "mine.toml"), "FILE")

    return message


STATE_BITS = 'state_bits = { value = 32, confidence = "K", source = "FPGA fabric: 8 to 32 bits, chosen by the user" }'
FORM = '{ value = ..., confidence = "F" | "P" | "K", source = "..." }'


def test_a_file_of_your_own(edited: Loader) -> None:
    target, path = edited('value = 32, confidence = "K", source = "FPGA', 'value = 20, confidence = "F", source = "FPGA')
    assert target.lowering.state_bits == 20
    assert target.facts["state_bits"].confidence == "F"
    assert path.endswith("mine.toml")


@pytest.mark.parametrize(("name", "meant"), [("loihi3", "loihi2"), ("", ""), ("generic.json", "generic")])
def test_an_unknown_target(name: str, meant: str) -> None:
    with pytest.raises(TargetError) as error:
        load_target(name)
    assert str(error.value) == (
        f"unknown target\n  got:      {name!r}\n"
        f"  expected: {', '.join(target_names())}\n"
        "  do:       "
        + f"did you mean {meant!r}? else " * bool(meant)
        + "name one of these, or the path of a TOML file of your own (see `snn2hw targets`)"
    )


@pytest.mark.parametrize(
    ("name", "got", "meant"),
    [("nowhere/mine.toml", "no such file", ""), ("loihi2.toml", "no such file", "loihi2"), ("a.toml", "a folder", "")],
)
def test_a_target_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, got: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(TargetError) as error:
        load_target(name)
    assert str(error.value) == (
        f"there is no such target file\n  where:    {name}\n  got:      {got}\n"
        "  expected: a TOML file of your own, or the name of a target without an ending\n"
        "  do:       " + f"did you mean {meant!r}? else " * bool(meant) + "check the path; `snn2hw targets` lists the names"
    )


@pytest.mark.parametrize(
    ("old", "got", "kind"), [('name = "generic"', "None", "str"), ("[facts]", "None", "dict"), ("[lowering]", "None", "dict")]
)
def test_a_missing_part(refused: Callable[[str, str], str], old: str, got: str, kind: str) -> None:
    key = old.strip("[]").split(" ")[0]
    new = {"[facts]": "[more]", "[lowering]": "[more]"}.get(old, "")
    assert refused(old, new) == (
        f"a target file lacks '{key}'\n  where:    FILE\n  got:      {got}\n  expected: a {kind}\n"
        "  do:       copy the field from generic.toml (`snn2hw targets` says in which folder it is)"
    )


FPGA = "copy both from ecp5-85k.toml (`snn2hw targets` says in which folder it is)"


@pytest.mark.parametrize(("new", "got"), [
    ('kind = "fpga"', "kind = 'fpga', no section [fpga]"), ('kind = "gpu"', "kind = 'gpu', no section [fpga]"),
    ("kind = 1", "kind = 1, no section [fpga]"), ("[fpga]\n[more]", "kind = 'chip', a section [fpga]"),
])  # fmt: skip
def test_a_kind_that_does_not_fit_its_sections(refused: Callable[[str, str], str], new: str, got: str) -> None:
    old = 'name = "generic"' if new.startswith("kind") else "[facts]"
    assert refused(old, f"{old}\n{new}") == (
        f"a target file does not say what it is\n  where:    FILE\n  got:      {got}\n"
        '  expected: kind = "fpga" and a section [fpga], or neither of them; a kind is one of chip, fpga, microcontroller, '
        f"computer\n  do:       {FPGA}"
    )


def entry(value: str) -> str:
    return f'{{ value = {value}, confidence = "K", source = "x" }}'


CPU, FLASH, RAM = (f"{k} = {entry(v)}" for k, v in (("cpu", '"cortex_m4"'), ("flash_bytes", "1000"), ("ram_bytes", "1000")))
COPY = "copy the section from cortex-m4.toml (`snn2hw targets` says in which folder it is)"


@pytest.mark.parametrize(
    ("fields", "what", "got", "expected", "do"),
    [
        ((CPU, FLASH), "a target file lacks 'ram_bytes'", "cpu, flash_bytes", "cpu, flash_bytes, ram_bytes", COPY),
        ((CPU, FLASH, RAM, f"rom = {entry('1')}"), "a target file has an unknown field 'rom'", "cpu, flash_bytes, ram_bytes, rom",
         "cpu, flash_bytes, ram_bytes", COPY),
        ((CPU, FLASH, f"ram_bytes = {entry('0')}"), "'ram_bytes' is impossible", "0",
         "a whole number of bytes from 1 to 1,099,511,627,776", "correct the value"),
        ((f"cpu = {entry(repr('arm; rm'))}", FLASH, RAM), "'cpu' is impossible", "'arm; rm'",
         "cortex_m0plus, cortex_m3, cortex_m4, cortex_m7, cortex_m33", "correct the value"),
    ],
)  # fmt: skip
def test_a_section_of_a_microcontroller(
    refused: Callable[[str, str], str], fields: tuple[str, ...], what: str, got: str, expected: str, do: str
) -> None:
    old = 'name = "generic"'
    new = f'{old}\nkind = "microcontroller"\nmicrocontroller = {{ {", ".join(fields)} }}'
    assert refused(old, new) == (
        f"{what}\n  where:    FILE [microcontroller]\n  got:      {got}\n  expected: {expected}\n  do:       {do}"
    )


def test_a_microcontroller_without_its_section(refused: Callable[[str, str], str]) -> None:
    old = 'name = "generic"'
    assert refused(old, f'{old}\nkind = "microcontroller"') == (
        "a target file does not say what it is\n  where:    FILE\n"
        "  got:      kind = 'microcontroller', no section [microcontroller]\n"
        '  expected: kind = "microcontroller" and a section [microcontroller], or neither of them\n'
        "  do:       copy both from cortex-m4.toml (`snn2hw targets` says in which folder it is)"
    )


SITES = "a whole number from 0"
WORD = "a word of letters, digits and . / + -"


@pytest.mark.parametrize(
    ("field", "value", "got", "expected"),
    [
        ("luts", "-1", "-1", SITES),
        ("luts", "true", "True", SITES),
        ("brams", "2.0", "2.0", SITES),
        ("dsps", str(1 << 40), str(1 << 40), SITES),
        ("device", '"--write"', "'--write'", WORD),
        ("device", '""', "''", WORD),
        ("package", "5", "5", WORD),
        ("pins", '"52"', "'52'", "a list of words of letters, digits and . / + -"),
        ("pins", '["52", "a b"]', "['52', 'a b']", "a list of words of letters, digits and . / + -"),
    ],
)
def test_an_impossible_fpga(tmp_path: Path, field: str, value: str, got: str, expected: str) -> None:
    lines = (targets_folder() / "gowin-9k.toml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(f"{field} = ")]
    kept.insert(kept.index(next(line for line in kept if line.startswith("[fpga]"))) + 1, f"{field} = {fact(value)}")
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(TargetError) as error:
        load_target(str(path))
    assert str(error.value) == (
        f"'{field}' is impossible\n  where:    {path} [fpga]\n  got:      {got}\n"
        f"  expected: {expected}\n  do:       correct the value"
    )


@pytest.mark.parametrize(("old", "new", "says"), [
    ("dsps = ", "# ", "lacks 'dsps'"), ("dsps = ", "lutes = ", "lacks 'dsps'"),
    ("speed = ", "sped = ", "has an unknown field 'sped'"),
])  # fmt: skip
def test_fields_of_an_fpga(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (targets_folder() / "ecp5-85k.toml").read_text(encoding="utf-8")
    assert text.count(f"\n{old}") == 1
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(f"\n{old}", f"\n{new}"), encoding="utf-8")
    with pytest.raises(TargetError) as error:
        load_target(str(path))
    assert str(error.value).startswith(f"a target file {says}\n  where:    {path} [fpga]\n  got:      family, device, ")


def test_a_name_that_is_no_text(refused: Callable[[str, str], str]) -> None:
    assert refused('name = "generic"', "name = 5").startswith("a target file lacks 'name'\n  where:    FILE\n  got:      5\n")


def test_a_missing_field(refused: Callable[[str, str], str]) -> None:
    assert refused(STATE_BITS, "") == (
        "a target file lacks 'state_bits'\n  where:    FILE [lowering]\n  got:      no such field\n"
        "  expected: state_bits = { value, confidence, source }\n"
        "  do:       copy the field from generic.toml (`snn2hw targets` says in which folder it is)"
    )


def test_an_unknown_field(refused: Callable[[str, str], str]) -> None:
    assert refused(STATE_BITS, STATE_BITS + "\n" + STATE_BITS.replace("state_bits", "stat_bits")) == (
        "a target file has an unknown field\n  where:    FILE [lowering]\n  got:      stat_bits\n"
        "  expected: accumulator_bits, coefficient_bits, comparisons, payload_bits, payload_products, resets, rounding, "
        "state_bits, state_multiply, synapse_bits, weight_bits\n  do:       correct its name, or leave it out"
    )


def fact(value: str) -> str:
    return f'{{ value = {value}, confidence = "K", source = "a test" }}'


BITS = "a number of bits from 1 to 62"


@pytest.mark.parametrize(
    ("field", "value", "got", "expected"),
    [
        ("state_bits", "0", "0", BITS),
        ("state_bits", "63", "63", BITS),
        ("state_bits", "-8", "-8", BITS),
        ("state_bits", "16.0", "16.0", BITS),
        ("state_bits", "true", "True", BITS),
        ("state_bits", '"16"', "'16'", BITS),
        ("state_bits", "[16]", "[16]", BITS),
        ("accumulator_bits", "100", "100", BITS),
        ("coefficient_bits", "0", "0", BITS),
        ("synapse_bits", "0", "0", BITS),
        ("payload_bits", "0", "0", BITS),
        ("weight_bits", "9", "9", "a number of bits from 1 to 8"),
        ("weight_bits", "0", "0", BITS),
        ("rounding", '"nearest"', "'nearest'", "floor or toward_zero or half_up"),
        ("rounding", "1", "1", "floor or toward_zero or half_up"),
        ("rounding", '["floor"]', "['floor']", "floor or toward_zero or half_up"),
        ("state_multiply", "1", "1", "true or false"),
        ("state_multiply", '"yes"', "'yes'", "true or false"),
        ("resets", "[]", "[]", "a list of subtract, value, none"),
        ("resets", '"value"', "'value'", "a list of subtract, value, none"),
        ("resets", '["value", "soft"]', "['value', 'soft']", "a list of subtract, value, none"),
        ("resets", '[["value"]]', "[['value']]", "a list of subtract, value, none"),
        ("comparisons", '["loose"]', "['loose']", "a list of strict, inclusive"),
    ],
)
def test_an_impossible_value(refused: Callable[[str, str], str], field: str, value: str, got: str, expected: str) -> None:
    lines = (targets_folder() / "generic.toml").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field} = ")]
    assert refused(line, f"{field} = {fact(value)}") == (
        f"'{field}' is impossible\n  where:    FILE [lowering]\n  got:      {got}\n"
        f"  expected: {expected}\n  do:       correct the value"
    )


@pytest.mark.parametrize(
    ("entry", "got"),
    [
        ("32", "32"),
        ('{ value = 32, confidence = "K" }', "{'value': 32, 'confidence': 'K'}"),
        ('{ value = 32, source = "a test" }', "{'value': 32, 'source': 'a test'}"),
        ('{ confidence = "K", source = "a test" }', "{'confidence': 'K', 'source': 'a test'}"),
        ('{ value = 32, confidence = "K", source = " " }', "{'value': 32, 'confidence': 'K', 'source': ' '}"),
        ('{ value = 32, confidence = "X", source = "a test" }', "{'value': 32, 'confidence': 'X', 'source': 'a test'}"),
        ('{ value = 32, confidence = ["K"], source = "a test" }', "{'value': 32, 'confidence': ['K'], 'source': 'a test'}"),
        (
            '{ value = 32, confidence = "K", source = "a test", unit = "bit" }',
            "{'value': 32, 'confidence': 'K', 'source': 'a test', 'unit': 'bit'}",
        ),
    ],
)
def test_a_number_without_its_source(refused: Callable[[str, str], str], entry: str, got: str) -> None:
    assert refused(STATE_BITS, f"state_bits = {entry}") == (
        f"'state_bits' must have a value, a confidence and a source\n  where:    FILE\n  got:      {got}\n  expected: {FORM}\n"
        "  do:       say where the number comes from"
    )


def test_a_fact_without_its_source(refused: Callable[[str, str], str]) -> None:
    found = refused("[facts]", "[facts]\ncores = 128")
    assert found.startswith("'cores' must have a value, a confidence and a source\n  where:    FILE\n  got:      128\n")


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"accumulator_bits": 17, "state_bits": 16}, "accumulator_bits = 17, state_bits = 16, coefficient_bits = 16"),
        ({"accumulator_bits": 31}, "accumulator_bits = 31, state_bits = 32, coefficient_bits = 16"),
        ({"coefficient_bits": 47}, "accumulator_bits = 48, state_bits = 32, coefficient_bits = 47"),
    ],
)
def test_widths_that_contradict_each_other(tmp_path: Path, changes: dict[str, int], got: str) -> None:
    path = written(tmp_path, changes)
    with pytest.raises(TargetError) as error:
        load_target(str(path))
    assert str(error.value) == (
        f"a target file has widths that contradict each other\n  where:    {path}\n  got:      {got}\n"
        "  expected: an accumulator at least as wide as the state, and wider than a coefficient\n  do:       correct the widths"
    )


@pytest.mark.parametrize(
    "changes", [{"accumulator_bits": 32}, {"coefficient_bits": 46}, {"accumulator_bits": 18, "state_bits": 18}]
)
def test_widths_that_just_agree(tmp_path: Path, changes: dict[str, int]) -> None:
    lowering = load_target(str(written(tmp_path, changes))).lowering
    assert {name: getattr(lowering, name) for name in changes} == changes


def written(folder: Path, changes: dict[str, Any]) -> Path:
    lines = (targets_folder() / "generic.toml").read_text(encoding="utf-8").splitlines()
    for name, value in changes.items():
        (place,) = [n for n, line in enumerate(lines) if line.startswith(f"{name} = ")]
        lines[place] = f"{name} = {fact(str(value))}"
    path = folder / "mine.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("content", [b"name = ", b"name = 'a'\nname = 'b'", b"\xff\xfe", b"[lowering"])
def test_a_file_that_is_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(TargetError) as error:
        load_target(str(path))
    assert str(error.value).startswith(f"a target file is not TOML\n  where:    {path}\n  got:      ")
    assert str(error.value).endswith("\n  do:       correct the line it names")


def test_a_fact_does_not_replace_what_the_compiler_reads(tmp_path: Path) -> None:
    """The same key under [facts]: either it is refused, or [lowering] decides. It never wins in silence."""
    path = tmp_path / "mine.toml"
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("[facts]", "[facts]\n" + f"state_bits = {fact('16')}"), encoding="utf-8")
    with contextlib.suppress(TargetError):
        assert load_target(str(path)).lowering.state_bits == 32


def test_a_field_that_stands_only_among_the_facts_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    path.write_text(text.replace(STATE_BITS, "").replace("[facts]", "[facts]\n" + STATE_BITS), encoding="utf-8")
    with pytest.raises(TargetError, match="a target file lacks 'state_bits'"):
        load_target(str(path))
