"""What fewer bits save and lose, and a run that goes on where it was ended."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ShapeError, Snn2hwWarning, UsageError
from snn2hw.exploration import explore as module
from snn2hw.exploration import plan, results_file
from snn2hw.exploration.point import check_cost
from snn2hw.passes.base import Options
from tests.hand_networks import every_kind, every_kind_sample
from tests.refused import refused

SAMPLES = 40
WIDTHS: dict[str, Any] = {"weight_bits": (2, 8), "state_bits": (8, 16), "executor": "reference"}


@pytest.fixture(scope="module")
def x() -> Any:
    return every_kind_sample(SAMPLES)


@pytest.fixture(scope="module")
def labels(x: Any) -> Any:
    artefact = snn2hw.compile(every_kind(), x, options=Options(24, 8))
    return snn2hw.simulate(artefact, x).predictions


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FEWEST", 2)
    monkeypatch.setattr(plan, "DOUBT", -math.inf)  # so few samples tell nothing apart


@pytest.fixture(scope="module")
def front(x: Any, labels: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[snn2hw.Front, bytes]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plan, "FEWEST", 2)
        patched.setattr(plan, "DOUBT", -math.inf)
        path = tmp_path_factory.mktemp("whole") / "results.jsonl"
        return snn2hw.explore(every_kind(), x, labels, out=path, **WIDTHS), path.read_bytes()


def test_a_point_is_what_its_own_compilation_says(front: Any, x: Any, labels: Any) -> None:
    for point in front[0].pareto[:1]:
        s = point.setting
        artefact = snn2hw.compile(every_kind(), x, options=Options(s.state_bits, s.weight_bits, s.scales))
        assert point.accuracy == (snn2hw.simulate(artefact, x).predictions == labels).mean()
        operations = snn2hw.estimate(artefact, samples=x).operations
        assert (point.weight_memory, point.state_memory) == (operations["PackedBits"], operations["StateBits"])
        assert (point.samples, point.whole, point.energy_joules) == (SAMPLES, True, None)


def test_most_of_the_time_goes_to_good_points(front: Any) -> None:
    found, content = front
    ran = {str(p.setting): p.samples for p in found.points}
    assert len(ran) == 4
    assert min(ran.values()) < max(ran.values()) == SAMPLES
    assert len(found.pareto) >= 1
    lines = [json.loads(line) for line in content.splitlines()]
    assert lines[0]["kind"] == "snn2hw exploration"
    assert sum(len(range(r["some"]["start"], r["some"]["stop"], r["some"]["step"])) for r in lines[1:]) == sum(ran.values())


class Killed(BaseException):
    pass


def killed_after(results: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter(range(results))
    add = module.ResultsFile.add

    def counted(self: Any, ran: Any) -> None:
        if next(left, None) is None:
            raise Killed
        add(self, ran)

    monkeypatch.setattr(module.ResultsFile, "add", counted)


@pytest.mark.parametrize("results", [pytest.param(0, marks=pytest.mark.slow), 5, pytest.param(9, marks=pytest.mark.slow)])
def test_a_run_that_was_ended_goes_on_and_finds_the_same(
    front: Any, x: Any, labels: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: int
) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    with monkeypatch.context() as patched:
        killed_after(results, patched)
        with pytest.raises(Killed):
            snn2hw.explore(every_kind(), x, labels, out=path, **WIDTHS)
    assert path.read_bytes() == b"".join(front[1].splitlines(keepends=True)[: results + 1])
    path.write_bytes(path.read_bytes() + b'{"setting":{"weight_bi')  # killed while it wrote
    told: list[Any] = []
    again = snn2hw.explore(every_kind(), x, labels, out=path, progress=lambda *call: told.append(call), **WIDTHS)
    assert again.to_document() == front[0].to_document()
    assert path.read_bytes() == front[1]
    assert told[-1][1] == told[-1][2] == sum(p.samples for p in again.points)


@pytest.fixture
def whole(front: Any, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "results.jsonl"
    path.write_bytes(front[1])
    yield path
    assert path.read_bytes()  # nothing was cut off


def test_a_file_that_has_it_all_starts_nothing(
    front: Any, whole: Path, x: Any, labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "crew", None)
    assert snn2hw.explore(every_kind(), x, labels, out=whole, **WIDTHS).to_document() == front[0].to_document()
    assert whole.read_bytes() == front[1]


@pytest.fixture
def stored(x: Any, tmp_path: Path) -> Any:
    (tmp_path / "x").mkdir()
    for number, part in enumerate(np.array_split(x, 3)):
        np.save(tmp_path / "x" / f"{number}.npy", part)
    return snn2hw.open_samples(tmp_path / "x")


def test_a_file_that_was_begun_with_an_array_goes_on_with_a_folder(
    front: Any, whole: Path, stored: Any, labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "crew", None)
    assert snn2hw.explore(every_kind(), stored, labels, out=whole, **WIDTHS).to_document() == front[0].to_document()


@pytest.mark.slow
def test_samples_in_a_folder_are_the_same_samples(front: Any, stored: Any, x: Any, labels: Any, tmp_path: Path) -> None:
    """Of each choice every part reads its own."""
    found = snn2hw.explore(every_kind(), stored, labels, out=tmp_path / "r.jsonl", **WIDTHS)
    assert found.to_document() == front[0].to_document()
    assert (tmp_path / "r.jsonl").read_bytes() == front[1]
    given: dict[str, Any] = {"weight_bits": (8,), "memory": 1.0, "executor": "reference"}
    one, other = (snn2hw.budget(every_kind(), each, labels, **given) for each in (x, stored))
    assert one == other


def test_results_of_something_else_are_refused(front: Any, whole: Path, x: Any, labels: Any) -> None:
    moved = x.copy()
    moved.flat[0] = 0.0 if moved.flat[0] else 1.0
    for other, given in (("the samples", (moved, labels)), ("the labels", (x, (labels + 1) % 3))):
        with refused(
            UsageError,
            f"""
            the results file is of something else
              where:    {whole}
              got:      other: {other}
              expected: results of this network on these samples
              do:       choose another name for these results, or give what the file was begun with
            """,
        ):
            snn2hw.explore(every_kind(), *given, sample=x, out=whole, **WIDTHS)
    assert whole.read_bytes() == front[1]


def test_a_file_is_opened_before_a_budget_is_made(tmp_path: Path, x: Any, labels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.jsonl").write_bytes(b"notes\n")
    monkeypatch.setattr(module, "proposals", None)
    with pytest.raises(UsageError, match="this is no results file of snn2hw explore"):
        snn2hw.explore(every_kind(), x, labels, out=tmp_path / "mine.jsonl", layer_bits="auto", **WIDTHS)


def test_a_file_of_others_is_left_alone(tmp_path: Path, x: Any, labels: Any) -> None:
    for content in (b"notes\n", b"no line", b'{"kind":1}\n', b"[]\n"):
        (tmp_path / "mine.jsonl").write_bytes(content)
        with pytest.raises(UsageError, match="this is no results file of snn2hw explore"):
            snn2hw.explore(every_kind(), x, labels, out=tmp_path / "mine.jsonl", **WIDTHS)
        assert (tmp_path / "mine.jsonl").read_bytes() == content


def test_a_name_that_no_results_file_has_is_said_before_anything_is_read(
    tmp_path: Path, x: Any, labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "explored", None)
    for name in ("results.csv", "results.json", "results"):
        with refused(
            UsageError,
            f"""
            this is no name for results
              got:      {tmp_path / name}
              expected: *.jsonl
              do:       name it so, such as net.jsonl
            """,
        ):
            snn2hw.explore(every_kind(), x, labels, out=tmp_path / name, **WIDTHS)
    (tmp_path / "folder.jsonl").mkdir()
    with refused(
        UsageError,
        f"""
        the results file cannot be written
          where:    {tmp_path / "folder.jsonl"}
          got:      it is no file
          expected: a new file, or one of an earlier run
          do:       choose another name
        """,
    ):
        snn2hw.explore(every_kind(), x, labels, out=tmp_path / "folder.jsonl", **WIDTHS)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.jsonl"]


def test_a_damaged_line_is_named(whole: Path, x: Any, labels: Any) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join([*lines[:2], b'{"setting":{}}\n', *lines[3:]]))
    with pytest.raises(UsageError, match="a line of the results file is damaged") as caught:
        snn2hw.explore(every_kind(), x, labels, out=whole, **WIDTHS)
    assert caught.value.where == f"{whole}, line 3"


def test_what_does_not_fit_is_said_before_anything_runs(x: Any, labels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "crew", None)
    with pytest.raises(ShapeError, match="labels and samples do not fit together"):
        snn2hw.explore(every_kind(), x, labels[:-1], **WIDTHS)
    with pytest.raises(UsageError, match="weight_bits is out of range"):
        snn2hw.explore(every_kind(), x, labels, weight_bits=(1,))
    with pytest.raises(UsageError, match="unknown kind of cost"):
        snn2hw.explore(every_kind(), x, labels, cost="money")


def test_a_choice_that_cannot_be_compiled_is_a_point_that_says_why(x: Any, labels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = snn2hw.api.compile

    def refusing(*given: Any, options: Options, **more: Any) -> Any:
        if options.weight_bits == 2:
            raise UsageError("no such width", got="2 bits")
        return compiled(*given, options=options, **more)

    monkeypatch.setattr("snn2hw.exploration.trial.api.compile", refusing)
    found = snn2hw.explore(every_kind(), x, labels, weight_bits=(2, 4), state_bits=(16,), executor="reference")
    assert [(p.refused, p.samples, p.accuracy is None) for p in found.points] == [
        ("no such width: 2 bits", 0, True),
        ("", SAMPLES, False),
    ]
    assert found.to_csv().splitlines()[1].startswith("2,16,auto,generic,0,False,,")


def test_real_labels_are_measured_by_their_error(x: Any) -> None:
    artefact = snn2hw.compile(every_kind(), x)
    readout = snn2hw.simulate(artefact, x).readout * artefact.scale
    found = snn2hw.explore(every_kind(), x, readout, weight_bits=(4, 8), state_bits=(16,), executor="reference", halving=False)
    assert found.points[1].mean_squared_error == 0
    assert (found.points[0].mean_squared_error or 0) > 0
    assert found.points[0].accuracy is None


HOLDING = """
import fcntl, sys, time
kept = open(sys.argv[1], "wb")
fcntl.flock(kept, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_two_runs_on_one_file(tmp_path: Path, x: Any, labels: Any) -> None:
    """The second is refused by the number of the first; when that is killed, the file is free."""
    path = tmp_path / "r.jsonl"
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "held\n"
            with refused(
                UsageError,
                f"""
                another run is writing this results file
                  where:    {path}
                  got:      it is held by process {first.pid}
                  expected: a file that one run writes at a time
                  do:       wait for that run, or end it: the next one goes on from what it has; or choose another name
                """,
            ):
                snn2hw.explore(every_kind(), x, labels, **WIDTHS, out=path)
        finally:
            first.kill()
    head = {"kind": "snn2hw exploration"}
    again = results_file.ResultsFile(path, head)
    with pytest.raises(UsageError, match="another run is writing"):  # within a process, too
        results_file.ResultsFile(path, head)
    again.close()
    results_file.ResultsFile(path, head).close()


def test_a_file_system_without_locks_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_file, "hold", lambda descriptor: None)
    with pytest.warns(Snn2hwWarning, match="two runs on this results file would not notice each other"):
        results_file.ResultsFile(tmp_path / "r.jsonl", {}).close()


