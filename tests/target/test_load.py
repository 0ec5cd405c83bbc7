from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import TargetError
from snn2hw.num import Rounding
from snn2hw.target import CONFIDENCES, Span, Target, load_chip, load_target, target_names, targets_folder
from tests.shared_data import VARIABLE, shared_data

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Tables of the collected facts, by the target they are about; a range there ("8..32") is what a target chooses from.
BOARDS = ["artix7-35t", "ecp5-25k", "ecp5-85k", "gowin-9k", "ice40-up5k"]
FACTS_OF = {"loihi1": "loihi1", "loihi2": "loihi2", "generic": "fpga_generic"}
OWN_NAMES = {  # what was collected stands in [cores] under the name that all chips have
    "chip_cores": "cores.cores_per_chip", "neurons_per_core": "cores.neurons", "in_axons_per_core": "cores.in_axons",
    "out_axons_per_core": "cores.out_axons", "synapse_mem_bits_per_core": "cores.synapse_memory_bits",
    "compartment_cfgs_per_core": "cores.parameter_sets", "vth_cfgs_per_core": "cores.threshold_sets",
    "weight_bits_allowed": "cores.weight_bits", "neurons_per_chip_max": "cores.neurons_per_chip",
    "synapses_per_chip_max": "cores.synapses_per_chip", "neurons_per_core_max": "cores.neurons",
}  # fmt: skip
# Of the chips that came later: what is said of them, and where that was collected.
SAID = {
    "xylo-audio-2": ("xylo_audio2", {
        "cores.neurons": "hidden_neurons", "cores.output_neurons": "output_neurons", "cores.input_channels": "input_channels",
        "weight_bits": "weight_bits", "state_bits": "state_bits", "threshold_bits": "threshold_bits", "decay": "decay",
        "synaptic_states": "synaptic_states", "hidden_spikes_per_step_max": "hidden_spikes_per_step_max",
    }),
    "speck2f": ("speck2f", {
        "cores.cores_per_chip": "cores", "weight_bits": "weight_bits", "state_bits": "state_bits",
        "cores.strides": "strides", "cores.padding": "padding_max", "cores.kernel_extent": "kernel_max",
        "cores.channels": "channels_max", "cores.pools": "sum_pool", "cores.destinations_per_core": "destinations_per_core",
        "synops_limit": "synops_limit", "deterministic": "deterministic",
    }),
    "akida-1000": ("akida1", {
        "cores.cores_per_chip": "npus", "cores.neurons_per_chip": "neurons", "cores.synapses_per_chip": "synapses",
        "cores.weight_bits": "weight_bits_allowed", "sram_mib": "sram_mib", "activation_bits_allowed": "activation_bits_allowed",
        "neuron": "neuron",
    }),
    "spinnaker2": ("spinnaker2", {
        "cores.cores_per_chip": "pes", "weight_bits": "weight_bits", "sram_mib_total": "sram_mib_total", "dram_gib": "dram_gib",
        "accelerators": "accelerators", "nir_options": "nir_options", "polynomial_neuron": "polynomial_neuron",
    }),
}  # fmt: skip


ESTIMATED = ["akida-1000", "speck2f", "truenorth", "xylo-audio-2"]
COMPILED = [name for name in target_names() if name not in ESTIMATED]


def test_the_targets_that_are_shipped() -> None:
    assert {*BOARDS, *ESTIMATED, "generic", "loihi1", "loihi2", "spinnaker2"} <= set(target_names())
    assert target_names() == sorted(target_names())


