"""Networks of lava-dl that begin with a dense layer mean what lava-dl's own netx computes on Lava, integer for integer."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.lava.environment import LAVA_VERSION, outside_variables, side_python
from snn2hw.backends.reference import interpret
from snn2hw.formats.netx.read import from_netx
from snn2hw.run.tools import run
from tests import netx_truth
from tests.golden import FOLDER, Golden
from tests.netx_cases import NAMES, STEPS, written

pytest.importorskip("h5py", reason="reading .net files needs the netx extra")

STORED = "netx_runs.json"
LAVA_DL = "lava-dl==0.6.0"


@pytest.mark.parametrize("name", NAMES)
def test_every_integer_is_that_of_netx(tmp_path: Path, name: str) -> None:
    path, x = written(name, tmp_path)
    net = from_netx(path, STEPS)
    trace = interpret(net, x[:, None])
    given = json.loads((FOLDER / STORED).read_text(encoding="utf-8"))[name]
    assert {key.split("/")[1] for key in given} == {str(k) for k in range(len(net.neurons))}
    for k, neuron in enumerate(net.neurons):
        ours = {s: trace.states[f"{neuron.name}.{s}"][:, 0] for s in "uv"} | {"s": trace.spikes[neuron.name][:, 0]}
        silent = "change" in neuron.program.by_name  # what leaves is the change of v
        assert silent == (k == 1 and ("never" in name or "without" in name))
        for state, values in ours.items():
            theirs = np.array(given[f"{state}/{k}"])
            assert not (silent and state == "s" and theirs.any())
            if not silent or state != "s":
                assert (values == theirs).all(), f"{name}: {state} of layer {k}"
    last = "v" if "change" in net.neurons[-1].program.by_name else "s"
    ends = np.array(given[f"{last}/1"])
    assert (trace.readout[0] == (ends[-1] if last == "v" else ends.sum(0))).all()
    assert trace.readout.any()
    assert all(np.array(given[f"s/{k}"]).any() for k in range(len(net.neurons)) if not (k == 1 and last == "v"))
    verdict = snn2hw.verify(snn2hw.compile(net), x[:, None], ("onnxruntime", "torch"))
    assert verdict.equal, verdict.differences[0]


@pytest.fixture(scope="module")
def netx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lava-dl, for the Python 3.10 that has Lava; nothing of it is imported here."""
    folder = tmp_path_factory.mktemp("netx")
    command = [str(side_python(print)), "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), LAVA_DL, "h5py"]
    ran = run(command, 600, variables=outside_variables())
    assert ran.code == 0, f"{LAVA_DL} cannot be installed beside lava-nc {LAVA_VERSION}: {ran.errors}"
    return folder


def runs_of_netx(netx: Path, folder: Path, path: Path, x: Any) -> dict[str, Any]:
    shutil.copy(netx_truth.__file__, folder)  # Lava imports whatever lies beside the script that it is started from
    np.save(folder / "x.npy", x)
    command = [str(side_python(print)), str(folder / "netx_truth.py"), str(path), "x.npy", "out.npz"]
    ran = run(command, 120, folder=folder, variables={**outside_variables(), "PYTHONPATH": str(netx)})
    assert ran.code == 0, ran.errors
    with np.load(folder / "out.npz") as theirs:
        return {key: theirs[key].astype(int) for key in sorted(theirs.files)}


@pytest.mark.slow
def test_what_is_stored_is_what_netx_computes(netx: Path, tmp_path: Path, golden: Golden) -> None:
    found = {name: runs_of_netx(netx, tmp_path, *written(name, tmp_path)) for name in NAMES}
    rows = (
        f"{json.dumps(name)}: {json.dumps({key: values.tolist() for key, values in runs.items()})}"
        for name, runs in found.items()
    )
    golden(STORED, "{\n" + ",\n".join(rows) + "\n}\n")


@pytest.mark.slow
@pytest.mark.torch
def test_files_that_lava_dl_itself_wrote(netx: Path, tmp_path: Path) -> None:
    """Written by its blocks in this Python, run by its netx on Lava: every u and every v."""
    pytest.importorskip("torch")
    packages = tmp_path / "packages"
    shutil.copytree(netx / "lava", packages / "lava")  # and not its h5py, which is for another Python
    writer = Path(netx_truth.__file__).with_name("netx_writer.py")
    command = [sys.executable, str(writer), str(tmp_path)]
    ran = run(command, 120, variables={**outside_variables(), "PYTHONPATH": str(packages)})
    assert ran.code == 0, ran.errors
    paths = sorted(tmp_path.glob("*.net"))
    assert [p.stem for p in paths] == ["affine", "dense", "dynamics", "recurrent"]
    x = np.random.default_rng(1).integers(0, 2, (30, 3))
    for path in paths:
        net = from_netx(path, len(x))
        trace, theirs = interpret(net, x[:, None]), runs_of_netx(netx, tmp_path / "packages", path, x)
        for k, neuron in enumerate(net.neurons):
            for state in "uv":
                assert (trace.states[f"{neuron.name}.{state}"][:, 0] == theirs[f"{state}/{k}"]).all(), f"{path.name}, layer {k}"
