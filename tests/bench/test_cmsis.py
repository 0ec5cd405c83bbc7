"""The comparison with CMSIS-NN: its table, a folder that holds none, and outputs that are not those of the layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import ExecutorUnavailableError, UsageError
from snn2hw.estimation.emulated import unavailable
from tests.frameworks import framework
from tests.refused import refused

pytestmark = pytest.mark.torch

# As much of CMSIS-NN's interface as a linear layer needs, and a layer as plain as can be: none of it is Arm's.
HEADER = """
#include <stdint.h>
typedef struct { void *buf; int32_t size; } cmsis_nn_context;
typedef struct { int32_t n, h, w, c; } cmsis_nn_dims;
typedef struct { int32_t min, max; } cmsis_nn_activation;
typedef struct { int32_t input_offset, filter_offset, output_offset; cmsis_nn_activation activation; } cmsis_nn_fc_params;
typedef struct { int32_t multiplier, shift; } cmsis_nn_per_tensor_quant_params;
int arm_fully_connected_s8(const cmsis_nn_context *, const cmsis_nn_fc_params *, const cmsis_nn_per_tensor_quant_params *,
                           const cmsis_nn_dims *, const int8_t *, const cmsis_nn_dims *, const int8_t *,
                           const cmsis_nn_dims *, const int32_t *, const cmsis_nn_dims *, int8_t *);
