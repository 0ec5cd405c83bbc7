"""Whether a new expression has the values of the one that it replaces: both are computed for every value of what they depend on.

    old, new : functions of the same variables      proved = (old = new at every place)

Variables are whatever both are made of alone and takes few enough values: the nearest that there is, so that in

    y = shift_right (mul x 16384) 15        y = shift_right x 1

x is it, whatever x is made of. Where a single variable takes too many values, sums, products with constants, shifts and wraps
repeat themselves: if v grows by 2**p, both sides grow by what does not depend on v. Then two such periods are
every value there is, on either side of 0 where a rounding toward zero has a side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, TypeAlias

import numpy as np

from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Instruction, Op, values_of
from snn2hw.num import Interval, Rounding
from snn2hw.simplification.facts import MANY, Expression, Facts, number

MOST = 1 << 21  # values that are tried for one rewrite
CHUNK = 1 << 15  # at a time, which a cache holds
LONGEST = 16  # of periods, as a power of two
CONSTANTS = (Op.CONST, Op.PARAM)

Cone: TypeAlias = "list[Instruction]"  # in order of evaluation, variables left out


def proved(facts: Facts, name: str, made: Expression | str) -> bool:
    """Whether the expression, or the value that has this name already, always is the value `name`.

    Args:
        facts: of the program. name: of the value that is to be replaced. made: what would stand in its place.
    """
    new = () if isinstance(made, str) else made
    ends = made if isinstance(made, str) else made[-1].name
    own = {i.name for i in new}
    enters = [a for i in new for a in i.args if a not in own or a == name] if new else [ends]
    last = "" if new else ends
    cuts = [(v, cone) for v in _cuts(facts, name, enters) if (cone := _cone(facts, [name, *enters], v)) is not None]
    for boxes_of in (_boxes, _periods):
        for variables, cone in cuts:
            both = [*cone, *_renamed(new, name)]
            boxes = boxes_of(facts, variables, both)
            # Of what lies nearer more values are tried than there are: where they differ, those behind it decide.
            if boxes is not None and all(_same(both, name, last, given) for given in _places(boxes, both)):
                return True
    return False


def _renamed(new: Expression, name: str) -> Cone:
    """The new values, of which the last has another name than the old value."""
    return [Instruction("", i.op, i.args, i.attrs, i.format) if i.name == name else i for i in new]


def _cuts(facts: Facts, name: str, enters: Iterable[str]) -> Iterator[list[str]]:
    """Sets of variables, the nearest first: what the new expression reads, one value behind it, what comes from outside."""
    near = [a for a in dict.fromkeys(enters) if _varies(facts, a)]
    if name not in near:
        yield near
    behind = _behind(facts, [name, *near])
    yield from ([v] for v in reversed(behind) if v != name and _varies(facts, v))
    yield [v for v in behind if facts.by_name[v].op in (Op.STATE, Op.INPUT)]


def _varies(facts: Facts, name: str) -> bool:
    return facts.by_name[name].op not in CONSTANTS and facts.constant(name) is None


def _behind(facts: Facts, names: Sequence[str]) -> list[str]:
    """All values that these are made of, in order."""
    seen, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += facts.by_name[name].args
    return [i.name for i in facts.program.instructions if i.name in seen]


def _cone(facts: Facts, names: Sequence[str], variables: Sequence[str]) -> Cone | None:
    """What leads from the variables to the values; None where something else leads to them, too."""
    seen, waiting = set[str](), [n for n in names if n not in variables]
    while waiting:
        i = facts.by_name[waiting.pop()]
        if i.op in (Op.STATE, Op.INPUT):
            return None
        if i.name not in seen:
            seen.add(i.name)
            waiting += [a for a in i.args if a not in variables]
    return [i for i in facts.program.instructions if i.name in seen]


Boxes: TypeAlias = "dict[str, list[Interval]]"  # of every variable, the intervals whose values are tried


def _boxes(facts: Facts, variables: Sequence[str], both: Cone) -> Boxes | None:
    """All values of the variables, where they are not too many."""
    sizes = [facts.known[v].hi - facts.known[v].lo + 1 for v in variables]
    return {v: [facts.known[v]] for v in variables} if prod(sizes) * len(_constants(both)) <= MOST else None


def _periods(facts: Facts, variables: Sequence[str], both: Cone) -> Boxes | None:
    """Two periods on either side of 0, where all that is computed repeats itself."""
    if len(variables) != 1:
        return None
    (v,) = variables
    held = facts.known[v]
    for p in range(LONGEST + 1):
        if _repeats(facts, v, p, both):
            size = 2 << p
            sides = [side for side in (held.meet(lo=0), held.meet(hi=-1)) if side is not None]
            return {v: [Interval(side.lo, min(side.lo + size, side.hi)) for side in sides]}
    return None


def _repeats(facts: Facts, variable: str, p: int, both: Cone) -> bool:
    """Whether every value grows by a constant as the variable grows by 2**p, on either side of 0.

    What the variable is tried for may be more than it can be: what is known of a value that follows from it says nothing here.
    """
    grows: dict[str, int] = {variable: p}  # by a multiple of 2 to the power of this
    reached = {variable: facts.known[variable]}  # wherever the variable is within what is tried
    multiples = {variable}  # of the variable: their sign changes where that of the variable does

    def of(name: str) -> int:
        return grows.get(name, MANY)

    for i in both:
        reached[i.name] = OPTABLE[i.op].interval([reached[a] for a in i.args], i.attrs, i.format)
        if not any(a in grows for a in i.args):
            continue
        if i.op in (Op.ADD, Op.SUB, Op.NEG):
            grows[i.name] = min(map(of, i.args))
        elif i.op is Op.SHIFT_LEFT:
            grows[i.name] = of(i.args[0]) + number(i)
        elif i.op is Op.MUL and sum(a in grows for a in i.args) == 1:
            grows[i.name] = min(map(of, i.args))
        elif i.op is Op.SHIFT_RIGHT and of(i.args[0]) >= number(i) and _on_one_side(i, reached, multiples):
            grows[i.name] = of(i.args[0]) - number(i)
        elif i.op is Op.WRAP and of(i.args[0]) >= i.format.width:
            grows[i.name] = MANY
        else:
            return False
        if i.op in (Op.NEG, Op.SHIFT_LEFT, Op.MUL) and any(a in multiples for a in i.args):
            multiples.add(i.name)
    return True


def _on_one_side(i: Instruction, reached: Mapping[str, Interval], multiples: set[str]) -> bool:
    """Whether a shift rounds one way for all values on one side of 0 of the variable."""
    held = reached[i.args[0]]
    return i.attrs[1] is not Rounding.TOWARD_ZERO or i.args[0] in multiples or held.lo >= 0 or held.hi <= 0


def _constants(both: Cone) -> list[dict[str, int]]:
    """Every combination of constants that some channel has."""
    params = [i for i in both if i.op is Op.PARAM]
    channels = max((len(values_of(i)) for i in params), default=1)
    columns = [values_of(i) * (channels if len(values_of(i)) == 1 else 1) for i in params]
    rows = dict.fromkeys(zip(*columns, strict=True)) if params else {(): None}
    return [dict(zip([i.name for i in params], row, strict=True)) for row in rows]


def _places(boxes: Boxes, both: Cone) -> Iterator[dict[str, Any]]:
    """Values of the variables and of the constants, some at a time."""
    names = list(boxes)
    for constants in _constants(both):
        for box in product(*boxes.values()):
            sizes = [b.hi - b.lo + 1 for b in box]
            for start in range(0, prod(sizes), CHUNK):
                index: Any = np.arange(start, min(start + CHUNK, prod(sizes)), dtype=np.int64)
                places: dict[str, Any] = dict(constants)
                for name, b, size in zip(names, box, sizes, strict=True):
                    places[name] = (index % size if len(names) > 1 else index) + b.lo
                    index = index // size if len(names) > 1 else index
                yield places


def _same(both: Cone, name: str, last: str, given: Mapping[str, Any]) -> bool:
    values: dict[str, Any] = dict(given)
    for i in both:
        if i.name not in values:
            values[i.name] = OPTABLE[i.op].evaluate([values[a] for a in i.args], i.attrs, i.format)
    return bool((np.asarray(values[name]) == values[last]).all())
