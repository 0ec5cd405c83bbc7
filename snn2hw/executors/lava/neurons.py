"""Lava neurons by the field's names; each is a ProgramNeuron with the program that snn2hw compiles or knows."""

from __future__ import annotations

from typing import Any

from snn2hw.artefact import Artefact
from snn2hw.errors import UsageError
from snn2hw.executors.lava.process import ProgramNeuron
from snn2hw.ir.loihi import loihi_lif


def LIF(  # noqa: N802 - named as Lava's own process
    *, shape: tuple[int, ...], du: int, dv: int, vth: int, bias_mant: int = 0, bias_exp: int = 0, **options: Any
) -> ProgramNeuron:
    """Loihi's LIF: the integers of Lava's own LIF, by our program. Parameters as in `snn2hw.ir.loihi.loihi_lif`."""
    return ProgramNeuron(shape=shape, program=loihi_lif(du, dv, vth, bias_mant, bias_exp), **options)


def layer(artefact: Artefact, name: str, **options: Any) -> ProgramNeuron:
    """A neuron layer of a compiled network (LNM, CirculateFiring, ...) as a process to wire into a Lava network.

    Raises:
        UsageError: the network has no neuron layer of this name.
    """
    layers = {n.name: n for n in artefact.network.neurons}
    if name not in layers:
        raise UsageError("no neuron layer of this name", got=repr(name), expected=", ".join(layers), do="name one of these")
    return ProgramNeuron(shape=layers[name].shape, program=layers[name].program, **options)