def test_widths_layer_by_layer_are_further_choices(x: Any, labels: Any, tmp_path: Path) -> None:
    """Each is what its own compilation says, and is found again in the results file."""
    own = {"conv1": 3, "fc": 2}
    given = {**WIDTHS, "state_bits": (16,), "layer_bits": [own], "out": tmp_path / "r.jsonl", "halving": False}
    front = snn2hw.explore(every_kind(), x, labels, sample=x, **given)
    assert [p.setting.layer_bits for p in front.points] == [(), (), (("conv1", 3), ("fc", 2))]
    point = front.points[-1]
    artefact = snn2hw.compile(every_kind(), x, options=Options(16, 8, layer_bits=own))
    assert point.accuracy == snn2hw.evaluate(artefact, x, labels, executor="reference").accuracy
    assert point.weight_memory is not None
    assert point.weight_memory < (front.points[1].weight_memory or 0)
    kept = (tmp_path / "r.jsonl").read_bytes()
    assert snn2hw.explore(every_kind(), x, labels, sample=x, **given) == front
    assert (tmp_path / "r.jsonl").read_bytes() == kept
    assert "conv1=3 fc=2" in front.to_csv()
    assert str(point.setting) == "w8 s16 auto generic conv1=3 fc=2"
    assert snn2hw.explore(every_kind(), x, labels, sample=x, **{**given, "layer_bits": own}) == front


