"""Which step each value of a run belongs to, and what its first axes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from snn2hw.conversion.tape import INPUT, MADE, Call, Value

ONE, STEPS, SWAPPED, MERGED, REDUCED, NONE = "N", "T, N", "N, T", "T*N", "N, over T", ""

SHOWS = ("repeat", "expand", "unsqueeze")  # of a static sample for T steps


@dataclass(frozen=True)
class When:
    """Of a value.

    Args:
        axes: what its axes begin with: ONE step or the same in all steps, all STEPS, SWAPPED, MERGED,
            REDUCED (a sum or mean over T), NONE (a parameter or constant).
        step: of ONE: which step; None: the same in all steps.
    """

    axes: str
    step: int | None = None


@dataclass(frozen=True)
class Sizes:
    """T and N of the run; T is None where nothing says it yet."""

    steps: int | None
    samples: int


def input_axes(calls: Sequence[Call]) -> str | None:
    """What the first axes of the model's input are, by what the model does with it; None where it does nothing that says so."""
    below = set[Value]()  # made of the input alone, with its first axis
    for call in calls:
        if not call.args or not isinstance(call.args[0], Value):
            continue
        before = call.args[0].shape
        if call.args[0] in below and call.name in SHOWS and call.results[0].shape[1:] == before:
            return ONE
        if call.args[0].kind == INPUT or call.args[0] in below:
            below |= {r for r in call.results if r.shape[:1] == before[:1]}
        if call.args[0].kind != INPUT:
            continue
        axis = _taken_apart(call)
        if axis is not None:
            return (STEPS, SWAPPED)[axis]
        if _swaps(call):
            return SWAPPED
        if call.name in SHOWS and call.results[0].shape[1:] == before:
            return ONE
    return None


def _taken_apart(call: Call) -> int | None:
    """The axis, 0 or 1, along which a call takes single steps out of a tensor."""
    given = call.args[1] if len(call.args) > 1 else call.named.get("dim", 0)
    if call.name == "getitem":
        if isinstance(given, int) or (isinstance(given, tuple) and given and isinstance(given[0], int)):
            return 0
        if isinstance(given, tuple) and len(given) > 1 and given[0] == slice(None) and isinstance(given[1], int):
            return 1
    elif call.name in ("unbind", "select") and given in (0, 1):
        return int(given)
    return None


def step_taken(call: Call, place: int) -> int:
    """Which step a result of such a call is."""
    if call.name == "getitem":
        index = call.args[1]
        return int(index if isinstance(index, int) else index[_taken_apart(call) or 0])
    return place if call.name == "unbind" else int(call.args[2] if len(call.args) > 2 else call.named["index"])


def _swaps(call: Call) -> bool:
    """Whether a call exchanges the first two axes and no other."""
    dims = tuple(call.args[1:]) if call.name != "permute" or not call.args[1:] or isinstance(call.args[1], int) else call.args[1]
    if call.name in ("transpose", "swapaxes", "swapdims"):
        given = dims or (call.named.get("dim0"), call.named.get("dim1"))
        return set(given) == {0, 1}
    rank = len(call.args[0].shape) if call.args and isinstance(call.args[0], Value) else 0
    return call.name == "permute" and tuple(dims) == (1, 0, *range(2, rank))