"""
SOURCE = """
#include "arm_nnfunctions.h"
int arm_fully_connected_s8(const cmsis_nn_context *c, const cmsis_nn_fc_params *p, const cmsis_nn_per_tensor_quant_params *q,
                           const cmsis_nn_dims *id, const int8_t *in, const cmsis_nn_dims *fd, const int8_t *weight,
                           const cmsis_nn_dims *bd, const int32_t *bias, const cmsis_nn_dims *od, int8_t *out)
{
    for (int o = 0; o < od->c; ++o) {
        int32_t sum = bias[o];
        for (int i = 0; i < fd->n; ++i) sum += (in[i] + p->input_offset) * weight[o * fd->n + i];
        const int32_t high = (int32_t)(((int64_t)sum * q->multiplier + (1 << 30)) >> 31), right = -q->shift;
        const int32_t size = ((high < 0 ? -high : high) + (1 << right >> 1)) >> right;
        const int32_t y = (high < 0 ? -size : size) + p->output_offset;
        out[o] = (int8_t)(y < p->activation.min ? p->activation.min : y > p->activation.max ? p->activation.max : y);
    }
    return 0;
}
"""


def made_up(theirs: int, *ours: float) -> Any:
    from bench.cmsis.layers import ACTIVITIES, Counted, Kind, Layer

    layer = Layer(Kind.CONVOLUTION, 2, 4, kernel=3, size=5)  # 1,800 products
    return Counted(layer, theirs, dict(zip(ACTIVITIES, ours, strict=True)), 12.34, 5678, 901)


def test_the_table() -> None:
    from bench.cmsis.table import table

    assert table([made_up(3600, 7200, 1800, 900), made_up(3600, 3600, 1800, 900), made_up(500, 7200, 1800, 900)]) == [
        "| layer | MACs | CMSIS-NN | snn2hw, 100 % active | snn2hw, 25 % active | snn2hw, 10 % active | equal at "
        "| a neuron's update | code of CMSIS-NN | code of snn2hw |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| conv 3x3, 2 -> 4, at 5x5 | 1,800 | 2.00 | 4.00 | 1.00 | 0.50 | 50 % | 12.3 | 5,678 | 901 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 1,800 | 2.00 | 2.00 | 1.00 | 0.50 | always fewer | 12.3 | 5,678 | 901 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 1,800 | 0.28 | 4.00 | 1.00 | 0.50 | below 10 % | 12.3 | 5,678 | 901 |",
    ]


def test_layers_in_words_and_their_products() -> None:
    from bench.cmsis.layers import LAYERS

    assert [(layer.name, layer.macs) for layer in LAYERS] == [
        ("conv 3x3, 16 -> 32, at 16x16", 16 * 16 * 32 * 16 * 9),
        ("conv 3x3, 64 -> 64, at 8x8", 8 * 8 * 64 * 64 * 9),
        ("conv 1x1, 64 -> 64, at 8x8", 8 * 8 * 64 * 64),
        ("depthwise 3x3 of 64, at 8x8", 8 * 8 * 64 * 9),
        ("linear 256 -> 64", 256 * 64),
    ]


def test_a_folder_without_cmsis_nn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bench.cmsis.__main__ import main
    from bench.cmsis.theirs import checkout

    missing = tmp_path / "nowhere"
    with refused(
        UsageError,
        f"""
        the folder holds no CMSIS-NN
          where:    {missing}
          got:      nothing
          expected: a checkout of CMSIS-NN
          do:       git clone https://github.com/ARM-software/CMSIS-NN PATH, then python -m bench.cmsis PATH
        """,
    ):
        checkout(missing)
    assert main([str(tmp_path)]) == 1
    assert "no Include/arm_nnfunctions.h" in capsys.readouterr().err


def test_what_is_counted_of_cmsis_nn_has_computed_the_layer(tmp_path: Path) -> None:
    from bench.cmsis import theirs
    from bench.cmsis.layers import Kind, Layer

    framework("unicorn")
    framework("ziglang")
    assert unavailable() == ""
    folders = [tmp_path / "Source" / Path(part).parent for part in theirs.SOURCES]
    for folder in (tmp_path / "Include", *folders):
        folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "Include" / "arm_nnfunctions.h").write_text(HEADER, encoding="utf-8")
    source = tmp_path / "Source" / "FullyConnectedFunctions" / "arm_fully_connected_s8.c"
    source.write_text(SOURCE, encoding="utf-8")
    layer = Layer(Kind.LINEAR, 40, 8)
    instructions, code = theirs.run(layer, "cortex_m4", theirs.checkout(tmp_path))
    assert layer.macs < instructions < 20 * layer.macs
    assert 100 < code < 2000
    source.write_text(SOURCE.replace("sum = bias[o]", "sum = bias[o] + (o == 3) * 9999"), encoding="utf-8")
    with refused(
        ExecutorUnavailableError,
        """
        CMSIS-NN gives other outputs than numpy
          where:    linear 40 -> 8 on cortex_m4
          got:      1 of 8 that differ
          expected: none
          do:       report it, with the commit of CMSIS-NN and the version of ziglang
        """,
    ):
        theirs.run(layer, "cortex_m4", tmp_path)


def test_what_is_counted_of_the_generated_c_has_fired_as_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.cmsis import ours
    from bench.cmsis.layers import Kind, Layer

    framework("unicorn")
    framework("ziglang")
    layer = Layer(Kind.LINEAR, 40, 8)
    counted, update, code = ours.run(layer, "cortex_m4")
    assert counted[100] > counted[25] > counted[10] > update * layer.neurons > 0
    assert code > 100
    law = ours.interpret

    def other(*given: Any, **more: Any) -> Any:
        trace = law(*given, **more)
        for values in trace.states.values():
            values[-1].flat[0] += 1
        return trace

    monkeypatch.setattr(ours, "interpret", other)
    with refused(
        ExecutorUnavailableError,
        """
        the emulated layer gives other spike values or states than the reference
          where:    linear 40 -> 8 on cortex_m4, step 2
          got:      1 of 8 that differ
          expected: none
          do:       report it, with the versions of ziglang and unicorn
        """,
    ):
        ours.run(layer, "cortex_m4")


def test_so_many_inputs_are_active() -> None:
    from bench.cmsis.layers import LAYERS
    from bench.cmsis.ours import active

    for percent in (100, 25, 10):
        x = active(LAYERS[0], percent)
        assert x.sum(axis=(1, 2, 3, 4)).tolist() == [round(16 * 16 * 16 * percent / 100)] * len(x)
        assert np.isin(x, (0, 1)).all()
