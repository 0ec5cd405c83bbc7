"""Constants as tables: every integer is the network's, and times its unit it is the real number that it stands for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import UsageError
from snn2hw.integers import tables, write_tables
from snn2hw.ir.integer import IntNeuron
from snn2hw.layers import IntSynapse
from tests.hand_networks import every_kind, every_kind_sample


@pytest.fixture(scope="module")
def artefact() -> snn2hw.Artefact:
    return snn2hw.compile(every_kind(), every_kind_sample(8), target="generic")


def test_all_constants_are_there(artefact: snn2hw.Artefact) -> None:
    found = {t.key: t for t in tables(artefact.network)}
    expected = {}
    for n in artefact.network.nodes:
        if isinstance(n, IntSynapse):
            expected |= {f"{n.name}.weight": n.weight, f"{n.name}.bias": n.bias}
        if isinstance(n, IntNeuron):
            expected |= {f"{n.name}.{k}": np.array(v) for k, v in n.program.params.items()}
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[k].values, v) for k, v in expected.items())
    for t in found.values():
        lo, hi = (-(1 << t.bits - 1), (1 << t.bits - 1) - 1) if t.signed else (0, (1 << t.bits) - 1)
        assert lo <= t.values.min() <= t.values.max() <= hi


def models() -> dict[str, Any]:
    """What stands between weights and the neuron, or between a neuron and the weights, by name."""
    from torch import Tensor

    from snn2hw import nn

    class Residual(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return self[4](self[3](self[2](self[0](x) + self[1](x))))  # type: ignore[no-any-return]

    image = nn.Conv2d(1, 3, 3)
    return {
        "nothing": lambda: nn.Sequential(image, nn.LNM(degree=2), nn.Flatten(), nn.Linear(48, 5), nn.LIF(0.5), nn.Linear(5, 3)),
        "the largest": lambda: nn.Sequential(image, nn.MaxPool2d(2), nn.LIF(0.5), nn.Flatten(), nn.Linear(12, 3)),
        "a mean of 4": lambda: nn.Sequential(image, nn.AvgPool2d(2), nn.LNM(degree=2), nn.Flatten(), nn.Linear(12, 3)),
        "means of 9": lambda: nn.Sequential(
            nn.Conv2d(1, 3, 2, padding=1), nn.LIF(0.5), nn.AvgPool2d(3), nn.Conv2d(3, 4, 1), nn.AvgPool2d(2), nn.LIF(0.5),
            nn.Flatten(), nn.Linear(4, 3),
        ),
        "an edge back": lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(36, 4), nn.Recurrent(nn.LIF(0.5), nn.Linear(4, 4)), nn.Linear(4, 3)
        ),
        "a join": lambda: Residual(image, nn.Conv2d(1, 3, 3), nn.LIF(0.5), nn.Flatten(), nn.Linear(48, 3)),
    }  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("scales", [pytest.param("layer", marks=pytest.mark.slow), "channel"])
@pytest.mark.parametrize("between", ["nothing", "the largest", "a mean of 4", "means of 9", "an edge back", "a join"])
def test_integer_times_unit_is_the_real_number(scales: str, between: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    model = models()[between]().eval()
    for (
        module
    ) in model.modules():  # so large that every layer fires: weights that no sample meets may be clipped, and then tell nothing
        for numbers in module.parameters() if hasattr(module, "weight") else ():
            numbers.data.mul_(4)
    made = snn2hw.compile(model, torch.rand(8, 1, 6, 6), steps=3, options=snn2hw.Options(scales=scales))
    real = {k: v.numpy() for k, v in model.state_dict().items()}
    found = {t.key: t for t in tables(made.network) if t.key in real}
    assert found.keys() == {k for k in real if k.endswith((".weight", ".bias"))}
    for t in found.values():
        assert t.unit, t.key
        unit = np.array(t.unit).reshape(-1, *[1] * (t.values.ndim - 1))
        clipped = np.abs(t.values) >= 127 if t.name == "weight" else np.zeros(t.values.shape, bool)
        assert (~clipped).mean() > 0.5, t.key
        assert (np.abs(t.values * unit - real[t.key]) <= 0.5001 * unit)[~clipped].all(), t.key


@pytest.mark.torch
def test_a_unit_that_the_network_does_not_tell_is_left_out(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.LIF(0.5), nn.Linear(2, 2)).eval()
    made = snn2hw.compile(model, torch.rand(5, 4), steps=2, options=snn2hw.Options(weight_bits=4))
    units = {t.key: t.unit for t in tables(made.network)}
    assert (units["0.weight"], units["0.bias"], units["1.weight"]) == ((), (), ())
    assert units["1.bias"]
    rows = csv.DictReader((write_tables(made, tmp_path / "w") / "index.csv").read_text(encoding="utf-8").splitlines())
    assert {r["unit"] for r in rows if r["layer"] == "0"} == {""}


def test_the_files_hold_the_same(artefact: snn2hw.Artefact, tmp_path: Path) -> None:
    found = {t.key: t for t in tables(artefact.network)}
    with np.load(write_tables(artefact, tmp_path / "w.npz")) as kept:
        assert {k for k in kept.files if not k.endswith(".unit")} == {*found, "model_sha256"}
        assert all(np.array_equal(kept[k], t.values) for k, t in found.items())
    folder = write_tables(artefact, tmp_path / "w")
    rows = list(csv.DictReader((folder / "index.csv").read_text(encoding="utf-8").splitlines()))
    assert [f"{r['layer']}.{r['table']}" for r in rows] == list(found)
    for row, t in zip(rows, found.values(), strict=True):
        words = np.array([int(w, 16) for w in (folder / f"{row['file']}.mem").read_text().split()])
        signed = np.where(words >> (t.bits - 1) & 1, words - (1 << t.bits), words) if t.signed else words
        assert np.array_equal(signed, t.values.reshape(-1))
        plain = np.loadtxt(folder / f"{row['file']}.csv", delimiter=",", ndmin=2).astype(np.int64)
        assert np.array_equal(plain.reshape(-1), t.values.reshape(-1))
        assert [float(u) for u in row["unit"].split()] == list(t.unit)


def test_what_is_edited_is_kept(artefact: snn2hw.Artefact, tmp_path: Path) -> None:
    folder = write_tables(artefact, tmp_path / "w")
    write_tables(artefact, folder)
    (folder / "index.csv").write_text("mine")
    with pytest.raises(UsageError, match="edited"):
        write_tables(artefact, folder)
    write_tables(artefact, folder, force=True)
    assert (folder / "index.csv").read_text().startswith("file,layer,")
