"""All packages that a model misses are named at once, with the extra that brings them, and none that it does not need."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from snn2hw.errors import MissingExtraError
from snn2hw.needs import OF_SCANS, check_needs
from snn2hw.user_models import find_model, models_folder
from tests.refused import refused

SCANS = models_folder() / "digits_lnm" / "model.py"
TORCH, SAFETENSORS, SKLEARN = "torch", "safetensors", "sklearn"


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    """As if these modules were not installed."""
    found = importlib.util.find_spec

    def spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in missing else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", spec)


def needed(source: Path | None, *, data: bool) -> str:
    """The extra that is asked for; none where nothing is missing."""
    try:
        check_needs(source, data=data)
    except MissingExtraError as error:
        return error.extra
    return ""


@pytest.mark.parametrize(
    ("missing", "data", "extra"),
    [
        ((TORCH, SAFETENSORS, SKLEARN), True, "demo"),
        ((TORCH, SAFETENSORS, SKLEARN), False, "torch"),  # the samples come from a file
        ((SAFETENSORS,), True, "torch"),
        ((SKLEARN,), True, "demo"),
        ((SKLEARN,), False, ""),
        ((), True, ""),
    ],
)
def test_the_extra_brings_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], data: bool, extra: str
) -> None:
    without(monkeypatch, *missing)
    assert needed(SCANS, data=data) == extra


def test_only_a_model_of_the_scans_needs_what_brings_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, SKLEARN)
    written = {"import snn2hw.data.digits": "demo", "from snn2hw.data import tasks as t": "demo",
               "from snn2hw.data.digits import load": "demo", "from snn2hw.data import events": "", "import digits": "",
               "from . import x": "", "this is no Python": ""}  # fmt: skip
    for text, extra in written.items():
        (tmp_path / "model.py").write_text(text)
        assert needed(tmp_path / "model.py", data=True) == extra, text
    assert needed(tmp_path / "none.py", data=True) == needed(None, data=True) == ""


def test_the_modules_of_the_scans_are_there() -> None:
    """They are named, not imported: a module of another name would never be missed."""
    assert all(importlib.util.find_spec(name) is not None for name in OF_SCANS)


@pytest.mark.torch
def test_a_model_misses_the_package_of_its_data_where_it_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, SKLEARN)
    text = """
        loading a model with its data needs the package 'scikit-learn', which is not installed
          got:      no module named 'scikit-learn'
          expected: snn2hw installed with its 'demo' extra
          do:       pip install 'snn2hw[demo]'
        """
    with refused(MissingExtraError, text):
        find_model("digits_lnm")
    with refused(MissingExtraError, text):
        find_model("digits_lnm", sampled=False, measured=True)
    assert find_model("digits_lnm", sampled=False).sample is None