@pytest.mark.parametrize("name", COMPILED)
def test_a_target_that_networks_are_compiled_for(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    assert target.says.strip()
    assert target.lowering.weight_bits <= 8
    assert target.lowering.state_bits <= target.lowering.accumulator_bits
    assert target.estimate_only == ""
    assert target.neurons == vars(target.lowering)


@pytest.mark.parametrize("name", ESTIMATED)
def test_a_target_that_is_only_estimated_refuses_to_be_compiled_for(name: str) -> None:
    chip = load_chip(name)
    assert (chip.name, bool(chip.says.strip())) == (name, True)
    with pytest.raises(TargetError) as error:
        load_target(name)
    assert str(error.value) == (
        f"nothing is compiled for the target '{name}'\n  got:      {chip.estimate_only}\n"
        "  expected: a target with a section [lowering]\n"
        "  do:       compile for another target (`snn2hw targets` lists them), and ask what the network would need on this "
        f"one: snn2hw estimate build/x --target {name}"
    )


@pytest.mark.parametrize("name", target_names())
def test_every_number_has_a_source_and_a_confidence(name: str) -> None:
    target = load_chip(name)
    written = tomllib.loads((targets_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    sections = [written.get(section, {}) for section in ("lowering", "neurons", "facts", "fpga")]
    for section in ("cores", "energy", "latency"):
        sections.append({f"{section}.{key}": v for key, v in written.get(section, {}).items() if key != "not_public"})
    together = {key: entry for section in sections for key, entry in section.items()}
    assert set(target.facts) == set(together)
    assert sum(map(len, sections)) == len(together)
    for key, fact in target.facts.items():
        assert fact.confidence in CONFIDENCES, key
        assert len(fact.source.strip()) > 3, key
        said = together[key]
        assert fact.value == (said["value"] if "value" in said else (said["low"], said["high"])), key
        assert fact.unit == said.get("unit", "")


def test_what_the_compiler_reads_of_loihi2() -> None:
    lowering = load_target("loihi2").lowering
    assert lowering.rounding is Rounding.TOWARD_ZERO
    assert (lowering.state_bits, lowering.accumulator_bits, lowering.coefficient_bits) == (24, 32, 16)
    assert (lowering.synapse_bits, lowering.payload_bits, lowering.weight_bits) == (24, 24, 8)
    assert lowering.state_multiply is True
    assert (lowering.payload_products, load_target("generic").lowering.payload_products) == (False, True)
    assert lowering.resets == ("subtract", "value", "none")
    assert lowering.comparisons == ("strict", "inclusive")


@pytest.mark.parametrize("name", list(FACTS_OF))
def test_values_are_those_that_were_collected(name: str) -> None:
    collected = tomllib.loads(shared_data("target-facts.toml").read_text(encoding="utf-8"))[FACTS_OF[name]]
    target = load_target(name)
    facts = {key: target.facts.get(OWN_NAMES.get(key, key)) for key in collected}
    kib = collected.pop("core_mem_kib", None)
    assert kib is None or target.facts["cores.shared_memory_bits"].value == kib * 1024 * 8
    assert len(collected) >= 5
    for key, fact in collected.items():
        found = facts[key]
        assert found is not None, f"{key}: a collected fact that the target file lacks"
        value = found.value
        if isinstance(value, Span):
            assert value.low <= fact <= value.high, key
        elif isinstance(value, int) and isinstance(fact, str):
            lowest, highest = fact.split("..")
            assert int(lowest) <= value <= int(highest), key
        elif isinstance(value, str) and isinstance(fact, str) and key == "rounding":
            assert fact.startswith(value), key
        else:
            assert (type(value), value) == (type(fact), fact), key


@pytest.mark.parametrize("name", list(SAID))
def test_values_of_later_chips_are_those_that_were_collected(name: str) -> None:
    table, keys = SAID[name]
    collected = tomllib.loads(shared_data("target-facts.toml").read_text(encoding="utf-8"))[table]
    facts = load_chip(name).facts
    assert {own: facts[own].value for own in keys} == {own: collected[key] for own, key in keys.items()}
    if name == "speck2f":
        assert facts["cores.kernel_words"].value == [1024 * k for k in collected["kernel_mem_ki"]]
        assert facts["cores.neuron_words"].value == [1024 * k for k in collected["neuron_mem_ki"]]
        assert [facts["cores.input_extent"].value] * 2 == collected["input_max_hw"]
        assert [facts["cores.output_extent"].value] * 2 == collected["output_map_max_hw"]
    if name == "spinnaker2":
        assert facts["cores.shared_memory_bits"].value == collected["sram_kib_per_pe"] * 1024 * 8
    if name == "xylo-audio-2":
        assert facts["cores.fan_out"].value == (collected["fan_out_max"] - 1, collected["fan_out_max"])


@pytest.mark.parametrize("name", BOARDS)
def test_fabric_holds_what_the_generic_target_holds(name: str) -> None:
    """So that a model that is compiled for one board has the integers of all of them."""
    board = load_target(name)
    assert board.lowering == load_target("generic").lowering
    assert board.fpga is not None
    assert board.fpga.luts > 0
    assert load_target("generic").fpga is None


def test_missing_data_is_a_skip_with_a_reason_and_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here.csv").write_text("", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert shared_data("here.csv") == tmp_path / "here.csv"
    reason = f"no absent.csv in {tmp_path}; set {VARIABLE} to the folder that holds it"
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception) as skipped:
        shared_data("absent.csv")
    assert str(skipped.value) == reason
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception) as failed:
        shared_data("absent.csv")
    assert str(failed.value) == reason


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


@pytest.mark.parametrize("name", ["loihi3", "", "generic.json", "nowhere/mine.toml"])
def test_an_unknown_target(name: str) -> None:
    with pytest.raises(TargetError) as error:
        load_target(name)
    assert str(error.value) == (
        f"unknown target\n  got:      {name!r}\n"
        f"  expected: {', '.join(target_names())}\n"
        "  do:       name one of these, or the path of a TOML file of your own (copy one from targets/)"
    )


@pytest.mark.parametrize(
    ("old", "got", "kind"), [('name = "generic"', "None", "str"), ("[facts]", "None", "dict"), ("[lowering]", "None", "dict")]
)
def test_a_missing_part(refused: Callable[[str, str], str], old: str, got: str, kind: str) -> None:
    key = old.strip("[]").split(" ")[0]
    new = {"[facts]": "[more]", "[lowering]": "[more]"}.get(old, "")
    assert refused(old, new) == (
        f"a target file lacks '{key}'\n  where:    FILE\n  got:      {got}\n  expected: a {kind}\n"
        "  do:       copy the field from targets/generic.toml"
    )


FPGA = "copy both from targets/ecp5-85k.toml"


@pytest.mark.parametrize(("new", "got"), [
    ('kind = "fpga"', "kind = 'fpga', no section [fpga]"), ('kind = "gpu"', "kind = 'gpu', no section [fpga]"),
    ("kind = 1", "kind = 1, no section [fpga]"), ("[fpga]\n[more]", "kind = 'chip', a section [fpga]"),
])  # fmt: skip
def test_a_kind_that_does_not_fit_its_sections(refused: Callable[[str, str], str], new: str, got: str) -> None:
    old = 'name = "generic"' if new.startswith("kind") else "[facts]"
    assert refused(old, f"{old}\n{new}") == (
        f"a target file does not say what it is\n  where:    FILE\n  got:      {got}\n"
        f'  expected: kind = "fpga" and a section [fpga], or neither of them\n  do:       {FPGA}'
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
        "  expected: state_bits = { value, confidence, source }\n  do:       copy the field from targets/generic.toml"
    )


def test_an_unknown_field(refused: Callable[[str, str], str]) -> None:
    assert refused(STATE_BITS, STATE_BITS + "\n" + STATE_BITS.replace("state_bits", "stat_bits")) == (
        "a target file has an unknown field\n  where:    FILE [lowering]\n  got:      stat_bits\n"
        "  expected: accumulator_bits, coefficient_bits, comparisons, payload_bits, payload_products, resets, rounding, "
        "state_bits, state_multiply, synapse_bits, weight_bits"
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
