"""Constants as tables: every integer is the network's, and times its unit it is the real number that it stands for."""

from __future__ import annotations

import csv
from pathlib import Path

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


@pytest.mark.torch
@pytest.mark.parametrize("scales", [pytest.param("layer", marks=pytest.mark.slow), "channel"])
def test_integer_times_unit_is_the_real_number(scales: str) -> None:
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.LNM(degree=2), nn.Flatten(), nn.Linear(12, 5), nn.LIF(0.5), nn.Linear(5, 3)
    ).eval()
    made = snn2hw.compile(model, torch.rand(8, 1, 4, 4), steps=3, options=snn2hw.Options(scales=scales))
    real = {k: v.numpy() for k, v in model.state_dict().items()}
    compared = 0
    for t in tables(made.network):
        if t.key in real:
            unit = np.array(t.unit).reshape(-1, *[1] * (t.values.ndim - 1))
            clipped = np.abs(t.values) >= 127 if t.name == "weight" else np.zeros(t.values.shape, bool)
            assert (np.abs(t.values * unit - real[t.key]) <= 0.5001 * unit)[~clipped].all(), t.key
            compared += 1
    assert compared == 6


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
