"""Weights from files: what is read, what is refused, and the names that wrappers change."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from snn2hw import nn
from snn2hw.errors import UsageError
from snn2hw.weights import load_weights

pytestmark = pytest.mark.torch


def model() -> torch.nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 3), nn.LIF(0.5), nn.Linear(3, 2))


def other() -> torch.nn.Module:
    made = model()
    with torch.no_grad():
        for p in made.parameters():
            p.zero_()
    return made


def is_equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def written(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt"])
@pytest.mark.parametrize("held_in", [None, "state_dict", "model_state_dict", "model"])
def test_a_state_dict_of_torch_is_read(tmp_path: Path, ending: str, held_in: str | None) -> None:
    state = model().state_dict()
    content = state if held_in is None else {"epoch": 3, held_in: state, "loss": 0.5}
    into = other()
    load_weights(into, written(tmp_path / f"w{ending}", content))
    assert is_equal(into, model())


@pytest.mark.parametrize("wrap", [torch.nn.DataParallel, torch.compile, lambda m: torch.compile(torch.nn.DataParallel(m))])
def test_names_lose_what_a_wrapper_put_in_front(tmp_path: Path, wrap: Any) -> None:
    names = list(wrap(model()).state_dict())
    assert all(n.startswith(("module.", "_orig_mod.")) for n in names)
    path = written(tmp_path / "w.pt", wrap(model()).state_dict())
    for into in (other(), torch.nn.DataParallel(other())):
        load_weights(into, path)
        assert is_equal(into, model())


def test_a_name_of_the_models_own_stays(tmp_path: Path) -> None:
    """A model whose one child is called `module` has that prefix itself; it is put back."""
    own, into = torch.nn.Module(), torch.nn.Module()
    own.module, into.module = model(), other()
    load_weights(into, written(tmp_path / "w.pt", own.state_dict()))
    assert is_equal(into, own)


def refused(path: Path) -> str:
    into = other()
    with pytest.raises(UsageError) as caught:
        load_weights(into, path)
    assert is_equal(into, other())
    return str(caught.value).replace(str(path), "FILE")


def test_a_whole_pickled_model_is_not_run(tmp_path: Path) -> None:
    assert refused(written(tmp_path / "w.pt", model())) == (
        "the weights cannot be read\n  where:    FILE\n"
        "  got:      a whole model or other objects, which only running their code would load\n"
        "  expected: torch.save(model.state_dict(), file)\n"
        "  do:       load it where it was written, and save its state_dict(), or save_file(model.state_dict(), 'x.safetensors')"
    )


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_no_code_in_a_file_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": Evil()}))
    assert refused(tmp_path / "w.pt").startswith("the weights cannot be read\n  where:    FILE\n")
    written(tmp_path / "z.pt", {"a": Evil()})
    assert refused(tmp_path / "z.pt").startswith("the weights cannot be read\n  where:    FILE\n")
    assert capsys.readouterr().out == ""


def test_a_file_without_weights_is_named(tmp_path: Path) -> None:
    assert refused(written(tmp_path / "w.pt", {"epoch": 1, "loss": 0.1})) == (
        "this file holds no weights\n  where:    FILE\n  got:      epoch, loss\n"
        "  expected: a state_dict, or one in 'state_dict', 'model_state_dict', 'model'\n"
        "  do:       torch.save(model.state_dict(), file)"
    )


def test_what_does_not_fit_is_listed_by_name(tmp_path: Path) -> None:
    state = dict(model().state_dict())
    state["0.weight"] = torch.zeros(3, 5)
    del state["2.bias"]
    state.update({f"more{i}": torch.zeros(1) for i in range(6)})
    assert refused(written(tmp_path / "w.pt", state)) == (
        "the weights do not fit the model\n  where:    FILE\n"
        "  got:      missing: 2.bias; not of this model: more0, more1, more2, more3 and 2 more; "
        "of another shape: 0.weight [3, 5] for [3, 4]\n"
        "  expected: the 5 tensors of this model\n"
        "  do:       give the file that belongs to it, or build the model as it was trained"
    )
