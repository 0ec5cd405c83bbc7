"""Errors as people meet them: for every class code that raises it, and the remedy. Pages show both, and tests run both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One way into an error, and out of it.

    Args:
        error: the class. cause: code that raises it. remedy: code that takes the same names and does what its `do` says.
        quick: whether both take a moment, and need no torch.
    """

    error: str
    cause: str
    remedy: str
    quick: bool = False


MODEL = """\
import torch, snn2hw
from snn2hw import nn
torch.manual_seed(0)
x = torch.rand(8, 6)
"""

CASES = (
    Case(
        "UnsupportedError",
        MODEL + "model = torch.nn.Sequential(nn.Linear(6, 5), torch.nn.GELU(), nn.Linear(5, 3)).eval()\n"
        "snn2hw.compile(model, x, steps=4)\n",
        "model[1] = nn.LIF(0.5)  # a neuron in place of the activation; then train again\nsnn2hw.compile(model, x, steps=4)\n",
    ),
    Case(
        "ShapeError",
        MODEL + "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(4, 3)).eval()\n"
        "snn2hw.compile(model, x, steps=4)\n",
        "model[2] = nn.Linear(5, 3)\nsnn2hw.compile(model, x, steps=4)\n",
    ),
    Case(
        "ValueRangeError",
        MODEL + "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3)).eval()\n"
        'x[0, 0] = float("nan")\nsnn2hw.compile(model, x, steps=4)\n',
        "snn2hw.compile(model, x.nan_to_num(0.0), steps=4)\n",
    ),
    Case(
        "WidthError",
        "from snn2hw.num import Format\nFormat(80, 0)\n",
        "Format(32, 0)\n",
        quick=True,
    ),
    Case(
        "TargetError",
        'from snn2hw.target import load_target\nload_target("loihi")\n',
        'load_target("loihi2")\n',
        quick=True,
    ),
    Case(
        "ArtefactError",
        MODEL + "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3)).eval()\n"
        'snn2hw.compile(model, x, steps=4, out="build/mine")\n'
        "from pathlib import Path\n"
        'Path("build/mine/model.onnx").write_bytes(b"another file")\n'
        'snn2hw.load("build/mine")\n',
        'import shutil\nshutil.rmtree("build/mine")\nsnn2hw.compile(model, x, steps=4, out="build/mine")\n'
        'snn2hw.load("build/mine")\n',
    ),
    Case(
        "CheckpointError",
        MODEL + "from snn2hw import train\n"
        "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3))\n"
        "data = (x, torch.zeros(8, dtype=torch.long))\n"
        'train.fit(model, data, steps=2, recipe=train.Recipe(epochs=1), progress=False, out="training")\n'
        'train.fit(model, data, steps=2, recipe=train.Recipe(epochs=2, learning_rate=1e-4), progress=False, out="training")\n',
        'train.fit(model, data, steps=2, recipe=train.Recipe(epochs=2, learning_rate=1e-4), progress=False, out="training",\n'
        "          resume=False)\n",
    ),
    Case(
        "RuleError",
        MODEL + "from dataclasses import replace\n"
        "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3)).eval()\n"
        "network = snn2hw.trace_model(model, x, steps=4)\n"
        "snn2hw.compile(replace(network, steps=0), x)\n",
        "snn2hw.compile(replace(network, steps=2), x)\n",
    ),
    Case(
        "TextError",
        'from snn2hw.num import Format\nFormat.parse("16.13")\n',
        'Format.parse("s16.13")\n',
        quick=True,
    ),
    Case(
        "UsageError",
        "import snn2hw\nsnn2hw.Options(weight_bits=16)\n",
        "snn2hw.Options(weight_bits=8)\n",
        quick=True,
    ),
    Case(
        "MissingExtraError",
        'import sys\nsys.modules["h5py"] = None  # as where it is not installed\n'
        'import snn2hw\nsnn2hw.read_network("network.net", 4)\n',
        "del sys.modules[\"h5py\"]  # after: pip install 'snn2hw[netx]'\nimport h5py\n",
    ),
    Case(
        "ExecutorUnavailableError",
        MODEL + "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3)).eval()\n"
        "artefact = snn2hw.compile(model, x, steps=4)\n"
        'import os\nos.environ["SNN2HW_LAVA_PYTHON"] = "/no/such/python"\n'
        'snn2hw.verify(artefact, x, executors=("reference", "lava"))\n',
        'del os.environ["SNN2HW_LAVA_PYTHON"]\nsnn2hw.verify(artefact, x, executors=("reference", "onnx-reference"))\n',
    ),
    Case(
        "FileFormatError",
        'from pathlib import Path\nPath("network.nir").write_text("no HDF5")\n'
        'import snn2hw\nsnn2hw.read_network("network.nir")\n',
        "import nir, numpy as np\n"
        'nodes = {"input": nir.Input(np.array([3])), "fc": nir.Affine(np.eye(3), np.zeros(3)),\n'
        '         "n": nir.IF(r=np.ones(3), v_threshold=np.ones(3)), "output": nir.Output(np.array([3]))}\n'
        'edges = [("input", "fc"), ("fc", "n"), ("n", "output")]\n'
        'nir.write("network.nir", nir.NIRGraph(nodes, edges))\n'
        'snn2hw.read_network("network.nir", sample=np.random.rand(5, 4, 3) < 0.5, convention="norse")\n',
    ),
    Case(
        "DataError",
        'from snn2hw import data\ndata.CIFAR10("no_such_folder")\n',
        "from pathlib import Path\nfrom tests.data.writers import write_cifar10\n"
        'write_cifar10(Path("data"), {})  # or download it\n'
        'data.CIFAR10("data")\n',
    ),
    Case(
        "Snn2hwWarning",
        MODEL + 'import warnings\nwarnings.simplefilter("error", snn2hw.errors.Snn2hwWarning)\n'
        "model = torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(0.5), nn.Linear(5, 3)).eval()\n"
        "with torch.no_grad():\n    model[0].weight[0, 0] = 100.0  # one weight is far from the others\n"
        'snn2hw.compile(model, x, steps=4, options=snn2hw.Options(weight_bits=4, scales="layer"))\n',
        'snn2hw.compile(model, x, steps=4, options=snn2hw.Options(weight_bits=8, scales="channel"))\n',
    ),
)
