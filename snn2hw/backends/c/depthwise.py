"""Depthwise convolutions in C: an output channel sees one input channel, so channels lie side by side in vectors.

Dense sums take a block of output channels of a group at once, and lay out four of its inputs: of a group of one channel that is
64 times the work. The C is in `templates/fast/depthwise_layer.c`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.geometry import geometry
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.c.team import UPDATE, parts
from snn2hw.backends.c.text import template
from snn2hw.native.templates import filled


def depthwise(number: int, s: Synapse, parameters: str, handed: str, phase: int) -> str:
    """`depthwise_<number>`: the sums acc[t * BLOCK + c] of every place, channels from `first`, for the statement `handed` to use.

    Args:
        s: how the layer is summed. parameters: the C parameters that every function of the layer has.
        phase: the number of its only phase.
    """
    oh = s.value.size[0]
    return "\n" + filled(
        template("fast/depthwise_layer.c"),
        geometry(s)
        | {
            "NUMBER": number,
            "PARAMETERS": parameters,
            "SUMMING": phase,
            "SUMMING_PARTS": parts(oh, s.products + s.source.steps * s.value.places * s.value.channels * UPDATE),
            "OUT_HEIGHT": oh,
            "CHANNELS": s.value.channels,
            "INPUT": s.source.type,
            "HANDED": handed,
        },
    )


def by_taps(s: Synapse) -> npt.NDArray[np.int8]:
    """Weights [kernel height][kernel width][channels]."""
    return np.ascontiguousarray(s.node.weight[:, 0].transpose(1, 2, 0).astype(np.int8))
