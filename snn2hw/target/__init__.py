"""What a chip can hold, as data: a TOML file enters, a chip with every number and its source leaves.

Hardware is never written into the compiler. One module for each section of a file; docs/reference/targets.md describes them all.
"""

from snn2hw.target.cores import Cores
from snn2hw.target.facts import CONFIDENCES, Fact, Span
from snn2hw.target.fpga import Fpga
from snn2hw.target.load import Chip, Target, load_chip, load_target, target_names, targets_folder
from snn2hw.target.lowering import Lowering
from snn2hw.target.microcontroller import Microcontroller
from snn2hw.target.prices import in_base_unit

__all__ = [
    "CONFIDENCES",
    "Chip",
    "Cores",
    "Fact",
    "Fpga",
    "Lowering",
    "Microcontroller",
    "Span",
    "Target",
    "in_base_unit",
    "load_chip",
    "load_target",
    "target_names",
    "targets_folder",
]
