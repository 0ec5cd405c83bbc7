"""What tests that compile C share."""

from __future__ import annotations

import pytest

from snn2hw.native.compiler import compiler

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler here: cc, gcc, clang or ziglang")
