"""Conventions that are none, and networks that the scheme of the NIR paper for Loihi does not have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import Snn2hwError, UnsupportedError, UsageError, ValueRangeError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.lava_integers import lava_integers
from snn2hw.formats.nir.presets import chosen_convention
from tests.nir_cases import case, chain, check_case, linear
from tests.nir_files import affine, cuba_lif, integrator, lif, looped, write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")


def cell(bias: Any) -> Any:
    """The nested graph that Rockpool's importer knows, with a bias in the recurrent synapse."""
    nodes = {
        "input": nir.Input(np.array([3])),
        "n": cuba_lif(3),
        "r": affine(np.eye(3), bias),
        "output": nir.Output(np.array([3])),
    }
    return nir.NIRGraph(nodes, [("input", "n"), ("n", "r"), ("r", "n"), ("n", "output")], type_check=False)


@pytest.mark.parametrize(
    ("made", "error", "options", "edit"),
    [
        case(
            "noconv",
            lambda: chain(linear()),
            UsageError,
            "a NIR file does not say how its neurons are stepped",
            "",
            "no convention",
            "norse, sinabs, snntorch, lava, rockpool, spikingjelly, or a Convention",
            "give the writer's: convention='norse' (--convention norse), or state your own, dt first (--dt 1e-4)",
            {"convention": None},
        ),
        case(
            "badconv",
            lambda: chain(linear()),
            UsageError,
            "a NIR file does not say how its neurons are stepped",
            "",
            "'brian'",
            "norse, sinabs, snntorch, lava, rockpool, spikingjelly, or a Convention",
            "give the writer's: convention='norse' (--convention norse), or state your own, dt first (--dt 1e-4)",
            {"convention": "brian"},
        ),
        case(
            "rockpool",
            lambda: chain(lif(3)),
            UnsupportedError,
            "a LIF has no meaning in the convention 'rockpool'",
            "0 (LIF)",
            "its importer asks a LIF for 'tau_mem', which NIR calls 'tau'",
            "CubaLIF",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "rockpool's w_in",
            lambda: chain(cuba_lif(3, w_in=2.0)),
            UnsupportedError,
            "'w_in' has no meaning in the convention 'rockpool'",
            "0 (CubaLIF)",
            "w_in = 2; its importer does not read w_in",
            "w_in = 1",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "snntorch's r",
            lambda: chain(cuba_lif(3, tau_mem=1e-3, r=2.0)),
            UnsupportedError,
            "'r' has no meaning in the convention 'snntorch'",
            "0 (CubaLIF)",
            "r = 2; its importer requires r = tau_mem/dt",
            "r = 10",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "snntorch"},
        ),
        case(
            "a synapse that leaks",
            lambda: chain(cuba_lif(3, v_leak=0.5)),
            UnsupportedError,
            "'v_leak' has no meaning in the convention 'norse'",
            "0 (CubaLIF)",
            "v_leak = 0.5; its synapse leaks to v_leak too",
            "v_leak = 0",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        ),
        case(
            "a step longer than the synapse",
            lambda: chain(cuba_lif(3, tau_syn=5e-4)),
            ValueRangeError,
            "a step is longer than the time constant",
            "0 (CubaLIF)",
            "tau_syn = 0.0005, dt = 0.001",
            "dt <= tau_syn",
            "give the dt that the network was trained with (--dt)",
        ),
        case(
            "rockpool's step",
            lambda: chain(cuba_lif(3, r=[1.0, -1.0, 2.0])),
            ValueRangeError,
            "'r' states no step",
            "0 (CubaLIF)",
            "r = -1",
            "r > -1, as the step is tau_mem / (1 + r)",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "rockpool's delays",
            lambda: chain(cuba_lif(3), nir.Delay(np.full(3, 1e-3))),
            UnsupportedError,
            "a Delay has no meaning in the convention 'rockpool'",
            "1 (Delay)",
            "its importer does not know this node",
            "a graph without delays",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "rockpool's recurrent edges",
            lambda: looped(cuba_lif(3)),
            UnsupportedError,
            "a recurrent edge has no meaning in the convention 'rockpool'",
            "1 (CubaLIF, recurrent edge)",
            "its importer runs every layer over all steps at once, but for a nested graph of a CubaLIF and a Linear",
            "a feed-forward graph",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "rockpool's nested graphs",
            lambda: chain(looped(cuba_lif(3))),
            UnsupportedError,
            "this nested graph has no meaning in the convention 'rockpool'",
            "0.input (Input)",
            "0 (Affine), 1 (CubaLIF), 2 (Linear), input (Input), output (Output); 5 edges",
            "a CubaLIF between Input and Output, and from it back to it a Linear, or an Affine without a bias",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "rockpool's recurrent bias",
            lambda: chain(cell([0.0, 0.5, 0.0])),
            UnsupportedError,
            "this nested graph has no meaning in the convention 'rockpool'",
            "0.input (Input)",
            "a bias in 'r', which its importer drops",
            "a CubaLIF between Input and Output, and from it back to it a Linear, or an Affine without a bias",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "rockpool"},
        ),
        case(
            "sinabs runs layer by layer",
            lambda: looped(lif(3, tau=4.0)),
            UnsupportedError,
            "a recurrent edge has no meaning in the convention 'sinabs'",
            "1 (LIF, recurrent edge)",
            "its importer runs every layer over all steps at once",
            "a feed-forward graph",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "sinabs"},
        ),
        case(
            "nosample",
            lambda: chain(linear()),
            UsageError,
            "a NIR file needs samples, which say how far its states reach",
            "x.nir",
            "none",
            "real samples",
            "give sample=x (--sample x.npy)",
            {"x": None},
        ),
        case(
            "r",
            lambda: chain(lif(3, r=5)),
            UnsupportedError,
            "'r' has no meaning in the convention 'norse'",
            "0 (LIF)",
            "r = 5; its importer does not read r, and warns",
            "r = 1",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        ),
        case(
            "leak",
            lambda: chain(lif(3, v_leak=1.5)),
            ValueRangeError,
            "the membrane starts at or above its threshold, at v_leak",
            "0 (LIF)",
            "v_leak = 1.5, v_threshold = 1",
            "v_threshold above v_leak",
            "repair the file, or state where membranes start: start='0' (--start 0)",
        ),
        case(
            "reset",
            lambda: chain(lif(3, v_reset=-0.1)),
            UnsupportedError,
            "'v_reset' has no meaning in the convention 'norse'",
            "0 (LIF)",
            "v_reset = -0.1; its importer resets to 0 and does not read v_reset",
            "v_reset = 0",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        ),
        case(
            "snnif",
            lambda: chain(integrator(3)),
            UnsupportedError,
            "an IF has no meaning in the convention 'snntorch'",
            "0 (IF)",
            "its importer makes an IF a Leaky with beta=0.9, whose reset also looks at the membrane of the step before",
            "LIF, CubaLIF",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "snntorch"},
        ),
        case(
            "lavaif",
            lambda: chain(integrator(3)),
            UnsupportedError,
            "an IF has no meaning in the convention 'lava'",
            "0 (IF)",
            "its importer for Lava does not know IF",
            "LIF",
            "follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            {"convention": "lava"},
        ),
    ],
)
def test_what_a_convention_does_not_have(
    here: Path, made: Callable[[], Any], error: Snn2hwError, options: dict[str, Any], edit: Callable[[Any], None] | None
) -> None:
    check_case(made, error, options, edit)


