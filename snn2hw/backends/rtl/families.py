"""Families of FPGAs: how yosys is called for each, and what a cell that it leaves behind takes of the chip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Resources:
    """What a netlist takes.

    Args:
        luts: sites of look-up tables, those of carry chains and of memories in tables included.
        ffs: flip-flops. brams, dsps: blocks of memory and multipliers, each the smallest of the family.
        lutrams: of `luts` those that are memory. carries: bits of carry chains.
    """

    luts: int = 0
    ffs: int = 0
    brams: int = 0
    dsps: int = 0
    lutrams: int = 0
    carries: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def times(self, count: int) -> Resources:
        """So many of them."""
        return Resources(*(getattr(self, f.name) * count for f in fields(self)))


@dataclass(frozen=True)
class Family:
    """A family of FPGAs.

    Args:
        synth: the command of yosys, @TOP@ for the top, @PART@ for what `part` says of the device. names: of luts, ffs, brams
            and dsps, as its maker calls them.
        cells: what each cell takes, by patterns of its name; the first that matches counts.
        before, after: further commands. part: of yosys, by how the name of a device begins.
        block: kbit of a block of memory. multiplier: how many of the multipliers a product of 18 x 18 bits takes.
    """

    synth: str
    names: tuple[str, str, str, str]
    cells: Mapping[str, Resources]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    part: Mapping[str, str] | None = None
    block: int = 18
    multiplier: int = 1

    def command(self, top: str, device: str) -> str:
        """The command of yosys.

        Args:
            top: the module. device: of the board.
        """
        parts = self.part or {}
        found = next((part for start, part in parts.items() if device.startswith(start)), "")
        return self.synth.replace("@TOP@", top).replace("@PART@", found)

    def takes(self, cell: str) -> Resources | None:
        """What one cell takes; None where nobody knows it."""
        return next((r for pattern, r in self.cells.items() if re.fullmatch(pattern, cell)), None)


_FREE = {r"\$scopeinfo|VCC|GND|.*BUFG?|TRELLIS_IO|SB_IO|SB_GB": Resources()}

FAMILIES: Mapping[str, Family] = {
    "ecp5": Family(
        "synth_ecp5 -top @TOP@",
        ("LUT4", "flip-flops", "EBR of 18 kbit", "MULT18X18D"),
        {
            "LUT4": Resources(luts=1),
            "CCU2C": Resources(luts=2, carries=2),
            "TRELLIS_DPR16X4": Resources(luts=6, lutrams=6),  # 4 that are read, and 2 whose inputs the write port takes
            "TRELLIS_FF": Resources(ffs=1),
            "DP16KD|PDPW16KD": Resources(brams=1),
            "MULT18X18D": Resources(dsps=1),
            "PFUMX|L6MUX21": Resources(),
            **_FREE,
        },
    ),
    "ice40": Family(
        "synth_ice40 -device @PART@ -dsp -top @TOP@",
        ("LUT4", "flip-flops", "EBR of 4 kbit", "SB_MAC16"),
        {
            "SB_LUT4": Resources(luts=1),
            "SB_CARRY": Resources(carries=1),  # beside a table of the same cell
            r"SB_DFF\w*": Resources(ffs=1),
            r"SB_RAM40_4K\w*": Resources(brams=1),
            "SB_MAC16": Resources(dsps=1),
            **_FREE,
        },
        before=("scratchpad -set abc9.verify false",),  # which does not end where a multiplier is made of tables
        part={"up": "u", "lp": "lp", "hx": "hx"},
        block=4,
    ),
    "xilinx": Family(
        "synth_xilinx -family xc7 -flatten -top @TOP@",
        ("LUT6", "flip-flops", "RAMB18", "DSP48E1"),
        {
            "LUT[1-6]|INV": Resources(luts=1),
            "SRL16E|SRLC32E|RAM(32|64)X1S(_1)?": Resources(luts=1, lutrams=1),
            "RAM(32|64)X1D(_1)?|RAM128X1S(_1)?": Resources(luts=2, lutrams=2),
            "RAM(32|64)M|RAM128X1D|RAM256X1S": Resources(luts=4, lutrams=4),
            "CARRY4": Resources(carries=4),
            r"FD[RSCP]E(_1)?": Resources(ffs=1),
            "RAMB18E1": Resources(brams=1),
            "RAMB36E1": Resources(brams=2),
            "DSP48E1": Resources(dsps=1),
            "MUXF[789]": Resources(),
            **_FREE,
        },
    ),
    "gowin": Family(
        "synth_gowin -family @PART@ -noiopads -top @TOP@",
        ("LUT4", "flip-flops", "BSRAM of 18 kbit", "MULT9X9"),
        {
            "LUT[1-4]": Resources(luts=1),
            "ALU": Resources(luts=1, carries=1),
            r"RAM16SDP4|RAM16S4": Resources(luts=6, lutrams=6),  # as of ECP5
            r"RAM16SDP2|RAM16S2": Resources(luts=4, lutrams=4),
            r"RAM16SDP1|RAM16S1": Resources(luts=3, lutrams=3),
            r"DFF\w*": Resources(ffs=1),
            r"(SDPB|SDPX9B|DPB|DPX9B|SP|SPX9|pROM|pROMX9)": Resources(brams=1),
            "MULT9X9": Resources(dsps=1),
            "MULT18X18": Resources(dsps=2),
            "MULT36X36": Resources(dsps=8),
            r"MUX2(_LUT[5678])?": Resources(),
            **_FREE,
        },
        after=("iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O A:top",),  # synth_gowin gives them to inner modules, too
        part={"GW1N": "gw1n", "GW2A": "gw2a"},
        multiplier=2,
    ),
}
