"""The crossover is measured once, kept, and measured again where what was kept is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from snn2hw.backends.fast import crossover as module
from snn2hw.backends.fast.crossover import ALWAYS, NEVER, crossover
from snn2hw.backends.fast.executor import Fast

pytestmark = pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    module._crossover.cache_clear()
    return tmp_path / "native"


@pytest.mark.parametrize("damaged", ["", "x", "0", "1000"])
def test_measured_kept_and_measured_again(fresh: Path, damaged: str) -> None:
    assert NEVER < crossover() < ALWAYS
    (kept,) = fresh.glob("*.percent")
    kept.write_text("77", encoding="utf-8")
    module._crossover.cache_clear()
    assert crossover() == 77, "what was measured is not read again"
    kept.write_text(damaged, encoding="utf-8")
    module._crossover.cache_clear()
    assert str(crossover()) == kept.read_text(encoding="utf-8")
    assert NEVER < crossover() < ALWAYS
    assert sorted(p.suffix for p in fresh.iterdir()) == [".c", ".percent", ".sha256", ".so"]


def test_other_flags_are_measured_by_themselves(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crossover()
    monkeypatch.setenv("SNN2HW_CFLAGS", "-O1 -DSNN_PORTABLE")
    crossover()
    assert len(list(fresh.glob("*.percent"))) == 2


def test_a_cache_that_cannot_be_written(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    crossover()
    next(fresh.glob("*.percent")).unlink()
    module._crossover.cache_clear()
    monkeypatch.setattr(Path, "write_text", denied)
    assert NEVER < crossover() < ALWAYS
