"""Every verb that writes, ended or failed at each of its calls to the file system: what is then under its name, and what the
next run leaves. `python -m tests.files.kill_points` prints a table of all cases; with names, of these; --points N tries a spread.

It starts itself again with `shim.c` preloaded, which counts the calls. The process is forked for each of them, so that a call
costs what the verb costs and no more.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clean_environment import ROOT

SHIM = "SNN2HW_TEST_SHIM"
DONE, REFUSED, RAW = 0, 3, 4  # exit codes of a child
FAILURES = {"kill": 0, "disk full": errno.ENOSPC, "fault": errno.EIO, "read-only": errno.EROFS}
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a file system on which fsync costs nothing
OWN = {"notes.txt": b"mine", "data/run.csv": b"1,2", "manifest.md": b"# mine"}


@dataclass
class Case:
    """A verb in a situation.

    Args:
        prepare: makes what is there before, in an empty folder. act: the verb. state: what is under the name then.
        before: what that may be until it is done. own: somebody else's files. exchange: whether the system can exchange names.
    """

    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    state: Callable[[Path], str]
    before: Sequence[str] = ("old",)
    own: dict[str, bytes] = field(default_factory=dict)
    exchange: bool = True


@dataclass
class Found:
    """What came of the points of one case."""

    calls: int = 0
    points: int = 0
    losses: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)


def build_shim(folder: Path) -> Path:
    made = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"], check=True)
    return made


def run(names: Sequence[str], points: int | None, how: str = "kill") -> dict[str, Any]:
    """The cases in a process of its own with the shim preloaded; name -> what was found."""
    with tempfile.TemporaryDirectory() as made:
        shim = build_shim(Path(made))
        environment = {**os.environ, SHIM: str(shim), "LD_PRELOAD": str(shim), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        call = [sys.executable, "-m", "tests.files.kill_points", *names, "--how", how]
        call += [] if points is None else ["--points", str(points)]
        done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


# what is tried


def _networks() -> tuple[Any, Any]:
    from tests.hand_networks import lif, neuron, one_neuron

    return one_neuron(lif("fire", "fc")), one_neuron(neuron("lnm", "fc"))


def _compile(net: Any, folder: Path | None) -> Any:
    import snn2hw
    from tests.hand_networks import sample_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exports of the old one
        return snn2hw.compile(net, sample_of(net), target="generic", out=folder)


def cases(keep: Path, names: Sequence[str] = ()) -> dict[str, Case]:
    """All of them, or of these names; what they share is kept in a folder."""
    made = _written(keep)
    for group, make in (("nir", _nir), ("train", _training)):
        if not names or any(group in name for name in names):
            made |= make()
    return {name: case for name, case in made.items() if not names or name in names}


def _of_c(folder: Path) -> dict[str, bytes] | None:
    from snn2hw.files.record import RECORD, read_record, standing

    record = read_record(standing(folder, RECORD))
    return None if record is None else {n: standing(folder, n).read_bytes() for n in record.files}


def _written(keep: Path) -> dict[str, Case]:
    import snn2hw
    from snn2hw.errors import ArtefactError, Snn2hwError
    from snn2hw.exports import write_trace
    from snn2hw.native.replay import replay  # noqa: F401  (imported before the fork)
    from snn2hw.trace import Trace, read_npz

    old, new = _networks()
    loaded = {"old": _compile(old, keep / "old"), "new": _compile(new, keep / "new")}
    vectors = {name: read_npz(keep / name / "vectors.npz") for name in loaded}
    c_files = {name: _of_c(snn2hw.export_c(loaded[name], keep / f"c-{name}")) for name in loaded}
    known = {a.model: name for name, a in loaded.items()}

    def artefact_state(folder: Path) -> str:
        try:
            return known[snn2hw.load(folder / "net").model]
        except ArtefactError:
            return "nothing" if not (folder / "net" / "manifest.json").exists() else "lost"

    def with_own(folder: Path) -> None:
        _compile(old, folder / "net")
        for name, data in OWN.items():
            (folder / "net" / name).parent.mkdir(exist_ok=True)
            (folder / "net" / name).write_bytes(data)

    def compile_new(folder: Path) -> None:
        _compile(new, folder / "net")

    def c_state(folder: Path) -> str:
        if not (folder / "c").exists():
            return "nothing"
        found = _of_c(folder / "c")
        return next((name for name, files in c_files.items() if files == found), "nothing" if found is None else "lost")

    def trace_of(name: str, folder: Path) -> None:
        arrays = vectors[name]
        trace = Trace.from_arrays({k: v for k, v in arrays.items() if k not in ("payloads", "model_sha256")}, name)
        write_trace(loaded[name], arrays["payloads"], trace, folder / "trace.npz")

    def trace_state(folder: Path) -> str:
        path = folder / "trace.npz"
        if not path.exists():
            return "nothing"
        try:
            stated = str(read_npz(path)["model_sha256"])
        except Snn2hwError:
            return "lost"
        return next((n for n, v in vectors.items() if str(v["model_sha256"]) == stated), "lost")

    def nothing(folder: Path) -> None: ...

    plain = {
        "compile": Case(nothing, compile_new, artefact_state, ("nothing",)),
        "compile over an artefact": Case(lambda f: _compile(old, f / "net"), compile_new, artefact_state),
        "compile beside own files": Case(with_own, compile_new, artefact_state, own={f"net/{n}": d for n, d in OWN.items()}),
        "export c": Case(nothing, lambda f: snn2hw.export_c(loaded["new"], f / "c"), c_state, ("nothing",)),
        "export c over an export": Case(
            lambda f: snn2hw.export_c(loaded["old"], f / "c"), lambda f: snn2hw.export_c(loaded["new"], f / "c"), c_state
        ),
        "simulate": Case(nothing, lambda f: trace_of("new", f), trace_state, ("nothing",)),
        "simulate over a trace": Case(lambda f: trace_of("old", f), lambda f: trace_of("new", f), trace_state),
    }
    without = {
        f"{name}, without exchange": Case(c.prepare, c.act, c.state, c.before, c.own, exchange=False)
        for name, c in plain.items()
        if name != "compile" and not name.startswith("simulate") and name != "export c"
    }
    return {**plain, **without}


def _integers(net: Any) -> tuple[str, tuple[bytes, ...]]:
    """What tells two networks apart: their text, and every array that it names."""
    from snn2hw.ir.text import to_text

    text, arrays = to_text(net)
    return text, tuple(arrays[name].tobytes() for name in sorted(arrays))


def _nir() -> dict[str, Case]:
    if importlib.util.find_spec("nir") is None:
        return {}
    import snn2hw
    from snn2hw.errors import FileFormatError

    old, new = _networks()
    loaded = {"old": _compile(old, None), "new": _compile(new, None)}
    names = {_integers(loaded[name].network): name for name in loaded}

    def state(folder: Path) -> str:
        path = folder / "net.nir"
        if not path.exists():
            return "nothing"
        try:
            return names[_integers(snn2hw.read_network(path))]
        except (FileFormatError, KeyError):
            return "lost"

    def write(name: str) -> Callable[[Path], object]:
        return lambda folder: snn2hw.export_nir(loaded[name], folder / "net.nir")

    return {
        "export nir": Case(lambda f: None, write("new"), state, ("nothing",)),
        "export nir over an export": Case(write("old"), write("new"), state),
    }


def _training() -> dict[str, Case]:
    if importlib.util.find_spec("torch") is None:
        return {}
    from snn2hw import train
    from snn2hw.errors import CheckpointError
    from snn2hw.train import checkpoint
    from tests.train import small

    recipe = train.Recipe(epochs=2, batch=30)

    def fit(folder: Path, stop: int) -> None:
        def at(epoch: train.Epoch) -> None:
            if epoch.number == stop:
                raise KeyboardInterrupt

        with contextlib.suppress(KeyboardInterrupt):
            train.fit(small.model(), small.data(), small.data(30, 1), steps=2, recipe=recipe, out=folder / "out", progress=False,
                      on_epoch=at)  # fmt: skip

    def state(folder: Path) -> str:
        path = folder / "out" / checkpoint.FILE
        if not path.exists():
            return "nothing"
        try:
            return ("lost", "old", "new")[len(checkpoint.read(path)[1]["history"])]
        except CheckpointError:
            return "lost"

    return {
        "train, first checkpoint": Case(lambda f: None, lambda f: fit(f, 0), state, ("nothing", "old")),
        "train, next checkpoint": Case(lambda f: fit(f, 1), lambda f: fit(f, 0), state),
    }


# trying it


def trial(case: Case, points: int | None, how: str) -> Found:
    """One case at every call, or at a spread of them."""
    from snn2hw.files import disk

    shim = ctypes.CDLL(os.environ[SHIM])
    shim.counted.restype = ctypes.c_long
    if not case.exchange:
        disk._renameat2 = lambda: None  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory(prefix="kill-points-", dir=QUICK) as made:
            return _tried(case, points, FAILURES[how], Path(made), shim)
    finally:
        if not case.exchange:
            disk._renameat2 = REAL_RENAMEAT2


def _tried(case: Case, points: int | None, error: int, made: Path, shim: Any) -> Found:
    start, place = made / "start", made / "place"
    start.mkdir()
    case.prepare(start)
    shutil.copytree(start, place)
    shim.arm(bytes(place), ctypes.c_long(0), 0)
    case.act(place)
    found = Found(calls=shim.counted())
    shim.arm(b"", ctypes.c_long(0), 0)
    whole = _listing(place)
    assert case.state(place) == "new"
    every = range(1, found.calls + 1)
    chosen = (
        every
        if points is None or points >= found.calls
        else {every[k * (found.calls - 1) // (points - 1)] for k in range(points)}
    )
    for call in sorted(chosen):
        shutil.rmtree(place)
        shutil.copytree(start, place)
        code = _child(case, place, shim, call, error)
        found.points += 1
        state = case.state(place)
        if state not in (*case.before, "new") or (code == DONE and state != "new"):
            found.losses.append(f"call {call}: {state} under its name")
        if code == RAW or (code < 0) != (error == 0):
            found.raw.append(f"call {call}: ended with {code}")
        if any((place / name).read_bytes() != data for name, data in case.own.items()):
            found.losses.append(f"call {call}: files of others")
        case.act(place)
        if (state := case.state(place)) != "new":
            found.losses.append(f"call {call}: {state} after the next run")
        if left := sorted(_listing(place) ^ whole):
            found.leftovers.append(f"call {call}: {left}")
    return found


def _child(case: Case, place: Path, shim: Any, call: int, error: int) -> int:
    """Exit code of a fork that acts with the shim armed; -9 where it was killed."""
    child = os.fork()
    if child == 0:
        from snn2hw.errors import Snn2hwError

        code = RAW
        try:
            shim.arm(bytes(place), ctypes.c_long(call), error)
            case.act(place)
            code = DONE
        except Snn2hwError:
            code = REFUSED
        except BaseException:  # noqa: BLE001  (whatever it is, it is counted)
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _listing(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--points", type=int)
    parser.add_argument("--how", choices=FAILURES, default="kill")
    given = parser.parse_args()
    if SHIM not in os.environ:
        found = run(given.names, given.points, given.how)
        print(f"{'case':45} calls points losses leftovers raw")
        for name, f in found.items():
            print(f"{name:45} {f['calls']:5} {f['points']:6} {len(f['losses']):6} {len(f['leftovers']):9} {len(f['raw']):3}")
            for line in (*f["losses"], *f["leftovers"], *f["raw"]):
                print("   ", line)
        total = [sum(f["points"] for f in found.values())] + [
            sum(len(f[k]) for f in found.values()) for k in ("losses", "leftovers")
        ]
        print(f"{total[0]} points, {total[1]} losses, {total[2]} leftovers")
        return
    with tempfile.TemporaryDirectory(dir=QUICK) as keep:
        known = cases(Path(keep), given.names)
        print(json.dumps({name: vars(trial(case, given.points, given.how)) for name, case in known.items()}))


if __name__ == "__main__":
    from snn2hw.files import disk

    REAL_RENAMEAT2 = disk._renameat2
    main()
