"""The targets that are shipped: they load, every number has a source, and values are those that were collected."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from snn2hw.errors import TargetError
from snn2hw.num import Rounding
from snn2hw.target import CONFIDENCES, Span, load_chip, load_target, target_names, targets_folder
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
    # Collected as Loihi's, and found to be of SANA-FE's own model.
    **{key: f"sanafe_{key}" for key in (
        "nj_neuron_access", "nj_neuron_update", "nj_spike_out", "nj_synop_dense", "nj_hop_ew", "nj_message_out",
        "ns_synop_dense", "ns_neuron_update",
    )},
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


ESTIMATED = ["akida-1000", "cmos-45nm", "speck2f", "truenorth", "xylo-audio-2"]
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
    sections = [written.get(section, {}) for section in ("lowering", "neurons", "facts", "fpga", "microcontroller")]
    for section in ("cores", "energy", "latency"):
        entries = {k: v for k, v in written.get(section, {}).items() if k not in ("not_public", "relative_only")}
        sections.append({f"{section}.{key}": v for key, v in entries.items()})
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