def test_widths_of_states_layer_by_layer_are_further_choices(x: Any, labels: Any, tmp_path: Path) -> None:
    names = [n.name for n in every_kind().neurons]
    own = {names[0]: 9, names[-1]: 12}
    given = {**WIDTHS, "weight_bits": (8,), "state_bits": (16,), "layer_state_bits": own, "out": tmp_path / "r.jsonl"}
    front = snn2hw.explore(every_kind(), x, labels, sample=x, halving=False, **given)
    assert [p.setting.layer_state_bits for p in front.points] == [(), tuple(sorted(own.items()))]
    artefact = snn2hw.compile(every_kind(), x, options=Options(16, 8, layer_state_bits=own))
    point = front.points[-1]
    assert point.accuracy == snn2hw.evaluate(artefact, x, labels, executor="reference").accuracy
    assert (point.state_memory or 0) < (front.points[0].state_memory or 0)
    kept = (tmp_path / "r.jsonl").read_bytes()
    assert snn2hw.explore(every_kind(), x, labels, sample=x, halving=False, **given) == front
    assert (tmp_path / "r.jsonl").read_bytes() == kept
    assert front.to_document()["points"][1]["layer_state_bits"] == " ".join(f"{n}={b}" for n, b in sorted(own.items()))
    with pytest.raises(UsageError, match="unknown widths of layers") as caught:
        snn2hw.explore(every_kind(), x, labels, layer_state_bits="best", **WIDTHS)
    assert caught.value.where == "layer_state_bits"


