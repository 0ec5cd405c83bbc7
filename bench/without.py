"""`fast` without what it has for some layers alone, to measure what that brings."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.fast.built import Built
from snn2hw.backends.fast.executor import Fast
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints


class OneByOne(Fast):
    """Each sample goes through a network of linear layers by itself."""

    name = "one by one"

    def _readout(self, artefact: Artefact, seen: Ints, still: bool) -> Ints:
        readout = np.empty((seen.shape[1], *artefact.network.readout.shape), np.int64)
        self._one_by_one(self.built(artefact, still), seen, readout)
        return readout


class InBlocks(Fast):
    """Depthwise convolutions are summed as every other is, blocks of output channels at once, each a group of its own."""

    name = "in blocks"

    def _compiled(self, net: IntegerNetwork, still: bool) -> Built:
        with patch.object(Synapse, "depthwise", False):
            return super()._compiled(net, still)
