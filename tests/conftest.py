"""Shared by all tests: hypothesis profiles, and what a machine without an optional package deselects."""

from __future__ import annotations

import importlib.util
import os

import hypothesis
import pytest

from tests.golden import add_option, golden

__all__ = ["golden"]

# Deterministic by default, so that a failure in CI is the failure on a desk; SNN2HW_FUZZ_SEED explores.
hypothesis.settings.register_profile(
    "default",
    deadline=None,
    derandomize="SNN2HW_FUZZ_SEED" not in os.environ,
    suppress_health_check=list(hypothesis.HealthCheck),
    print_blob=True,
)
hypothesis.settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    add_option(parser)


@pytest.fixture(scope="session")
def lava_runs() -> None:
    """For tests on Lava; asked only where one of them runs, as other Pythons are started to find out."""
    from snn2hw.backends import SIDE_EXECUTORS

    if reason := SIDE_EXECUTORS["lava"].unavailable():
        pytest.skip(f"Lava cannot run here: {reason}")


# What imports torch at the top cannot even be collected without it; all of it is marked torch.
TORCH_ROOMS = ("nn", "data", "models", "train", "quantize")
collect_ignore_glob = [] if importlib.util.find_spec("torch") is not None else [f"{room}/test_*.py" for room in TORCH_ROOMS]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the torch side are deselected, by name, where torch is not installed (the core suite)."""
    if importlib.util.find_spec("torch") is not None:
        return
    without = [i for i in items if "torch" in i.keywords]
    config.hook.pytest_deselected(items=without)
    items[:] = [i for i in items if "torch" not in i.keywords]
