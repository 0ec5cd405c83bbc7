"""Samples in a folder, more than there is memory: what is made of them reads a part at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds what a process holds on Linux alone")
SIDE, FILES, EACH = 64, 8, 1024  # 8 files of 16 MB each
LIMIT = 64 << 20  # bytes of memory besides what was taken before anything is read
NETWORK = f"""
import resource, sys, warnings
from pathlib import Path
import numpy as np
import snn2hw
from snn2hw import Options
from snn2hw.estimation.estimate import estimate
from snn2hw.reporting.report import report
from tests.hand_networks import average, flatten, image, lif, linear, network, readout
rng = np.random.default_rng(0)
net = network(
    2, image(1, {SIDE}, {SIDE}), average("pool", "input", 8), flatten("flat", "pool"),
    linear("a", "flat", rng.normal(0.1, 0.3, (8, 64))), lif("n", "a"), linear("b", "n", rng.normal(0, 1, (3, 8))), readout("b"),
)
warnings.simplefilter("ignore")
folder, labels = Path(sys.argv[1]), np.arange({FILES * EACH}) % 3
"""
USED = f"""
snn2hw.simulate(snn2hw.compile(net, np.zeros((1, 1, {SIDE}, {SIDE}))), np.zeros((64, 1, {SIDE}, {SIDE})))
"""
LIMITED = f"""
held = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (1024 * held + {LIMIT},) * 2)
x = snn2hw.open_samples(folder)
assert x.nbytes == {4 * FILES * EACH * SIDE * SIDE} > {LIMIT}
"""
HEAD = NETWORK + USED + LIMITED
COMPILE = (
    HEAD
    + """
try:
    np.array(x)
except MemoryError:
    print("all of it is too much")
artefact = snn2hw.compile(net, x, out=folder / "built")
assert artefact.manifest["agreement"]["samples"] == 32
print(snn2hw.load(folder / "built").network.readout.shape)
"""
)
EXPLORE = (
    HEAD
    + """
front = snn2hw.explore(net, x, labels, weight_bits=(4, 8), state_bits=(16,), executor="reference", out=folder / "r.jsonl")
print(len(front.pareto) > 0, front.samples)
"""
)
TRAIN = (
    NETWORK
    + f"""
import torch
from snn2hw import nn
def trained(x, out):
    torch.manual_seed(0)
    layers = torch.nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 8), nn.LIF(0.5), nn.Linear(8, 3)
    model, y = torch.nn.Sequential(*layers).eval(), labels[: len(x)]
    given = dict(weight_bits=(8,), state_bits=(16,), executor="reference", steps=2, epochs=1, train=(x, y), sample=x)
    return snn2hw.explore(model, x, y, out=folder / out, **given)
trained(np.zeros((300, 1, {SIDE}, {SIDE}), np.float32), "few.jsonl")
"""
    + LIMITED
    + """
front = trained(x, "all.jsonl")
print(len(front.pareto), front.samples)
"""
)
FILE = (
    """
import resource, sys, warnings
from pathlib import Path
import numpy as np
import snn2hw
from snn2hw.cli.end import guarded
from tests.cli.running import COMMAND
warnings.simplefilter("ignore")
model, few, folder, *more = sys.argv[2], sys.argv[3], Path(sys.argv[1]), *sys.argv[4:]
def compiled(sample, out):
    return guarded(lambda: COMMAND(["compile", model, "--sample", str(sample), "--out", str(Path(few).with_name(out)), *more]))
assert compiled(few, "few") == 0
"""
    + LIMITED
    + """
assert compiled(folder, "all") == 0
print("compiled")
"""
)
REPORT = (
    HEAD
    + """
artefact = snn2hw.compile(net, x[:256])
print(report(artefact, x, labels, net, folder / "r.html", executors=("onnx-reference",)).stat().st_size > 10_000)
"""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    for number in range(FILES):  # with holes, so that the disk holds the values alone that are not 0
        x = np.lib.format.open_memmap(made / f"part-{number}.npy", "w+", np.float32, (EACH, 1, SIDE, SIDE))
        x[:: EACH // 32] = rng.random((32, 1, SIDE, SIDE), np.float32)
    return made


def ran(script: str, folder: Path, *more: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), *map(str, more)], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_compile(folder: Path) -> None:
    assert ran(COMPILE, folder) == "all of it is too much\n(3,)"


@pytest.mark.slow
def test_explore(folder: Path) -> None:
    assert ran(EXPLORE, folder) == f"True {FILES * EACH}"


@pytest.mark.slow
@pytest.mark.torch
def test_train(folder: Path) -> None:
    assert ran(TRAIN, folder) == f"1 {FILES * EACH}"


@pytest.mark.slow
def test_a_nir_file(folder: Path, tmp_path: Path) -> None:
    nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
    from tests.nir_files import affine, graph, lif, write

    pool = nir.AvgPool2d(kernel_size=np.array((8, 8)), stride=np.array((8, 8)), padding=np.array((0, 0)))
    flat = nir.Flatten(input_type={"input": np.array((1, SIDE // 8, SIDE // 8))}, start_dim=0)
    weight = np.random.default_rng(0).normal(0, 0.1, (8, SIDE * SIDE // 64))
    model = write(tmp_path / "x.nir", graph(pool, flat, affine(weight), lif(8), shape=(1, SIDE, SIDE), out=(8,)))
    np.save(tmp_path / "few.npy", np.zeros((8, 1, SIDE, SIDE), np.float32))
    given = ("--steps", 2, "--convention", "norse")
    assert ran(FILE, folder, model, tmp_path / "few.npy", *given).splitlines()[-1] == "compiled"


@pytest.mark.slow
def test_a_net_file(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="the test writes an HDF5 file")
    from tests.netx_files import dense, write_net

    model = write_net(tmp_path / "x.net", [dense(np.random.default_rng(0).integers(-8, 8, (8, SIDE * SIDE)))], steps=2)
    np.save(tmp_path / "few.npy", np.zeros((2, 8, SIDE * SIDE), np.float32))
    (tmp_path / "events").mkdir()
    for number in range(FILES):
        x = np.lib.format.open_memmap(tmp_path / f"events/{number}.npy", "w+", np.float32, (2, EACH // 2, SIDE * SIDE))
        x[:, :: EACH // 32] = 1
    assert ran(FILE, tmp_path / "events", model, tmp_path / "few.npy").splitlines()[-1] == "compiled"


@pytest.mark.slow
def test_report(folder: Path) -> None:
    assert ran(REPORT, folder) == "True"