@pytest.mark.slow
def test_an_error_budget_proposes_widths_of_states(x: Any, labels: Any) -> None:
    given = {**WIDTHS, "weight_bits": (4, 8), "state_bits": (8, 16), "halving": False, "sample": x}
    neurons, synapses = {n.name for n in every_kind().neurons}, {"conv1", "conv2", "fc", "head"}
    alone = snn2hw.explore(every_kind(), x, labels, layer_state_bits="auto", **given)
    own = [p.setting for p in alone.points if p.setting.layer_state_bits]
    assert own
    assert all(({*dict(s.layer_state_bits)}, s.layer_bits) == (neurons, ()) for s in own)
    both = snn2hw.explore(every_kind(), x, labels, layer_bits="auto", layer_state_bits="auto", **given)
    own = [p.setting for p in both.points if p.setting.layer_state_bits]
    assert own
    assert all(({*dict(s.layer_state_bits)}, {*dict(s.layer_bits)}) == (neurons, synapses) for s in own)
    assert any(p.setting.layer_bits and not p.setting.layer_state_bits for p in both.points)


@pytest.mark.slow
def test_an_error_budget_proposes_widths_of_layers(x: Any, labels: Any) -> None:
    given = {**WIDTHS, "weight_bits": (2, 4, 8), "state_bits": (16,), "layer_bits": "auto", "halving": False}
    front = snn2hw.explore(every_kind(), x, labels, sample=x, **given)
    own = [dict(p.setting.layer_bits) for p in front.points if p.setting.layer_bits]
    assert own
    assert all(set(each) == {"conv1", "conv2", "fc", "head"} for each in own)
    found = snn2hw.budget(every_kind(), x, labels, sample=x, weight_bits=(2, 4, 8), memory=0.6, executor="reference")
    assert found.proposal.layer_bits in own


def test_look_up_tables_are_a_cost_of_an_fpga(x: Any, labels: Any) -> None:
    given = {**WIDTHS, "weight_bits": (8,), "state_bits": (16,)}
    front = snn2hw.explore(every_kind(), x, labels, sample=x, target=("ecp5-85k", "generic"), cost="luts", **given)
    of_fpga, of_none = sorted(front.points, key=lambda p: p.setting.target)
    artefact = snn2hw.compile(every_kind(), x, target="ecp5-85k", options=Options(16, 8))
    used = snn2hw.estimate(artefact, "ecp5-85k", x).memory["look-up tables"].used
    assert of_fpga.luts == used
    assert (used or 0) > 0
    assert of_none.luts is None
    assert front.pareto == (of_fpga,)


@pytest.mark.parametrize(("cost", "having"), [("luts", "a target that is an FPGA"), ("energy", "a target with public prices")])
def test_a_cost_that_no_target_has_is_said(x: Any, labels: Any, cost: str, having: str) -> None:
    with pytest.raises(UsageError, match="no target has this cost") as caught:
        snn2hw.explore(every_kind(), x, labels, cost=cost, **WIDTHS)
    assert (caught.value.where, caught.value.got) == ("cost", f"{cost}, of generic")
    assert caught.value.expected is not None
    assert caught.value.expected.startswith(having)
    for name in re.findall(r"target='(\S+)'", caught.value.do or ""):
        check_cost(cost, ["generic", name])
        break
    else:
        raise AssertionError(caught.value.do)
