"""docs/reference/layers.md: its example runs as it stands, and its table says what the back ends' own tables say."""

from __future__ import annotations

import re

import pytest

from tests.clean_environment import ROOT

PAGE = (ROOT / "docs" / "reference" / "layers.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """Of the table of layers: by name of the layer its columns."""
    lines = PAGE.split("## What is read")[1].split("\n\n")[1].splitlines()[2:]
    return {cells[0]: cells[1:] for cells in ([c.strip() for c in line.strip("|").split("|")] for line in lines)}


@pytest.mark.torch
def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(code, "docs/reference/layers.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == "{'kind': (6, 3), 'place': (6, 2)}\nequal: True\n"


@pytest.mark.torch
def test_the_table_is_that_of_the_back_ends() -> None:
    pytest.importorskip("torch")
    from snn2hw.backends.c.fits import kinds
    from snn2hw.backends.lava.fits import OPERATIONS
    from snn2hw.backends.rtl.layers import LAYERS as RTL
    from snn2hw.backends.torch.executor import LAYERS as TORCH
    from snn2hw.formats.nir.fits import kinds as nir
    from snn2hw.formats.onnx.write_layers import LAYERS as ONNX
    from snn2hw.ir.integer import IntNode
    from snn2hw.layers import IntOperator, IntSynapse
    from snn2hw.quantize.values import LAYERS as TRAINED

    ours = [k for k in IntNode.kinds.values() if issubclass(k, IntOperator) and k.__module__.startswith("snn2hw.")]
    tables = (ONNX, kinds(), TORCH, TRAINED, OPERATIONS, nir(), RTL)
    said = {}
    for kind in ours:
        held = [kind in table or (table is TRAINED and issubclass(kind, IntSynapse)) for table in tables]
        said[kind.__name__.removeprefix("Int")] = ["yes" if h else "no" for h in held]
    assert {name: cells[1:] for name, cells in rows().items()} == said
