"""snnTorch, SpikingJelly and Norse for the tests that compare with them."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any

import pytest

SINCE = {"spikingjelly": (3, 11)}  # Python that a framework asks for


def framework(name: str) -> Any:
    """The module of that name, as "norse.torch". Where it is not installed the test is skipped with a reason; in CI it fails.

    What a framework warns of while it is imported (Norse: that torch.jit is deprecated) is no error of ours.
    """
    package = name.split(".", maxsplit=1)[0]
    if sys.version_info < SINCE.get(package, (3, 10)):
        pytest.skip(f"{package} needs Python {'.'.join(map(str, SINCE[package]))}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        reason = f"{name} cannot be imported ({error}); install it: pip install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
