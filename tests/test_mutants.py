"""Every mutant of the reference models' programs is caught by the checker and by verify, or proved to change nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.certificate.certify import certify
from snn2hw.checker.check import check_claims
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Program
from snn2hw.num import Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from snn2hw.verification.stimuli import corner_payloads
from tests.hand_networks import circulate, compiled, neuron, one_neuron
from tests.mutants import Mutant, equivalent, mutants, with_program


class Tally:
    """Mutants of one artefact: what found them."""

    def __init__(self, artefact: Artefact, payloads: Ints) -> None:
        self.artefact, self.payloads = artefact, payloads
        self.claims = json.loads(json.dumps(certify(artefact.network, artefact.model)))
        self.expected = interpret(artefact.network, payloads)
        self.found: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.survivors: list[str] = []

    def run(self) -> None:
        for layer in self.artefact.network.neurons:
            for mutant in mutants(layer.program):
                self.kinds[mutant.kind] += 1
                self._one(layer, mutant)

    def _one(self, layer: IntNeuron, mutant: Mutant) -> None:
        by_checker, by_verify = self._checker(layer, mutant.program), self._verify(layer, mutant.program)
        if by_checker or by_verify:
            self.found["checker" if not by_verify else "verify" if not by_checker else "both"] += 1
            return
        held = {v: Interval(lo, hi) for v, (lo, hi, _) in self._claims(layer)["values"].items()}
        proved = equivalent(layer.program, mutant.program, held, layer.program.channels)
        self.found["equivalent" if proved else "SURVIVES"] += 1
        self.survivors.append(f"layer {layer.name}, {mutant.says}: {'every integer tried, the same' if proved else 'NOT PROVED'}")

    def _claims(self, layer: IntNeuron) -> Any:
        return next(c for c in self.claims["layers"] if c["layer"] == layer.name)

    def _checker(self, layer: IntNeuron, program: Program) -> bool:
        """By its claims alone: that the bytes of the file have changed does not count."""
        model, _ = to_onnx(with_program(self.artefact.network, layer, program))
        return any(not f.claim.startswith("model.") for f in check_claims(model, self.claims).failures)

    def _verify(self, layer: IntNeuron, program: Program) -> bool:
        got = interpret(with_program(self.artefact.network, layer, program), self.payloads)
        wanted, seen = self.expected.arrays(), got.arrays()
        return any(not np.array_equal(wanted[k], seen[k]) for k in wanted)

    def __str__(self) -> str:
        return "\n".join([f"{sum(self.kinds.values())} mutants {dict(self.kinds)}: {dict(self.found)}", *self.survivors])


SMALL = {
    "lnm": neuron("n", "fc", coefficients=((0.07, 0.55, -0.11, 0.03),)),
    "lnm with reset to a value": neuron("n", "fc", coefficients=((0.0, 0.6, -0.1),), reset="value", reset_value=0.25),
    "circulate": circulate("n", "fc"),
    "circulate with amplitudes": circulate("n", "fc", amplitudes=(1.0, 0.5)),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_every_mutant_of_a_small_layer_is_found_or_proved_equivalent(name: str, target: str) -> None:
    net = compiled(one_neuron(SMALL[name]), target=target, state_bits=10).network
    tally = Tally(make_artefact(net), corner_payloads(net))
    tally.run()
    print(tally)
    assert tally.found["SURVIVES"] == 0, str(tally)
    assert tally.found["both"] + tally.found["checker"] > 20


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("name", ["digits_lnm", "digits_cf"])
def test_every_mutant_of_a_reference_model_is_found_or_proved_equivalent(name: str, tmp_path: Path) -> None:
    from snn2hw import api
    from snn2hw.user_models import find_model, load_source, models_folder

    source = load_source(models_folder() / name / "model.py")
    calibration = source.train_data()[0][:256]
    snn2hw.compile(find_model(name).module.eval(), calibration, source.STEPS, "loihi2", tmp_path / name)
    artefact = snn2hw.load(tmp_path / name)
    tally = Tally(artefact, api.stimulus(artefact, source.test_data()[0][:8]))
    tally.run()
    print(tally)
    assert tally.found["SURVIVES"] == 0, str(tally)
