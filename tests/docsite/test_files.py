"""docs/reference/files.md: each table of a file names exactly what is in the files that snn2hw writes."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from docsite.form_parts import MEASURED
from docsite.forms import differences
from snn2hw import api, store
from snn2hw.exports import write_trace
from snn2hw.ir.network import Single
from snn2hw.trace import narrowed, read_npz
from tests.clean_environment import ROOT
from tests.hand_networks import compiled, every_kind, every_kind_sample, lif, one_neuron, sample_of

PAGE = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without the marks of code."""
    table = PAGE.split(f"\n### {heading}")[1].split("\n#")[0]
    lines = [line.strip("|").split(" | ") for line in re.findall(r"^\| `.*\|$", table, re.M)]
    return [[cell.strip(" `") for cell in line] for line in lines]


def folders(at: Path) -> dict[str, Path]:
    """Compiled models that between them have every key: of floats, of other widths, with a loss, of NIR, converted, trained."""
    pytest.importorskip("torch")
    pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
    import torch

    from snn2hw import nn
    from snn2hw.quantize import prepare
    from tests.conversion.test_written import MODELS
    from tests.nir_cases import chain, linear
    from tests.nir_files import affine, integrator, write
    from tests.nir_files import lif as nir_lif

    make, shown = MODELS["subtracts"]
    ours = torch.nn.Sequential(torch.nn.Linear(3, 2), nn.LIF(), nn.Readout())
    file = write(at / "x.nir", chain(affine(np.eye(3) * 2), nir_lif(3), linear(), integrator(3)))
    events = np.random.default_rng(0).integers(0, 2, (8, 4, 3))
    other = snn2hw.Options(layer_bits={"fc": 4}, layer_state_bits={"fire": 10})
    silent = one_neuron(lif("fire", "fc", firing=Single(100.0)))
    given: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "floats": (every_kind(), every_kind_sample(), {}),
        "widths": (one_neuron(lif("fire", "fc")), sample_of(silent), {"options": other}),
        "loss": (silent, sample_of(silent), {}),
        "nir": (snn2hw.read_network(file, sample=events, convention="norse"), events, {}),
        "converted": (make(), shown.numpy(), {}),
        "trained": (prepare(ours, events.astype(np.float32)), None, {}),
        "integers": (compiled(every_kind()).network, None, {}),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the loss
        for name, (model, sample, more) in given.items():
            snn2hw.compile(model, sample, out=at / name, **more)
    return {name: at / name for name in given}


@pytest.mark.torch
def test_the_manifest_is_as_the_table_says(tmp_path: Path) -> None:
    """Of every kind of model; and no row is without a model that has it."""
    stated = {path: (kind.replace(", or missing", "?").replace(" or ", "|"), says) for path, kind, says in rows("manifest.json")}
    layer = {f"agreement.layers.{{layer}}.{name}": (f"{kind}?", says) for name, (kind, says) in MEASURED.items()}
    found = {name: json.loads((folder / "manifest.json").read_text()) for name, folder in folders(tmp_path).items()}
    assert [(name, told) for name, value in found.items() for told in differences({**stated, **layer}, value)] == []
    everywhere = {path for value in found.values() for path in paths(value)}
    assert [path for path in stated if not any(re.fullmatch(pattern(path), p) for p in everywhere)] == []
    assert found["trained"]["trained_on_integers"] is True


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every path of a JSON value, with the keys that it has."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield from (f"{at}.{key}".strip("."), *paths(each, f"{at}.{key}".strip(".")))
    for each in value if isinstance(value, list) else ():
        yield from (f"{at}[]", *paths(each, f"{at}[]"))


def pattern(path: str) -> str:
    """Of the paths that one of the table stands for."""
    return re.sub(r"\\\{\w+\\\}", ".+", re.escape(path))


@pytest.mark.parametrize("form", ["vectors", "large vectors", "trace"])
def test_the_arrays_are_as_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(store, "MOST_WIDE", 0 if form == "large vectors" else store.MOST_WIDE)
    net = snn2hw.compile(every_kind(), every_kind_sample(), out=tmp_path / "net")
    file = tmp_path / "net" / "vectors.npz"
    if form == "trace":
        payloads = api.stimulus(net, every_kind_sample())
        file = tmp_path / "trace.npz"
        write_trace(net, payloads, api.simulate_payloads(net, payloads), file)
    arrays = read_npz(file)
    stated = {name: (kind, shape) for name, kind, shape, _ in rows("vectors.npz")}
    met = set[str]()
    for name, values in arrays.items():
        row = next(r for r in stated if re.fullmatch(pattern(r), name))
        kind, shape = stated[row]
        met.add(row)
        assert list(values.shape) == extents(shape, net, name, samples=len(arrays["readout"])), name
        wanted = narrowed(values.astype(np.int64)).dtype if form == "large vectors" and kind == "int64" else kind
        assert (values.dtype.kind == "U") if kind == "text" else (values.dtype == wanted), name
    assert met == set(stated)


def extents(shape: str, net: snn2hw.Artefact, name: str, samples: int) -> list[int]:
    """The numbers that a shape of the table stands for."""
    layers = {layer["name"]: layer["shape"] for layer in net.manifest["layers"]}
    own = layers.get(re.sub(r"^\w+/|\.\w+$", "", name))
    known = {
        "": [], "T": [net.network.steps], "N": [samples], "classes": list(net.network.readout.shape),
        "*input": net.manifest["input"]["shape"], "*layer": own,
    }  # fmt: skip
    return [n for word in shape.strip("[]").split(", ") for n in known[word] or ()]


def test_the_limit_of_wide_vectors_is_the_codes() -> None:
    assert f"more than\n{store.MOST_WIDE:,} integers" in PAGE
    assert f"the folder's form: {store.FORMAT};" in PAGE
