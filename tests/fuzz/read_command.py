"""The command line: paths that are no files of ours, numbers out of every range, names of any form, options twice or nowhere."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import snn2hw
from snn2hw.cli.end import guarded
from snn2hw.errors import UsageError
from tests.cli.running import COMMAND
from tests.fuzz.harness import Attempt, Reader, anything
from tests.fuzz.mutators import damaged_bytes
from tests.hand_networks import lif, one_neuron, sample_of

NUMBERS = ("0", "-1", "1", "3", "100000000", "1e3", "nan", "inf", "0x10", "", " 2", "99999999999999999999999", "²", "1.5", "None")
WORDS = (
    "", "nonsense", "-", "--", "[/x]", "[bold]", "\x1b[31m", "²", "a b", "'", '"', "\n", "../..", "*", "%s", "{}", "~", "auto",
    "reference", "onnx-reference", "reference,reference", ",", "x" * 300, "generic", "loihi1", "\udcff", "quantise", "legalise",
)  # fmt: skip
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("inspect", "NET"), ("inspect", "NET", "--layer", "fire", "--why"), ("inspect", "NET", "--json"),
    ("simulate", "NET"), ("simulate", "NET", "--input", "X", "-e", "reference", "--out", "OUT/t.npz"),
    ("verify", "NET", "--executors", "reference", "--json"), ("verify", "NET", "-i", "X", "--executors", "reference", "--first"),
    ("check", "NET"), ("check", "NET", "--json"), ("diff", "NET", "T"), ("diff", "NET", "T", "T"), ("targets",),
    ("targets", "loihi2"), ("targets", "TOML"), ("export", "NET", "--to", "c", "--out", "OUT/c", "--vectors", "2"),
    ("export", "NET", "--to", "nir", "--out", "OUT/x.nir", "--dt", "0.001"),
    ("compile", "fuzznets:build", "--sample", "X", "--steps", "2", "--out", "OUT/n", "--target", "generic"),
    ("compile", "fuzznets:build", "--sample", "X", "--steps", "2", "--stop-after", "quantise", "--state-bits", "16"),
    ("compile", "fuzznets:build", "--sample", "X", "--weight-bits", "4", "--steps", "100000000", "--scales", "channel"),
    ("compile", "missing.net", "--steps", "2"), ("compile", "missing.nir", "--sample", "X", "--convention", "norse"),
)  # fmt: skip
NETS = """
import torch
from snn2hw import nn

def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(2, 2), nn.LIF(), nn.Linear(2, 2)).eval()
"""


def prepare(folder: Path) -> dict[str, Any]:
    """One compiled network, a sample, a trace, a target."""
    import sys

    net = one_neuron(lif("fire", "fc"))
    made = snn2hw.compile(net, sample_of(net), target="generic", out=folder / "net")
    (folder / "fuzznets.py").write_text(NETS)
    np.save(folder / "x.npy", sample_of(net))
    np.save(folder / "static.npy", np.full((3, 2), 0.5))
    (folder / "t.npz").write_bytes((folder / "net" / "vectors.npz").read_bytes())
    target = Path(snn2hw.__file__).parent.parent / "targets" / "generic.toml"
    (folder / "chip.toml").write_bytes(target.read_bytes())
    sys.path.insert(0, str(folder))
    os.environ["SNN2HW_TRACEBACK"] = "1"
    places = {"NET": "net", "X": "static.npy" if made.network.input.static else "x.npy", "T": "t.npz", "TOML": "chip.toml"}
    return {name: str(folder / path) for name, path in places.items()}


def strange(rng: random.Random, folder: Path, good: dict[str, Any]) -> str:
    """A path that is something else than what is asked for."""
    path = folder / "strange.npy"
    kind = rng.randrange(8)
    if kind == 0:
        path.symlink_to(path)
    elif kind == 1:
        os.mkfifo(path)
    elif kind == 2:
        path.mkdir()
    elif kind == 3:
        path.write_bytes(damaged_bytes(rng, Path(good[rng.choice(("X", "T", "TOML"))]).read_bytes())[1])
    elif kind == 4:
        path.symlink_to(rng.choice(("/dev/zero", "/dev/full", "/proc/self/mem", "/nowhere")))
    elif kind == 5:
        return str(folder / ("y" * 300))
    elif kind == 6:
        return good[rng.choice(("NET", "X", "T", "TOML"))]
    return str(path)


def damage(rng: random.Random, folder: Path, good: dict[str, Any]) -> Attempt:
    """A command with some of its words changed."""
    words = [good.get(w, w).replace("OUT", str(folder.parent / "out")) for w in rng.choice(COMMANDS)]
    changes: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(NUMBERS), lambda: rng.choice(WORDS), lambda: strange(rng, folder, good),
    )  # fmt: skip
    for _ in range(rng.choice((1, 1, 2))):
        at, how = rng.randrange(1, len(words) + 1), rng.randrange(6)
        if how == 0:
            del words[at : at + 1]
        elif how == 1:
            words.insert(at, rng.choice((*words, "--json", "--out", "--steps", "--sample", "--nothing", "--first")))
        elif at < len(words) and "/out" not in words[at]:
            words[at] = _removed(folder, rng.choice(changes))
    (folder / "words.txt").write_bytes("\n\n".join(words).encode("utf-8", "surrogateescape"))
    return Attempt(repr(words)[:400], anything)


def _removed(folder: Path, change: Callable[[], str]) -> str:
    """Only one strange path a case."""
    path = folder / "strange.npy"
    return str(path) if os.path.lexists(path) else change()


def read(folder: Path, good: Any) -> int:
    """Run it as the console script does; everything but the exit codes that are promised is an error of ours."""
    words = (folder / "words.txt").read_bytes().decode("utf-8", "surrogateescape").split("\n\n")
    os.chdir(folder.parent / "out")
    code = guarded(lambda: COMMAND(words, standalone_mode=True))
    if code not in (0, 1, 2, 3):
        raise AssertionError(f"exit code {code}")
    if code == 2:
        raise UsageError("refused by the command line")
    return code


READER = Reader("command", prepare, damage, read, quick=10)
