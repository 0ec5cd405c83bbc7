"""What a layer of a .net file says of its neuron, as registers of the chip."""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.errors import UnsupportedError
from snn2hw.formats.netx.file import Layer
from snn2hw.formats.netx.layers import DENSE
from snn2hw.ir.loihi import DECAY_ALL, LIMITS, VTH_MAX

NEVER = VTH_MAX + 1  # thresholds from here on are never passed: they are compared with v, which ends at 2**23 - 1
MOST_VTH = 2**18 - 1  # what lava-dl writes for `Affine(dynamics=True)`
MOST_WAIT = LIMITS["refractory"][1] + 1  # refDelay counts the step of the spike, too
# What netx leaves out of account. A network that uses it means something else than what would run.
ABSENT = {"wgtExp": 0, "weight_exp": 0, "gradedSpike": 0, "messageBits": 0}


def refractory(layer: Layer) -> int:
    """Steps without firing after the one that fired; refDelay counts that one too."""
    return max(layer.number("refDelay", 1, neuron=True, least=0, most=MOST_WAIT) - 1, 0)


def decay(layer: Layer, name: str) -> int:
    """What the current (iDecay) or the membrane (vDecay) loses in a step, in 4096ths."""
    return layer.number(name, neuron=True, least=0, most=LIMITS["dv"][1])


def threshold(layer: Layer, last: bool = False) -> int:
    """The threshold's mantissa; `NEVER` where no membrane passes it.

    Raises:
        UnsupportedError: it is one that is never passed, and the layer is not the last.
    """
    mantissa = min(given := layer.number("vThMant", neuron=True, least=LIMITS["vth"][0], most=MOST_VTH), NEVER)
    if mantissa == NEVER and not last:
        raise UnsupportedError(
            "this layer can never fire, so that nothing would reach the layers behind it",
            where=f"{layer.where} neuron",
            got=f"vThMant = {given}",
            expected=f"0 to {VTH_MAX} in every layer but the last",
            do="end the network with this layer, or export it with the threshold that it was trained with (block.cuba.Dense)",
        )
    return mantissa


@dataclass(frozen=True)
class Registers:
    """Of a layer's neuron, as `loihi_lif` takes them; `vth` may be `NEVER`."""

    du: int
    dv: int
    vth: int
    refractory: int


def registers(layer: Layer, last: bool) -> Registers:
    """The registers of a layer behind a synapse. A dense layer without a neuron adds up all that enters, and never fires:
    netx gives it iDecay = 0, vDecay = 4096, vThMant = 2**17.

    Raises:
        UnsupportedError: a layer that never fires, or has no neuron, and is not the last, or no dense one.
    """
    if layer.neuron:
        return Registers(decay(layer, "iDecay") - 1, decay(layer, "vDecay"), threshold(layer, last), refractory(layer))
    if layer.kind not in DENSE or not last:
        raise UnsupportedError(
            "a layer without a neuron is not supported here",
            where=layer.where,
            got="no group 'neuron'" + ", and layers behind it" * (not last),
            expected="a LOIHI or CUBA neuron; only the last dense layer may be without one, and is read from its membrane",
            do="export the layer with its neuron (block.cuba.Dense, not block.cuba.Affine)",
        )
    return Registers(-1, DECAY_ALL, NEVER, 0)


def check_absent(layer: Layer) -> None:
    """Refuse what would change the meaning and has none here."""
    for name, neutral in ABSENT.items():
        if name in layer.neuron and (value := layer.number(name, neuron=True)) != neutral:
            raise UnsupportedError(
                f"'{name}' is not supported",
                where=layer.where,
                got=str(value),
                expected=str(neutral),
                do="train the block without it, and export the network again",
            )


def check_no_neuron(layer: Layer) -> None:
    """Refuse a neuron where lava-dl writes none, for nothing would run it."""
    if layer.kind in ("flatten", "average") and layer.neuron:
        raise UnsupportedError(
            f"a neuron in a layer of type '{layer.kind}' is not supported",
            where=layer.where,
            got=", ".join(sorted(layer.neuron)),
            expected="no group 'neuron' in it",
            do="export the network with net.export_hdf5",
        )
