"""What a user says of the size of a design, and the design that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snn2hw.backends.rtl.blocks import BLOCK
from snn2hw.backends.rtl.estimate import Activity
from snn2hw.backends.rtl.families import FAMILIES
from snn2hw.backends.rtl.folding import KINDS, MOST_LANES, Budget, Folded, fastest, folded, smallest
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.synthesis import board
from snn2hw.errors import UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.target import Fpga

SLOWEST, FASTEST = 1, 500  # megahertz
SPARE = 0.8  # of the look-up tables of a board, beyond which place and route gets hard


@dataclass(frozen=True)
class Wanted:
    """Options of the export, as `Rtl.emit` has them."""

    parallel: int | None
    budget: str | Mapping[str, int] | None
    board: str | None
    rate: float | None
    megahertz: float


def chosen(network: IntegerNetwork, wanted: Wanted, activity: Activity) -> Folded:
    """How many lanes the layers get, and the design that has them.

    Args:
        network: of the integer stage. wanted: by the user. activity: how many events its layers have.

    Raises:
        UsageError: options that contradict each other or are out of range, a budget that is too small, a rate out of reach.
    """
    given = [name for name in ("parallel", "budget", "board", "rate") if getattr(wanted, name) is not None]
    if len(given) > 1:
        raise UsageError(
            "the size of the design is stated twice",
            got=", ".join(given),
            expected="one of parallel, budget, board, rate",
            do="leave the others out",
        )
    clock = _clock(wanted.megahertz)
    if wanted.rate is not None:
        if isinstance(wanted.rate, bool) or not isinstance(wanted.rate, int | float) or not wanted.rate > 0:
            raise UsageError(
                "rate is out of range",
                got=repr(wanted.rate),
                expected="samples a second, above 0",
                do="give the samples that it has to take in a second (--rate, rate=)",
            )
        return smallest(network, float(wanted.rate), activity, clock)
    if wanted.budget is not None or wanted.board is not None:
        budget = _budget(wanted.budget) if wanted.budget is not None else of_fpga(board(str(wanted.board))[1])
        return fastest(network, budget, activity, clock)
    lanes = _power(1 if wanted.parallel is None else wanted.parallel)
    return folded(network, Folding(lanes=lanes, megahertz=clock), activity)


def of_fpga(fpga: Fpga) -> Budget:
    """What an FPGA has, in the units of an estimate: blocks of 18 kbit, and multipliers of 18 x 18 bits."""
    family = FAMILIES[fpga.family]
    return Budget(int(fpga.luts * SPARE), fpga.brams * family.block // BLOCK, fpga.dsps // family.multiplier)


def _budget(given: str | Mapping[str, int]) -> Budget:
    """A budget from text or a mapping."""
    pairs = dict(part.split("=", 1) for part in given.split(",") if "=" in part) if isinstance(given, str) else dict(given)
    complete = not isinstance(given, str) or len(pairs) == len(given.split(","))
    try:
        numbers = {name.strip(): int(value) for name, value in pairs.items()}
    except (TypeError, ValueError):
        numbers = {}
    if not complete or not numbers or set(numbers) - set(KINDS) or min(numbers.values()) < 0:
        raise UsageError(
            "the budget cannot be read",
            got=repr(given),
            expected="luts=N,brams=N,dsps=N, or some of them",
            do="state it so, such as luts=5000,brams=20",
        )
    return Budget(**numbers)


def _power(given: int) -> int:
    """The largest power of two up to a number of lanes."""
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_LANES:
        raise UsageError(
            "parallel is out of range",
            got=repr(given),
            expected=f"a whole number from 1 to {MOST_LANES}",
            do="give a number of lanes in this range (--parallel, parallel=); it is rounded down to a power of two",
        )
    return 1 << given.bit_length() - 1


def _clock(given: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not SLOWEST <= given <= FASTEST:
        raise UsageError(
            "megahertz is out of range",
            got=repr(given),
            expected=f"a number from {SLOWEST} to {FASTEST}",
            do="give the clock in MHz (--megahertz, megahertz=)",
        )
    return float(given)
