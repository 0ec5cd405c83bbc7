"""What proofs cost: trying every state of a neuron program; certificate and check of both digits models, and of large networks.

Medians of rounds; the seconds are those of this machine. Compiling the C of a program is stated apart; it is done once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import numpy as np

import snn2hw
from bench.estimate import pilotnet
from bench.networks import STEPS, WIDTHS
from bench.start import body, network_file
from snn2hw.certificate import engine
from snn2hw.certificate.certify import certify
from snn2hw.certificate.slices import slices
from snn2hw.checker.check import check_claims
from snn2hw.cli import console
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Input, Network, Neuron, Readout, Single
from snn2hw.ir.program import declared_interval, one_channel
from snn2hw.layers import Linear
from snn2hw.user_models import find_model

CUBIC = ((0.07, 0.55, -0.11, 0.03),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after one warm-up (default 5)")
    rounds = parser.parse_args().rounds
    console.say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rows = [row for bits in (16, 24) for row in _states(bits, rounds)]
    console.table(
        "every state of one cubic neuron program, ranges and worst error",
        ["states", "engine", "first run (s)", "median (s)"],
        rows,
        (0, 2, 3),
    )
    console.table(
        "digits models",
        ["model", "certificate (s)", "check (s)", "claims"],
        [_model(m, rounds) for m in ("digits_lnm", "digits_cf")],
        (1, 2, 3),
    )
    console.table(
        "large networks, seconds of the processor",
        ["network", "compiling into a folder", "certificate in it", "of that, C that tries", "check"],
        [_large(name, make, rounds) for name, make in _networks().items()],
        (1, 2, 3, 4),
    )


def _networks() -> dict[str, Callable[[Path], object]]:
    """By name, what compiles a network into a folder; PilotNet only where its file is at hand."""
    model, shown = body(WIDTHS)
    made: dict[str, Callable[[Path], object]] = {
        "ResNet-18 body, LNM": lambda out: snn2hw.compile(model, shown.numpy(), STEPS, target="loihi2", out=out)
    }
    return made | ({"PilotNet": pilotnet} if network_file().is_file() else {})


def _large(name: str, make: Callable[[Path], object], rounds: int) -> list[str]:
    """Seconds of the processor, so that others at work on the machine do not count."""
    seconds: dict[str, list[float]] = {"compile": [], "certify": [], "C": [], "check": []}

    def counted(what: str, run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            begun = process_time()
            found = run(*given)
            seconds[what][-1] += process_time() - begun
            return found

        return timed

    for _ in range(rounds + 1):
        for of_rounds in seconds.values():
            of_rounds.append(0.0)
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "x"
            counted("compile", make)(folder)
            artefact = snn2hw.load(folder)
            with patch.object(engine, "_native", counted("C", engine._native)):
                counted("certify", certify)(artefact.network, artefact.model)
            counted("check", snn2hw.check)(folder)
    return [name, *(f"{median(of_rounds[1:]):.2f}" for of_rounds in seconds.values())]


def _states(bits: int, rounds: int) -> list[list[str]]:
    node = _neuron(bits)
    part = slices(one_channel(node.program, 0))[0]
    meaning, roles = node.meaning, node.program.roles
    assert meaning is not None
    assert roles is not None
    state = node.program.states[roles.state]
    lsb = 2.0**-state.format.frac
    arguments = (part, declared_interval(state), roles.polynomial.value, [a / lsb for a in meaning.coefficients[0]], lsb, None)
    with tempfile.TemporaryDirectory() as cache:  # so that the first run compiles
        os.environ["SNN2HW_CACHE"] = cache
        return [
            [f"2**{bits}", name, *_timed(partial(run, *arguments), rounds)]
            for name, run in (("C", engine._native), ("NumPy", engine._numpy))
        ]


def _timed(run: Callable[[], object], rounds: int) -> list[str]:
    seconds = []
    for _ in range(rounds + 1):
        begun = perf_counter()
        run()
        seconds.append(perf_counter() - begun)
    return [f"{seconds[0]:.3f}", f"{median(seconds[1:]):.3f}"]


def _neuron(bits: int) -> IntNeuron:
    lnm = Neuron(
        "lnm",
        ("fc",),
        (2,),
        kind="LNM",
        coefficients=np.array(CUBIC),
        order="poly_then_input",
        firing=Single(1.0),
        reset="subtract",
        strict=False,
        gain=1.0,
        state_range=(-4.0, 4.0),
        reset_value=0.0,
    )
    net = Network(
        1,
        (
            Input("x", (), (2,), lo=0.0, hi=1.0, static=True, counts=False),
            Linear("fc", ("x",), (2,), weight=np.eye(2), bias=np.zeros(2)),
            lnm,
            Linear("head", ("lnm",), (2,), weight=np.eye(2), bias=np.zeros(2)),
            Readout("readout", ("head",), (2,)),
        ),
    )
    artefact = snn2hw.compile(net, np.ones((1, 2)), 1, "loihi2", options=snn2hw.Options(state_bits=bits))
    return artefact.network.neurons[0]


def _model(name: str, rounds: int) -> list[str]:
    found = find_model(name)
    assert found.sample is not None
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    claims = json.loads(json.dumps(certify(artefact.network, artefact.model)))
    checked = check_claims(artefact.model, claims)
    assert not checked.failures
    _, made = _timed(lambda: certify(artefact.network, artefact.model), rounds)
    _, again = _timed(lambda: check_claims(artefact.model, claims), rounds)
    return [name, made, again, f"{checked.claims:,}"]


if __name__ == "__main__":
    main()
