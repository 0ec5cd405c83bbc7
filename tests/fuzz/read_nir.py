"""NIR files. The parameters that are loaded are compared with what h5py itself reads from the same damaged file; a file of ours
gives the exact network, or none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.errors import Snn2hwError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.exact import exact_network
from snn2hw.formats.nir.file import read_graph
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.text import to_text
from tests import hand_networks as by_hand
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.hdf5 import damaged
from tests.nir_files import STATED, affine, conv2d, cuba_lif, graph, integrator, lif, looped, write

PLAIN = Convention(dt=1e-3)
CONVENTIONS = ("norse", "sinabs", "snntorch", "lava", "rockpool")
SAMPLES = {(3,): np.ones((2, 1, 3)), (1, 4, 4): np.ones((2, 1, 1, 4, 4))}
DEFAULTS = ("v_reset", "w_in", "start_dim", "end_dim")  # that the package nir has for what a file does not state
NOT_PARAMETERS = ("input_type", "output_type", "metadata", "nodes", "edges")


def prepare(folder: Path) -> tuple[list[bytes], str]:
    """Four files of others and one of ours; the text of the network in ours."""
    import nir

    rng = np.random.default_rng(0)
    nested = graph(affine(np.eye(3)), lif(3), shape=(3,), out=[3])
    image = [
        conv2d((4, 4), rng.normal(size=(2, 1, 3, 3)), padding=1),
        integrator((2, 4, 4)),
        nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
        affine(rng.normal(size=(3, 8)), [0.1, 0.2, 0.3]),
        lif(3, v_threshold=[0.5, 1.0, 2.0]),
    ]
    graphs = [
        graph(affine(rng.normal(size=(4, 3))), lif(4), affine(rng.normal(size=(2, 4))), integrator(2), shape=(3,), out=[2]),
        graph(*image, shape=(1, 4, 4), out=[3]),
        looped(cuba_lif(3)),
        graph(nested, nir.Scale(np.full(3, 2.0)), affine(np.eye(3)), nir.Threshold(np.ones(3)), shape=(3,), out=[3]),
    ]
    ours = by_hand.compiled(by_hand.one_neuron(by_hand.neuron("n", "fc"))).network
    files = [write(folder / f"{n}.nir", g).read_bytes() for n, g in enumerate(graphs)]
    return [*files, to_nir(ours).data], to_text(ours)[0]


def damage(rng: random.Random, folder: Path, good: tuple[list[bytes], str]) -> Attempt:
    """A damaged file."""
    path = folder / "x.nir"
    (folder / "convention").write_text(rng.choice(("plain", "plain", "plain", *CONVENTIONS)))
    says, verdict = damaged(rng, path, rng.choice(good[0]))
    return Attempt(says, verdict or (lambda got: got["exact"] in (None, good[1]) and right(got["graph"], path)))


def read(folder: Path, good: Any) -> dict[str, Any]:
    """The graph, and the exact network where there is one; what is neither that nor equations under the convention is refused."""
    path = folder / "x.nir"
    made, exact = read_graph(path), exact_network(path)
    said = (folder / "convention").read_text()
    refused, accepted = list[Snn2hwError](), exact is not None
    for sample in SAMPLES.values():
        try:
            from_nir(path, sample=sample, convention=PLAIN if said == "plain" else STATED[said])
            accepted = True
        except Snn2hwError as error:
            refused.append(error)
    if not accepted:
        raise refused[0]
    return {"graph": parameters(made), "exact": None if exact is None else to_text(exact)[0]}


def parameters(graph: Any, prefix: str = "node") -> dict[str, Any]:
    """Of every node by their place in the file, and the edges."""
    found: dict[str, Any] = {f"{prefix}/edges": [list(e) for e in graph.edges]}
    for name, node in graph.nodes.items():
        at = f"{prefix}/nodes/{name}"
        kind = type(node).__name__
        found[f"{at}/type"] = kind
        if kind == "NIRGraph":
            found |= parameters(node, at)
        elif kind in ("Input", "Output"):
            found[f"{at}/shape"] = node.input_type["input"]
        else:
            found |= {f"{at}/{k}": v for k, v in vars(node).items() if k not in NOT_PARAMETERS and v is not None}
    return found


def right(got: dict[str, Any], path: Path) -> bool:
    """Whether h5py finds the same at each of these places, and no other node."""
    import h5py

    with h5py.File(path, "r") as file:
        for place, value in got.items():
            if place.rpartition("/")[2] in DEFAULTS and place not in file:
                continue
            stated = file[place][()]
            if place.endswith("/edges"):
                same = value == [[a.decode(), b.decode()] for a, b in stated]
            elif isinstance(stated, bytes):
                same = value == stated.decode()
            else:
                same = np.array_equal(
                    np.broadcast_to(np.asarray(stated, float), np.shape(value)), np.asarray(value, float), equal_nan=True
                )
            if not same:
                return False
        kinds = {name for name in got if name.endswith("/type")}
        for place in [n.removesuffix("/type") for n in kinds] + ["node"]:
            if "nodes" in file[place] and any(f"{place}/nodes/{n}/type" not in kinds for n in file[place]["nodes"]):
                return False
    return True


READER = Reader("nir", prepare, damage, read, quick=10)
