"""Random legal neuron programs: every operation, three roundings, several states, constants per channel, wide intermediates.

A program is written line by line; of every value an interval is kept, and what grows beyond 56 bits is first brought down
by a shift, a clamp or a wrap. Values that nothing uses are mixed into the payload, so that an error in any line is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import SPIKES, Attr, Op, Program
from snn2hw.ir.program_rules import check_program
from snn2hw.num import Format, Interval, Rounding, WrapLaw

WIDEST = 56  # bits of an intermediate
PAYLOAD_BITS = 28  # so that the readout of a few steps keeps within int32
FLAG = Interval(0, 1)


@st.composite
def programs(draw: Callable[[Any], Any], wide: bool | None = None) -> Program:
    """A legal program; `wide` asks for intermediates above 32 bits (or below), None leaves it to the draw."""
    writer = _Writer(draw, draw(st.booleans()) if wide is None else wide)
    writer.sources()
    for n in range(draw(st.integers(2, 12))):
        writer.grow(n)
    program = with_narrowest_formats(writer.finish())[0]
    check_program(program)
    return program


@cache  # strategies are slow to make
def _powers(bits: int) -> st.SearchStrategy[int]:
    """Integers of up to `bits` bits, most of them small or next to a power of two."""
    lo, hi = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    near = {s * ((1 << k) + d) for k in range(bits) for d in range(-2, 3) for s in (1, -1)} | {*range(-9, 10)}
    return st.one_of(st.sampled_from(sorted((v for v in near if lo <= v <= hi), key=abs)), st.integers(lo, hi))


@cache
def _up_to(n: int) -> st.SearchStrategy[int]:
    return st.integers(0, n)


@cache
def _one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


@dataclass
class _Writer:
    draw: Callable[[Any], Any]
    wide: bool
    known: dict[str, Interval] = field(default_factory=dict)
    wraps: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    states: dict[str, Interval] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.b = ProgramBuilder(self.draw(_one_of("LNM", "CirculateFiring", "LIF")))
        self.channels = self.draw(st.integers(1, 3))

    def emit(
        self,
        op: Op,
        args: tuple[str, ...] = (),
        attrs: tuple[Attr, ...] = (),
        frac: int | None = None,
        name: str = "",
        width: int = 62,
    ) -> str:
        name = self.b.emit(op, name or f"v{len(self.known)}", args, attrs, frac)
        fmt = Format(width, self.b.frac(name))
        self.known[name] = OPTABLE[op].interval([self.known[a] for a in args], attrs, fmt)
        self.used.update(args)
        if op is Op.WRAP:
            self.wraps[name] = width
        return name

    def bounds(self, bits: int) -> tuple[int, int]:
        """Bounds within `bits` bits: all of them, or any."""
        if self.draw(st.booleans()):
            return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        lo, hi = sorted((self.draw(_powers(bits)), self.draw(_powers(bits))))
        return lo, hi

    def sources(self) -> None:
        for n in range(self.draw(_up_to(3))):
            lo, hi = self.bounds(self.draw(st.sampled_from((32, 36) if self.wide else (8, 24))))
            initial = (lo, hi, lo + (hi - lo) // 2)[self.draw(_up_to(2))]
            self.states[self.emit(Op.STATE, (), (lo, hi, initial), self.frac(), f"u{n}")] = Interval(lo, hi)
        lo, hi = self.bounds(self.draw(st.sampled_from((24, 32) if self.wide else (8, 16, 32))))
        self.emit(Op.INPUT, (), (max(lo, -(2**31) + 1), max(hi, -(2**31) + 1)), self.frac(), "x")

    def frac(self) -> int:
        return int(self.draw(_one_of(0, 0, 0, 1, 4, 9)))

    def rounding(self) -> Rounding:
        rounding: Rounding = self.draw(_one_of(*Rounding))
        return rounding

    def pick(self) -> str:
        """A value written before; late ones are likelier, so that programs are deep."""
        names = [n for n in self.known if not n.endswith("_next")]
        back = self.draw(_up_to(len(names) + 3))
        return names[-1 - (back if back < len(names) else (back - len(names)) % min(4, len(names)))]

    def pick_flag(self) -> str:
        flags = [n for n, i in self.known.items() if i in FLAG and self.b.frac(n) == 0 and not n.endswith("_next")]
        return flags[self.draw(_up_to(len(flags) - 1))] if flags else self.compare()

    def bits(self, name: str) -> int:
        return self.known[name].bits[0] + (not self.known[name].bits[1])

    def fitted(self, name: str, bits: int, ways: tuple[str, ...] = ("shift", "clamp", "wrap")) -> str:
        """The value, shifted, clamped or wrapped if it has more than `bits` bits."""
        excess = self.bits(name) - bits
        if excess <= 0:
            return name
        how = self.draw(_one_of(*ways))
        if how == "shift":  # half_up may round up into the next bit, so one more than the excess
            return self.emit(Op.SHIFT_RIGHT, (name,), (excess + 1, self.rounding()))
        if how == "wrap":
            return self.emit(Op.WRAP, (name,), (self.law(bits),), width=bits)
        return self.emit(Op.CLAMP, (name,), self.bounds(bits))

    def moved(self, name: str, frac: int) -> str:
        """The value at another binary point."""
        while (left := frac - self.b.frac(name)) > 0:
            bits = min(left, 20)
            name = self.emit(Op.SHIFT_LEFT, (self.fitted(name, WIDEST - bits, ("clamp", "wrap")),), (bits,))
        while (right := self.b.frac(name) - frac) > 0:
            name = self.emit(Op.SHIFT_RIGHT, (name,), (min(right, 40), self.rounding()))
        return name

    def aligned(self, count: int = 2) -> list[str]:
        first = self.fitted(self.pick(), WIDEST - 2)
        others = [self.pick() for _ in range(count - 1)]
        return [first, *(self.fitted_at(o, self.b.frac(first)) for o in others)]

    def fitted_at(self, name: str, frac: int) -> str:
        """The value at a binary point, clamped or wrapped there if it has too many bits."""
        return self.fitted(self.moved(name, frac), WIDEST - 2, ("clamp", "wrap"))

    def constant(self) -> str:
        bits = self.draw(st.sampled_from((3, 8, 14, 24) if self.wide else (3, 8, 14)))
        if self.draw(_up_to(2)):
            values = [self.draw(_powers(bits)) for _ in range(self.channels)]
            name = self.b.param(f"v{len(self.known)}", values, self.frac())
            self.known[name] = Interval.of(values)
            return name
        return self.emit(Op.CONST, (), (self.draw(_powers(bits)),), self.frac())

    def compare(self) -> str:
        return self.emit(self.draw(_one_of(Op.GE, Op.GT, Op.EQ)), tuple(self.aligned()))

    def multiplied(self) -> str:
        a, b = (self.fitted(self.pick(), WIDEST // 2) for _ in range(2))
        return self.emit(Op.MUL, (a, b))

    def reduced(self) -> str:
        """select(r >= t, r - t, r): what a reset by subtraction is made of, and what `ranges` refines."""
        r, t = self.aligned()
        flag = self.emit(self.draw(_one_of(Op.GE, Op.GT)), (r, t))
        return self.emit(Op.SELECT, (flag, self.emit(Op.SUB, (r, t)), r))

    def selected(self) -> str:
        flag = self.pick_flag()
        return self.emit(Op.SELECT, (flag, *self.aligned()))

    def shifted_left(self) -> str:
        bits = self.draw(_up_to(20))
        return self.emit(Op.SHIFT_LEFT, (self.fitted(self.pick(), WIDEST - bits),), (bits,))

    def shifted_right(self) -> str:
        return self.emit(Op.SHIFT_RIGHT, (self.pick(),), (self.draw(_up_to(40)), self.rounding()))

    def clamped(self) -> str:
        return self.emit(Op.CLAMP, (self.pick(),), self.bounds(40))

    def wrapped(self) -> str:
        width = self.draw(st.one_of(st.integers(1, 34), st.integers(1, WIDEST)))
        return self.emit(Op.WRAP, (self.pick(),), (self.law(width),), width=width)

    def law(self, width: int) -> WrapLaw:
        """Any law that a format of this width allows."""
        return self.draw(_one_of(*WrapLaw)) if width > 1 else WrapLaw.TWOS_COMPLEMENT

    def wide_extreme(self) -> str:
        """min or max with a constant from where ONNX Runtime's own int64 Min and Max are wrong."""
        value = self.fitted(self.emit(Op.MUL, ("x", self.constant())), 38)
        bound = self.draw(
            st.builds(lambda k, d, s: s * ((1 << k) + d), st.integers(30, 35), st.integers(-9, 9), st.sampled_from((1, -1)))
        )
        other = self.emit(Op.CONST, (), (bound,), self.b.frac(value))
        return self.emit(self.draw(_one_of(Op.MIN, Op.MAX)), (value, other))

    def grow(self, n: int) -> None:
        """One more line, or a few that belong together."""
        if n == 0:
            self.constant()
        if self.wide and n == 0:
            self.wide_extreme()
            return
        pair = [Op.ADD, Op.SUB, Op.MIN, Op.MAX]
        written: list[Callable[[], str]] = [
            self.constant, self.constant, self.compare, self.multiplied, self.multiplied, self.reduced, self.selected,
            self.shifted_left, self.shifted_right, self.clamped, self.wrapped,
            lambda: self.emit(Op.NEG, (self.pick(),)),
            lambda: self.emit(self.draw(_one_of(*pair)), tuple(self.aligned())),
            lambda: self.emit(self.draw(_one_of(*pair)), tuple(self.aligned())),
        ]  # fmt: skip
        name = written[self.draw(_up_to(len(written) - 1))]()
        if not -8 <= self.b.frac(name) <= 24:
            self.moved(name, 0)

    def finish(self) -> Program:
        """Next values of the states, the payload of everything else, and the widths of the wraps."""
        for name, declared in self.states.items():
            value = self.moved(self.pick(), self.b.frac(name))
            if self.known[value] not in declared:
                value = self.emit(Op.CLAMP, (value,), (declared.lo, declared.hi))
            self.emit(Op.OUTPUT, (value,), (name,), name=f"{name}_next")
        payload = self.pick()
        while unread := [n for n in self.known if n not in {*self.used, *self.states, "x", payload} and not n.endswith("_next")]:
            mixed = self.fitted(unread[0], 24)
            a, b = self.fitted(payload, 40), self.moved(mixed, self.b.frac(payload))
            payload = self.emit(self.draw(_one_of(Op.ADD, Op.SUB)), (self.moved(a, self.b.frac(b)), b))
        while self.bits(payload) > PAYLOAD_BITS:
            payload = self.fitted(payload, PAYLOAD_BITS)
        self.emit(Op.OUTPUT, (payload,), (SPIKES,), name=SPIKES)
        program = self.b.program()
        lines = [
            replace(i, format=Format(self.wraps[i.name], i.format.frac)) if i.name in self.wraps else i
            for i in program.instructions
        ]
        return replace(program, instructions=tuple(lines))
