"""Which neurons lie on which core: what the layers need and a target enter, a mapping with its routes leaves.

needs          what a block of a layer needs of a core, without making it; `cutting` chooses how every layer is cut
blocks         the blocks, and what each of them needs; `problem` joins them by nets of neurons that send alike
loads          what an arrangement of blocks on cores needs and sends, exactly; `bound` is what none can do with less
state, search  arrangements with few spikes between cores; `partitioner` asks Mt-KaHyPar where it is installed
placing        cores on chips
result         the mapping, and mapping.json; `picture` draws it
"""

from snn2hw.estimation.mapping.mapper import map_network
from snn2hw.estimation.mapping.result import Mapping

__all__ = ["Mapping", "map_network"]
