"""When an evaluation is worth a warning: each threshold from both sides, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snn2hw.passes.findings import SILENT, Finding
from snn2hw.verification.accuracy import Evaluation, LayerEvaluation
from snn2hw.verification.losses import losses
from tests.hand_networks import artefact_of, every_kind, every_kind_sample

NET = artefact_of(every_kind(), every_kind_sample(5)).network
NAMES = [n.name for n in NET.neurons]
ALIVE = LayerEvaluation(
    values=1000, rate=0.2, saturation=0.0, float_rate=0.2, own_rate=0.2, spike_mismatch=0.01, mismatches=10, own_mismatch=0.01,
    own_mismatches=10, unexplained=0, sum_error=0.01, float_saturation=0.0,
)  # fmt: skip


def found(known: tuple[Finding, ...] = (), layers: dict[str, dict[str, Any]] | None = None, **figures: Any) -> list[Finding]:
    each = {name: replace(ALIVE, **(layers or {}).get(name, {})) for name in NAMES}
    given = {"same_prediction": 1.0, "readout_error": 0.0, "readout_size": 1.0, **figures}
    return list(losses(Evaluation(40, 3, "reference", 1.0, each, **given), NET, known))


def test_nothing_is_lost() -> None:
    assert found() == []
    assert found(same_prediction=None, readout_error=None, readout_size=None) == []  # the integers alone


@pytest.mark.parametrize(("spikes", "warns"), [(9, False), (10, True)])
def test_a_layer_died_where_the_float_layer_fires_ten_times(spikes: int, warns: bool) -> None:
    made = found(layers={NAMES[1]: {"rate": 0.0, "float_rate": spikes / 1000}})
    assert [f.what for f in made] == ["this layer has died: its integers fire nothing on the samples"] * warns
    assert found(layers={NAMES[1]: {"rate": 0.0, "float_rate": 0.0}}) == []  # so it is in float


def test_a_layer_that_is_known_to_be_silent_is_not_told_of_again() -> None:
    silent = {NAMES[1]: {"rate": 0.0}}
    (died,) = found(layers=silent)
    assert found((Finding(SILENT, died.where, "", "", ""),), silent) == []
    assert len(found((Finding(SILENT, "another layer", "", "", ""),), silent)) == 1


def test_what_a_layer_died_of() -> None:
    by_itself, handed = {"rate": 0.0, "sum_error": 1.0}, {"rate": 0.0, "own_rate": 0.0, "own_mismatches": 0}
    first, second = found(layers={NAMES[0]: by_itself, NAMES[1]: handed})
    assert first.cause == (
        "given what the integers before it fire, the float layer fires 20 %: it is the rounding of this layer, "
        "whose synaptic input is off by 100 %"
    )
    assert second.cause == (
        "given what the integers before it fire, the float layer is silent as well: "
        f"layer {NAMES[0]} is the first that fires otherwise"
    )


@pytest.mark.parametrize(("share", "values", "warns"), [(0.5, 1000, False), (0.51, 1000, True), (1.0, 9, False), (1.0, 10, True)])
def test_a_layer_saturates_from_one_half_on(share: float, values: int, warns: bool) -> None:
    made = found(layers={NAMES[0]: {"saturation": share, "values": values, "float_saturation": share}})
    assert len(made) == warns
    assert not warns or made[0].cause == "its state range is too small for what enters, in the float network as well"
    (alone,) = found(layers={NAMES[0]: {"saturation": 0.9, "float_saturation": 0.1}})
    assert alone.cause == "the float equation is held back in 10 %: the rounding of this layer or of one before it"


@pytest.mark.parametrize(("samples", "same", "warns"), [(40, 36, False), (40, 35, True), (4, 2, False), (4, 1, True)])
def test_predictions_changed(samples: int, same: int, warns: bool) -> None:
    each = dict.fromkeys(NAMES, ALIVE) | {NAMES[2]: replace(ALIVE, own_mismatch=0.3)}
    e = Evaluation(samples, 3, "reference", 1.0, each, same_prediction=same / samples, readout_error=9.0, readout_size=1.0)
    made = losses(e, NET)
    assert len(made) == warns
    if warns:
        what = "the integers often predict something else than the float network"
        assert (made[0].what, made[0].where) == (what, "readout")
        assert made[0].got == f"the same prediction for {100 * same / samples:.3g} % of {samples} samples"
        assert made[0].cause == f"layer {NAMES[2]} fires otherwise most, in 30 % of its values"


@pytest.mark.parametrize(("error", "warns"), [(0.25, False), (0.26, True)])
def test_a_readout_without_a_prediction(error: float, warns: bool) -> None:
    made = found(same_prediction=None, readout_error=error)
    assert len(made) == warns
    what = "the readout of the integers is far from that of the float network"
    assert not warns or (made[0].what, made[0].where) == (what, "readout")
    assert not warns or made[0].got == "off by 0.26 (root mean square), 26 % of its size"
    assert found(same_prediction=1.0, readout_error=error) == []
