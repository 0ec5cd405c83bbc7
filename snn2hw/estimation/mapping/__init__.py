"""Which neurons lie on which core: what the layers need and a target enter, a mapping with its routes leaves.

needs       what a block of a layer needs of a core            state, search  blocks on cores, with few spikes between them
cutting     how every layer is cut into blocks                 partitioner    the same by Mt-KaHyPar, where it is installed
problem     blocks and nets: the hypergraph                    placing        cores on chips
loads       an arrangement, exactly                            result         the mapping, and mapping.json
"""

from snn2hw.estimation.mapping.mapper import map_network
from snn2hw.estimation.mapping.result import Mapping

__all__ = ["Mapping", "map_network"]
