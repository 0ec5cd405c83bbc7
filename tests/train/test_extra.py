"""Without torch or safetensors the package says so."""

from __future__ import annotations

import importlib
import sys

import pytest

from snn2hw.errors import MissingExtraError


@pytest.mark.torch
@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_a_missing_package_is_said(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("snn2hw.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"snn2hw.train needs the package '{package}'") as caught:
        importlib.import_module("snn2hw.train")
    assert caught.value.do == "pip install 'snn2hw[torch]'"
