"""The comparison with CMSIS-NN: its tables, a folder that holds none, and outputs that are not those of the layer."""

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
int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *);
"""
SOURCE = """
#include "arm_nnfunctions.h"
int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *fd) { return fd->n + 3; }
int arm_fully_connected_s8(const cmsis_nn_context *c, const cmsis_nn_fc_params *p, const cmsis_nn_per_tensor_quant_params *q,
                           const cmsis_nn_dims *id, const int8_t *in, const cmsis_nn_dims *fd, const int8_t *weight,
                           const cmsis_nn_dims *bd, const int32_t *bias, const cmsis_nn_dims *od, int8_t *out)
{
    for (int o = 0; o < od->c; ++o) {
        int32_t sum = bias[o] + 9999 * (c->size != fd->n + 3);
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
    from bench.cmsis.layers import ACTIVITIES, Bytes, Counted, Kind, Layer, Ours, Theirs

    layer = Layer(Kind.CONVOLUTION, 2, 4, kernel=3, size=5)  # 1,800 products
    by_activity = dict(zip(ACTIVITIES, ours, strict=True))
    halved = {percent: n / 2 for percent, n in by_activity.items()}
    return Counted(
        layer,
        Theirs(theirs, Bytes(1100, 0, 22, 3, 4000, 500)),
        {8: Ours(by_activity, 12.34, 3.456, Bytes(60, 7, 8, 9, 10, 11)), 4: Ours(halved, 12, 2, Bytes(60, 7, 8, 9, 5, 12))},
    )


def test_the_table_of_instructions() -> None:
    from bench.cmsis.table import instructions

    assert instructions([made_up(3600, 7200, 1800, 900), made_up(3600, 3600, 1800, 900), made_up(500, 7200, 1800, 900)]) == [
        "| layer | weights | MACs | CMSIS-NN | snn2hw, 100 % active | snn2hw, 25 % active | snn2hw, 10 % active | equal at "
        "| a neuron's update | a synaptic operation, 25 % active |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| conv 3x3, 2 -> 4, at 5x5 | 8 bits | 1,800 | 2.00 | 4.00 | 1.00 | 0.50 | 50 % | 12.3 | 3.46 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 4 bits | 1,800 | 2.00 | 2.00 | 0.50 | 0.25 | always fewer | 12.0 | 2.00 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 8 bits | 1,800 | 2.00 | 2.00 | 1.00 | 0.50 | always fewer | 12.3 | 3.46 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 4 bits | 1,800 | 2.00 | 1.00 | 0.50 | 0.25 | always fewer | 12.0 | 2.00 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 8 bits | 1,800 | 0.28 | 4.00 | 1.00 | 0.50 | below 10 % | 12.3 | 3.46 |",
        "| conv 3x3, 2 -> 4, at 5x5 | 4 bits | 1,800 | 0.28 | 2.00 | 0.50 | 0.25 | 12 % | 12.0 | 2.00 |",
    ]


def test_the_table_of_bytes() -> None:
    from bench.cmsis.table import room

    assert room([made_up(3600, 7200, 1800, 900)]) == [
        "| layer | of | input and output | states | works in | stack | RAM | weights | code | flash |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| conv 3x3, 2 -> 4, at 5x5 | CMSIS-NN | 1,100 | 0 | 22 | 3 | 1,125 | 4,000 | 500 | 4,500 |",
        "| conv 3x3, 2 -> 4, at 5x5 | snn2hw, 8 bits | 60 | 7 | 8 | 9 | 84 | 10 | 11 | 21 |",
        "| conv 3x3, 2 -> 4, at 5x5 | snn2hw, 4 bits | 60 | 7 | 8 | 9 | 84 | 5 | 12 | 17 |",
    ]


def test_the_table_of_networks() -> None:
    from bench.cmsis.steps import Stepwise
    from bench.cmsis.table import steps
    from snn2hw.estimation.microcontroller import Measured

    whole = Measured(7000, 1500, 80, 6000.0, 1, 9, 3)
    assert steps([Stepwise("one", 4, True, whole, 1700.4, 55, 900, 6800), Stepwise("two", 3, False, whole, 1, 2, 3, 4)]) == [
        "| network | input | T | `snn_run`, a step of T | `snn_step` | `snn_start` | RAM of `snn_run` | of `snn_step` "
        "| flash of `snn_run` | of `snn_step` |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| one | the same at every step | 4 | 1,500 | 1,700 | 55 | 1,500 | 900 | 7,000 | 6,800 |",
        "| two | another at every step | 3 | 2,000 | 1 | 2 | 1,500 | 3 | 7,000 | 4 |",
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
    found = theirs.run(layer, "cortex_m4", theirs.checkout(tmp_path))
    assert layer.macs < found.instructions < 20 * layer.macs
    assert (found.bytes.activations, found.bytes.states, found.bytes.working) == (48, 0, 43)
    assert 100 < found.bytes.code < 2000
    assert 40 * 8 + 3 * 4 * 8 <= found.bytes.weights < 500  # with biases, multipliers and shifts; and dimensions
    source.write_text(SOURCE.replace("sum = bias[o]", "sum = bias[o] + 9999 * (o == 3)"), encoding="utf-8")
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
    found = ours.run(layer, "cortex_m4", 8)
    counted, taken = found.instructions, found.bytes
    assert counted[100] > counted[25] > counted[10] > found.update * layer.neurons > 0
    assert found.operation == pytest.approx((counted[25] - found.update * 8) / (10 * 8))
    assert (taken.activations, taken.states, taken.working) == (48, 2 * 8, 4 * (8 + 40))  # sums, and a list of 40 inputs
    unwinding = 16  # bytes of .ARM.exidx
    assert taken.weights == 40 * 8 + 4 * 8 + unwinding
    assert taken.code > 100
    assert ours.run(layer, "cortex_m4", 4).bytes.weights == 40 * 4 + 4 * 8 + unwinding
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
          where:    linear 40 -> 8 on cortex_m4, weights of 8 bits, step 2
          got:      1 of 8 that differ
          expected: none
          do:       report it, with the versions of ziglang and unicorn
        """,
    ):
        ours.run(layer, "cortex_m4", 8)


def test_the_list_of_active_inputs_has_a_place_of_its_own() -> None:
    from bench.cmsis import ours
    from bench.cmsis.layers import Kind, Layer
    from snn2hw.estimation.emulated import PAGE

    framework("unicorn")
    framework("ziglang")
    filled = PAGE // 4  # sums that fill a page: what lies behind them is not theirs
    taken = ours.run(Layer(Kind.LINEAR, 40, filled), "cortex_m4", 8).bytes
    assert taken.working == PAGE + 4 * 40


def test_groups_are_summed_one_after_another() -> None:
    from bench.cmsis import ours
    from bench.cmsis.layers import Kind, Layer

    framework("unicorn")
    framework("ziglang")
    layer = Layer(Kind.DEPTHWISE, 3, 3, kernel=3, size=4)
    found = ours.run(layer, "cortex_m4", 8)
    assert found.bytes.working == 4
    assert 0 < found.update * layer.neurons < found.instructions[10]


@pytest.mark.parametrize("still", [True, False])
def test_a_network_a_step_at_a_time(still: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    import snn2hw
    from bench.cmsis import steps
    from snn2hw import nn

    framework("unicorn")
    framework("ziglang")
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(40, 24), nn.LIF(threshold=0.2), nn.Linear(24, 3)).eval()
    x = np.random.default_rng(0).random((2, 40) if still else (5, 2, 40), np.float32)
    artefact = snn2hw.compile(model, x, 5 if still else None)
    payloads = steps.stimulus(artefact, x)
    found = steps.both("small", artefact, payloads, "cortex_m4")
    assert (found.steps, found.still) == (5, still)
    assert 0 < found.start < found.step
    a_step = found.run.instructions / found.steps
    assert a_step < found.step / 2 if still else 0.8 * found.step < a_step < 1.1 * found.step
    assert found.ram < found.run.ram + 2 * 24  # the states last, and the spikes of one step do
    law = steps.interpret

    def other(*given: Any, **more: Any) -> Any:
        trace = law(*given, **more)
        trace.readout[1, 2] += 1
        return trace

    right = law(artefact.network, payloads, traces=False).readout[1].tolist()
    monkeypatch.setattr(steps, "interpret", other)
    with refused(
        ExecutorUnavailableError,
        f"""
        the steps of the emulated program give another readout than the reference
          where:    small on cortex_m4, sample 1
          got:      {right}
          expected: {[*right[:2], right[2] + 1]}
          do:       report it, with the versions of ziglang and unicorn
        """,
    ):
        steps.both("small", artefact, payloads, "cortex_m4")


def test_so_many_inputs_are_active() -> None:
    from bench.cmsis.layers import LAYERS
    from bench.cmsis.ours import active

    for percent in (100, 25, 10):
        x = active(LAYERS[0], percent)
        assert x.sum(axis=(1, 2, 3, 4)).tolist() == [round(16 * 16 * 16 * percent / 100)] * len(x)
        assert np.isin(x, (0, 1)).all()


def test_synaptic_operations_are_the_weights_that_ones_meet() -> None:
    from bench.cmsis.layers import LAYERS, Kind, Layer
    from bench.cmsis.ours import active
    from bench.cmsis.theirs import summed

    for layer in (*LAYERS[-2:], Layer(Kind.CONVOLUTION, 3, 5, kernel=5, size=6), Layer(Kind.CONVOLUTION, 2, 4, size=3)):
        x = active(layer, 25)
        weight = np.ones((layer.outputs, layer.kernel, layer.kernel, layer.each), np.int64)
        met = [summed(layer, step.reshape(-1, layer.size, layer.size).transpose(1, 2, 0), weight).sum() for step in x]
        assert layer.operations(x) == sum(met) > 0
