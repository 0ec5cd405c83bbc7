"""A network's C on an emulated Cortex-M: its integers are the reference's, and its instructions and bytes are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.errors import ExecutorUnavailableError, MissingExtraError
from snn2hw.estimation import emulated
from snn2hw.estimation import microcontroller as room
from snn2hw.estimation.emulated import Machine, compiled, unavailable
from snn2hw.estimation.estimate import estimate
from snn2hw.estimation.microcontroller import measured
from snn2hw.ir.encode import encode
from snn2hw.target import targets_folder
from tests.frameworks import framework
from tests.refused import refused
from tests.small_networks import two_layer_network


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    framework("unicorn")
    framework("ziglang")
    assert unavailable() == ""


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images, steps=3, out=tmp_path_factory.mktemp("m") / "x")


def test_the_program_is_equal_and_is_counted(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    _, images = two_layer_network()
    payloads = encode(artefact.network, images)
    found = measured(artefact, "cortex_m4", payloads)
    assert found.samples == len(images)
    assert found.least <= found.instructions <= found.most
    assert found.instructions > artefact.network.steps * 4 * 6 * 6 * 10  # of the first layer of neurons alone
    weights = sum(n.weight.size for n in artefact.network.nodes if hasattr(n, "weight"))
    assert weights < found.flash < 100_000
    assert 0 < found.stack < found.ram
    monkeypatch.setattr(room, "interpret", lambda *a, **k: type("T", (), {"readout": _other(artefact, payloads)})())
    with pytest.raises(ExecutorUnavailableError, match="the emulated program gives another readout than the reference"):
        measured(artefact, "cortex_m4", payloads)


def test_flash_holds_the_program_and_not_the_headers_of_its_file() -> None:
    text = "static const int t[100] = {1, 2, 3};\nint entry(int i) { return t[i]; }\n"
    machine = Machine(compiled("a table", "cortex_m4", "entry", {"main.c": text}, ["-O2", "main.c"]))
    unwinding = 16  # bytes of .ARM.exidx, which says that nothing is to be unwound
    assert machine.flash == 400 + unwinding + machine.code
    assert 8 < machine.code < 40


def _other(artefact: Artefact, payloads: object) -> object:
    from snn2hw.backends.reference import Reference

    return Reference().run(artefact, payloads).readout + 1  # type: ignore[arg-type]


def test_too_little_flash_and_ram_are_named(artefact: Artefact, tmp_path: Path) -> None:
    text = (targets_folder() / "cortex-m4.toml").read_text(encoding="utf-8")
    small = tmp_path / "small.toml"
    small.write_text(text.replace("value = 1048576", "value = 1000").replace("value = 196608", "value = 500"), encoding="utf-8")
    found, large = estimate(artefact, str(small)), estimate(artefact, "cortex-m4")
    assert found.fits is False
    used = {name: f"{u.used:,.0f}" for name, u in large.memory.items()}
    assert found.reasons == (f"flash: {used['flash']} bytes, limit 1,000", f"RAM: {used['RAM']} bytes, limit 500")
    assert large.fits
    assert large.reasons == ()
    assert large.latency_seconds is not None
    instructions = float(large.notes[0].split(" instructions")[0].replace(",", ""))
    assert large.latency_seconds.low == pytest.approx(instructions / 3 / 168e6, rel=1e-3)
    assert large.latency_seconds.high == pytest.approx(instructions * 2 * 3 / 168e6, rel=1e-3)


def test_without_its_tools_nothing_is_claimed(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulated, "find_spec", lambda name: None)
    found = estimate(artefact, "cortex-m4")
    assert found.fits is None
    remedy = "no package 'unicorn'; pip install 'snn2hw[mcu]'"
    assert f"flash, RAM and cycles are not measured here: {remedy}" in found.not_public
    assert found.latency_seconds is None

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(emulated, "import_module", missing)
    with refused(
        MissingExtraError,
        """
        counting the instructions of a microcontroller needs the package 'unicorn', which is not installed
          got:      no module named 'unicorn'
          expected: snn2hw installed with its 'mcu' extra
          do:       pip install 'snn2hw[mcu]'
        """,
    ):
        Machine(b"")