class Times:
    """When each value is, found call by call.

    Args:
        calls: the run. sizes: T and N. given: the axes of the model's input.
        single, whole: the paths of the layers with state that take one step a call, and all.
    """

    def __init__(self, calls: Sequence[Call], sizes: Sizes, given: str, single: Sequence[str], whole: Sequence[str]) -> None:
        self.sizes, self.given = sizes, given
        self._single, self._whole = set(single), set(whole)
        self._called: dict[str, int] = {}
        self._when: dict[Value, When] = {}
        for call in calls:
            for place, value in enumerate(call.results):
                self._when[value] = self._of(call, place)
            if call.module in self._single:
                self._called[call.module] = self._called.get(call.module, 0) + 1

    def __getitem__(self, value: Value) -> When:
        if value.kind == MADE:
            return self._when[value]
        if value.kind == INPUT:
            return When(ONE, value.step) if value.step is not None else When(self.given)
        return When(NONE)

    def _of(self, call: Call, place: int) -> When:
        if call.module in self._single:
            return When(ONE, self._called.get(call.module, 0))
        entering = [self[v] for v in call.entering]
        if call.module in self._whole:
            every = place == 0 and len(call.results[0].shape) == len(call.entering[0].shape)
            return When(STEPS if every else REDUCED)
        named = _RULES.get(call.name)
        found = named(self, call, place, entering) if named else None
        return found or self._like(call, call.results[place], entering)

    def _like(self, call: Call, result: Value, entering: Sequence[When]) -> When:
        """What most functions make: of values of a step one of the latest of these, of all steps all steps."""
        kinds = {w.axes for w in entering}
        if REDUCED in kinds:
            return When(REDUCED)
        for axes in (STEPS, SWAPPED, MERGED):
            if axes in kinds:
                return self._shaped(call, result, axes)
        if ONE in kinds:
            steps = [w.step for w in entering if w.step is not None]
            return When(ONE, max(steps) if steps else None)
        return When(NONE)

    def _shaped(self, call: Call, result: Value, before: str) -> When:
        """Views may join T and N in one axis, and take them apart again."""
        t, n, shape = self.sizes.steps, self.sizes.samples, result.shape
        if call.name in _RESHAPES and t is not None:
            if before == MERGED and shape[:2] == (t, n):
                return When(STEPS)
            if before == STEPS and shape[:1] == (t * n,) and shape[:2] != (t, n):
                return When(MERGED)
        return When(before)

    def _taken(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        axis = _taken_apart(call)
        if axis is None or not entering or entering[0].axes != (STEPS, SWAPPED)[axis]:
            return None
        step, steps = step_taken(call, place), self.sizes.steps
        return When(ONE, step + steps if step < 0 and steps is not None else step)

    def _stacked(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        axis = call.args[1] if len(call.args) > 1 else call.named.get("dim", 0)
        steps = [w.step for w in entering]
        alike = all(w.axes == ONE and w.step is None for w in entering)
        if not entering or axis not in (0, 1) or not (steps == list(range(len(steps))) or alike):
            return None
        return When((STEPS, SWAPPED)[axis])

    def _written(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        axis = _taken_apart(Call("getitem", "", None, call.args[:2], {}, ""))
        if axis is None or not isinstance(call.args[2], Value) or self[call.args[2]].axes != ONE:
            return None
        return When((STEPS, SWAPPED)[axis])

    def _repeated(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        """A static sample that the model shows T times."""
        before, after = call.args[0].shape, call.results[place].shape
        if entering and entering[0] == When(ONE) and before[:1] == (self.sizes.samples,):
            if after[1:] == before and after[0] != before[0]:
                return When(STEPS)
            if call.name == "unsqueeze" and after == (1, *before):
                return When(STEPS)
        if entering and entering[0].axes == STEPS and before[:1] == (1,) and after[1:] == before[1:]:
            return When(STEPS)
        return None

    def _swapped(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        if _swaps(call) and entering and entering[0].axes in (STEPS, SWAPPED):
            return When(SWAPPED if entering[0].axes == STEPS else STEPS)
        return None

    def _reduced(self, call: Call, place: int, entering: Sequence[When]) -> When | None:
        if entering and entering[0].axes in (STEPS, SWAPPED) and reduced_axis(call) == (STEPS, SWAPPED).index(entering[0].axes):
            return When(REDUCED)
        return None


def reduced_axis(call: Call) -> int | None:
    """The axis of a sum or mean over one axis."""
    axis = call.args[1] if len(call.args) > 1 else call.named.get("dim", call.named.get("axis"))
    if isinstance(axis, tuple | list) and len(axis) == 1:
        (axis,) = axis
    return axis if isinstance(axis, int) else None


_RESHAPES = ("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze")
_Rule = Callable[[Times, Call, int, Sequence[When]], "When | None"]
_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(("getitem", "select", "unbind"), Times._taken),
    **dict.fromkeys(SHOWS, Times._repeated),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "permute"), Times._swapped),
    **dict.fromkeys(("sum", "mean"), Times._reduced),
    "stack": Times._stacked,
    "setitem": Times._written,
}
