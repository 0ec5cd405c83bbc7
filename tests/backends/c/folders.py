"""C folders of networks, for tests that build and run them."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from snn2hw.backends.c.folder import c_folder
from snn2hw.backends.reference import interpret
from snn2hw.errors import ArtefactError, UnsupportedError, WidthError
from snn2hw.files.record import sha256
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.replay import replay
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.random_networks import compiled, payloads_of, random_case

ALL = 1000  # samples that are replayed, more than any test has
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all"
MAIN = "#include <stdio.h>\nint main(void) { return 0; }\n"


@lru_cache(maxsize=64)
def random_network(seed: int) -> tuple[IntegerNetwork, Ints] | None:
    """A network and payloads that reach its corners; None where it does not compile."""
    case = random_case(seed)
    try:
        net = compiled(case).network
    except (WidthError, UnsupportedError):
        return None
    return net, payloads_of(case, net)


def texts(net: IntegerNetwork, payloads: Ints, most: int = ALL, streaming: bool = False) -> dict[str, str]:
    return c_folder(net, sha256(make_artefact(net).model), payloads, interpret(net, payloads).readout, most, streaming)


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@cache
def sanitizers_run(folder: Path) -> bool:
    """Whether the compiler of this machine can build and run a program with the sanitizers."""
    inside = written(folder, {"snn.c": "int nothing;\n", "main.c": MAIN})
    try:
        return replay(inside).equal
    except (ArtefactError, UnsupportedError):
        return False