def test_a_step_that_is_in_the_file() -> None:
    with refused(
        UsageError,
        """
        the step is in the file, which states it by r
          where:    rockpool
          got:      dt = 0.001
          expected: no dt
          do:       leave dt (--dt) out
        """,
    ):
        chosen_convention("rockpool", 1e-3)


def test_a_step_without_length() -> None:
    with refused(
        ValueRangeError,
        """
        dt is not positive
          where:    norse
          got:      -1
          expected: dt > 0
          do:       choose a positive dt
        """,
    ):
        chosen_convention("norse", -1)


@pytest.mark.parametrize(
    ("given", "what", "got"),
    [
        ({"levels": 3}, "several spikes in a step need reset='subtract'", "levels=3, reset='value'"),
        ({"levels": None}, "several spikes in a step need reset='subtract'", "levels=None, reset='value'"),
        ({"levels": 17, "reset": "subtract"}, "levels is out of range", "17"),
        ({"dt": 0.0}, "dt is not positive", "0.0"),
        ({"method": "rk4"}, "unknown method", "'rk4'"),
        ({"reset": "half"}, "unknown reset", "'half'"),
        ({"when": "later"}, "unknown when", "'later'"),
        ({"threshold": "1.0"}, "unknown threshold", "'1.0'"),
        ({"start": "1"}, "unknown start", "'1'"),
        (
            {"levels": 3, "reset": "subtract", "when": "next"},
            "several spikes in a step are reset at once",
            "levels=3, when='next'",
        ),
        ({"if_input": "none"}, "unknown if_input", "'none'"),
    ],
)
def test_a_convention_that_is_none(given: dict[str, Any], what: str, got: str) -> None:
    with pytest.raises(Snn2hwError) as caught:
        Convention(**{"dt": 1e-3, **given})
    assert (caught.value.what, caught.value.where, caught.value.got) == (what, "Convention", got)


@pytest.mark.parametrize(
    ("nodes", "where", "got", "expected"),
    [
        (lambda: [linear()], "output (Output)", "1 nodes before it", "pairs of a synapse and a LIF"),
        (lambda: [linear(), integrator(3)], "1 (IF)", "IF behind 0", "a LIF behind '0'"),
        (lambda: [lif(3), lif(3)], "0 (LIF)", "LIF", "Affine or Linear, entered by one edge"),
        (lambda: [affine(np.eye(3), np.ones(3)), lif(3)], "0 (Affine)", "a bias that is not 0", "no bias"),
        (lambda: [linear(), lif(3, r=2)], "1 (LIF)", "r = 2", "r = 1"),
        (lambda: [linear(), lif(3, tau=[1, 2, 3])], "1 (LIF)", "3 different values of tau", "one for the layer"),
        (
            lambda: [affine(np.eye(3) * 8 - 3), lif(3)],
            "0 (Affine)",
            "integer weights from -38 to 63",
            "one sign and at most 127, as a Dense of Lava keeps",
        ),
    ],
)
def test_what_the_chips_scheme_does_not_have(here: Path, nodes: Callable[[], Any], where: str, got: str, expected: str) -> None:
    path = write(here, chain(*nodes()))
    with refused(
        UnsupportedError,
        f"""
        the chip's scheme for NIR does not have this
          where:    x.nir: {where}
          got:      {got}
          expected: {expected}
          do:       read the file as real numbers, with from_nir and a convention
        """,
    ):
        lava_integers(path, 4)


def test_the_chips_scheme_needs_steps(here: Path) -> None:
    with refused(
        UsageError,
        """
        steps is no number of steps
          where:    x.nir
          got:      0
          expected: 1, 2, 3, ...
          do:       give the number of steps that the network runs for
        """,
    ):
        lava_integers(here, 0)
