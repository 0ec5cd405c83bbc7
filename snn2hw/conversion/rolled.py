"""T steps written one after another become one step: what every step does alike, with edges from the step before.

tape:   cur0 = fc(x[0])   spk0 = lif(cur0)   cur1 = fc(x[1])   spk1 = lif(cur1) ...
rolled: cur = fc(x)       spk = lif(cur)
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from snn2hw.conversion.tape import CONSTANT, INPUT, MADE, PARAMETER, Call, Value, flat, mapped
from snn2hw.conversion.times import NONE, ONE, SHOWS, STEPS, SWAPPED, Times, When
from snn2hw.errors import UnsupportedError

SOURCE = "input"  # the key of the model's input
LATE = "from the step before"
_ALIASES = ("getitem", "select", "unbind", "stack", "setitem", "transpose", "swapaxes", "swapdims", "permute", *SHOWS)


@dataclass(frozen=True)
class Edge:
    """What enters a node.

    Args:
        key: of the node that it comes from, or SOURCE.
        place: the how manieth of that node's results it is.
        late: 1 where it comes from the step before, else 0.
    """

    key: Hashable
    place: int = 0
    late: int = 0


@dataclass(eq=False)
class Node:
    """What is done in every step.

    Args:
        key: tells it from others. call: one of the calls that it stands for.
        args, named: with edges in place of what earlier nodes make, and tensors in place of constants and parameters.
        initial: of edges from the step before: what entered in place of it at step 0.
        calls: all of them, by step; one without steps has the step None.
    """

    key: Hashable
    call: Call
    args: tuple[Any, ...]
    named: dict[str, Any]
    initial: dict[Edge, Tensor] = field(default_factory=dict)
    calls: dict[int | None, Call] = field(default_factory=dict)

    @property
    def edges(self) -> list[Edge]:
        """Those among its arguments, in order."""
        return [e for e in flat((self.args, self.named)) if isinstance(e, Edge)]


@dataclass(frozen=True)
class _Ref:
    key: Hashable
    place: int
    step: int | None


@dataclass(frozen=True)
class Parameter:
    """A parameter or buffer of the model, as it is called there."""

    path: str


class Rolled:
    """The nodes that are needed for some values, made as they are asked for.

    Args:
        calls: of the run. times: when each value is. neurons: paths of the layers with state; of theirs only the
            first argument enters, as their states are their own.
    """

    def __init__(self, calls: Sequence[Call], times: Times, neurons: Sequence[str]) -> None:
        self.times, self.nodes = times, dict[Hashable, Node]()
        self._neurons = set(neurons)
        self._keys = dict[int, Hashable]()
        self._instances = dict[Hashable, dict[int | None, Call]]()
        self._signs = dict[Hashable, None]()
        self._ready = False  # numbered all
        self._numbers = dict[Hashable, int]()
        self._stateful = set[Hashable]()
        self._number(calls)

    def edge(self, value: Value) -> Edge:
        """Where a value comes from, all steps taken alike; its node is made, and all that it needs."""
        ref = self._ref(value)
        if ref is None:
            raise _constant_output(value)
        self._need(ref.key)
        return Edge(ref.key, ref.place)

    def first_line(self, keys: Collection[Hashable]) -> str:
        """Where the first of these nodes is written: in the order in which a step calls them."""
        return next(calls[min(calls, key=str)].line for key, calls in self._instances.items() if key in keys)

    def _number(self, calls: Sequence[Call]) -> None:
        """Calls that do the same with the same, step after step, are one node.

        Neurons come first, as they are told by their path; of the others step 0, where states begin, comes last.
        """
        plain = [c for c in calls if c.results and not (c.name in _ALIASES and self._is_alias(c))]
        counted = dict[tuple[Hashable, int | None], int]()
        whens = [self.times[c.results[0]] for c in plain]
        steps = [when.step if when.axes == ONE else None for when in whens]
        for turn in (0, 1, 2):
            for call, step in zip(plain, steps, strict=True):
                if turn == (0 if call.module in self._neurons else 2 if step == 0 else 1):
                    self._enter(call, step, counted)
        self._ready = True

    def _enter(self, call: Call, step: int | None, counted: dict[tuple[Hashable, int | None], int]) -> None:
        sign: Hashable = call.module if call.module in self._neurons else self._sign(call, step)
        if step == 0 and sign not in self._signs:
            sign = next((s for s in self._signs if self._begins(s, sign)), sign)
        if step is None:
            nth = 0  # the same of the same, as of a static sample or of parameters, however often it is asked
        else:
            nth = counted.get((sign, step), 0)
            counted[sign, step] = nth + 1
        self._signs.setdefault(sign)
        key = self._numbers.setdefault((sign, nth), len(self._numbers))
        if call.module in self._neurons:
            self._stateful.add(key)
        self._keys[id(call)] = key
        self._instances.setdefault(key, {}).setdefault(step, call)

    def _sign(self, call: Call, step: int | None) -> Hashable:
        """What a call does, with what; where something comes from the step before, only that it does."""

        def said(thing: Any) -> Any:
            if isinstance(thing, Tensor):
                return "constant", tuple(thing.shape), thing.detach().cpu().double().numpy().tobytes()
            if isinstance(thing, Edge) and thing.late and thing.key not in self._stateful:
                return LATE
            return (type(thing).__name__, thing) if isinstance(thing, Hashable) else repr(thing)

        args, named = self._arguments(call, step)
        layout = "" if step is not None else self.times[call.results[0]].axes
        return call.module or call.name, layout, tuple(map(said, flat((args, tuple(sorted(named.items()))))))

    def _begins(self, usual: Hashable, first: Hashable) -> bool:
        """Whether a call of step 0 has a constant where those of later steps have what the step before made."""
        if (
            not isinstance(usual, tuple)
            or not isinstance(first, tuple)
            or usual[:2] != first[:2]
            or len(usual[2]) != len(first[2])
        ):
            return False
        pairs = list(zip(usual[2], first[2], strict=True))
        return LATE in usual[2] and all(a == b or (a == LATE and self._is_number(b)) for a, b in pairs)

    def _is_number(self, said: Any) -> bool:
        """Whether an operand is a constant, or made of parameters alone."""
        kind, what = said[:2] if isinstance(said, tuple) else ("", None)
        return kind in ("constant", "int", "float") or (isinstance(what, Edge) and self._is_fixed(what.key))

    def _is_fixed(self, key: Hashable) -> bool:
        call = self._instances[key].get(None) if key in self._instances else None
        return call is not None and self.times[call.results[0]].axes == NONE

    def _is_alias(self, call: Call) -> bool:
        """Whether a call only takes steps apart or together, shows a sample T times, or exchanges T and N."""
        (after, *_), before = [self.times[r] for r in call.results], [self.times[v] for v in call.entering]
        if call.name in ("stack", "setitem"):
            return after.axes in (STEPS, SWAPPED)
        if not before:
            return False
        if call.name in ("getitem", "select", "unbind"):
            return before[0].axes in (STEPS, SWAPPED) and after.axes == ONE
        if call.name in SHOWS:
            return after.axes == STEPS and (before[0] == When(ONE) or call.entering[0].shape[:1] == (1,))
        return {before[0].axes, after.axes} == {STEPS, SWAPPED}

    def _ref(self, value: Value) -> _Ref | None:
        """The node and step that make a value; None for constants and parameters."""
        if value.kind == INPUT:
            return _Ref(SOURCE, 0, value.step)
        if value.kind != MADE or value.call is None:
            return None
        call, when = value.call, self.times[value]
        step = when.step if when.axes == ONE else None
        if id(call) in self._keys:
            return _Ref(self._keys[id(call)], value.place, step)
        if call.name in ("stack", "setitem"):
            return self._together(call.entering if call.name == "stack" else self._collected(value), call)
        if not self._ready and not (call.name in _ALIASES and self._is_alias(call)):
            return _Ref(LATE, 0, step)
        below = self._ref(call.entering[0])
        return None if below is None else _Ref(below.key, below.place, step)

    def _together(self, parts: Sequence[Value], call: Call) -> _Ref:
        """What a list of all steps is: one value of every step."""
        refs = [self._ref(p) for p in parts]
        first = refs[0] if refs else None
        if not self._ready and refs and refs[-1] is not None:
            return _Ref(refs[-1].key, refs[-1].place, None)
        steps = self.times.sizes.steps
        alike = first is not None and all(r is not None and (r.key, r.place) == (first.key, first.place) for r in refs)
        if first is None or not alike or (steps is not None and len(parts) != steps):
            raise _uneven(call, f"{len(parts)} values" if alike else "values of different layers")
        return _Ref(first.key, first.place, None)

    def _collected(self, value: Value) -> list[Value]:
        """What was written into a tensor of results, in the order of its steps."""
        written = dict[int, Value]()
        now: Any = value
        while isinstance(now, Value) and now.call is not None and now.call.name == "setitem":
            base, _, entered = now.call.args
            step = self.times[entered].step
            written.setdefault(-1 if step is None else step, entered)
            now = base
        return [written[t] for t in sorted(written)]

    def _need(self, key: Hashable) -> None:
        waiting = [key]
        while waiting:
            next_key = waiting.pop()
            if next_key == SOURCE or next_key in self.nodes:
                continue
            node = self.nodes[next_key] = self._node(next_key)
            waiting += [e.key for e in node.edges]

    def _node(self, key: Hashable) -> Node:
        """One node of all calls of its key, each of which is held against one of them."""
        calls = self._instances[key]
        usual = next((t for t in sorted(t for t in calls if t is not None) if t >= 1), next(iter(calls)))
        node = Node(key, calls[usual], *self._arguments(calls[usual], usual), calls=calls)
        for step, call in calls.items():
            if step != usual:
                self._hold(node, call, step)
        return node

    def _arguments(self, call: Call, step: int | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        def named(thing: Any) -> Any:
            if not isinstance(thing, Value):
                return thing
            if thing.kind == PARAMETER:
                return Parameter(thing.path)
            ref = None if self._is_constant(thing) else self._ref(thing)
            if ref is None:
                return thing.tensor
            late = 0 if step is None or ref.step is None else step - ref.step
            if late not in (0, 1):
                raise _uneven(call, "some steps") if call.name == "stack" else _far(call, late)
            return Edge(ref.key, ref.place, late)

        given = (call.args[:1], {}) if call.module in self._neurons else (call.args, call.named)
        args, kwargs = mapped(named, given)
        return args, kwargs

    def _begins_with(self, got: Any) -> Tensor | None:
        """What enters at step 0, where that is a constant."""
        if isinstance(got, Edge):
            return self._instances[got.key][None].results[got.place].tensor if self._is_fixed(got.key) else None
        return torch.as_tensor(got) if isinstance(got, Tensor | int | float) else None

    def _is_constant(self, value: Value) -> bool:
        """Whether a value was made of constants alone, as by a synapse that hears no spikes yet; not of parameters."""
        if value.kind != MADE or self.times[value].axes != NONE or value.call is None:
            return False
        return bool(value.call.module) or not any(v.kind == PARAMETER or not self._is_made(v) for v in value.call.entering)

    def _is_made(self, value: Value) -> bool:
        return value.kind == CONSTANT or self._is_constant(value)

    def _hold(self, node: Node, call: Call, step: int | None) -> None:
        """A call of another step must do the same; at step 0 a constant may stand for what the step before made."""
        args, named = self._arguments(call, step)
        usual, found = list(flat((node.args, node.named))), list(flat((args, named)))
        if len(usual) != len(found):
            raise _differs(call, step)
        for expected, got in zip(usual, found, strict=True):
            first = self._begins_with(got) if step == 0 and isinstance(expected, Edge) and expected.late else None
            if first is not None:
                node.initial[expected] = first
            elif not _equal(expected, got):
                raise _differs(call, step)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape and bool(torch.equal(a, b))
    return type(a) is type(b) and bool(a == b)


def _differs(call: Call, step: int | None) -> UnsupportedError:
    what = f"step {step} does something else than the other steps" if step is not None else "two calls of one line differ"
    return UnsupportedError(
        what,
        where=f"{call.module or call.name}, {call.line}",
        got=call.module or call.name,
        expected="a loop whose steps are alike",
        do="move what is done once out of the loop, or into the data; a layer with state that a step calls twice is two layers",
    )


def _far(call: Call, late: int) -> UnsupportedError:
    return UnsupportedError(
        "a value of another step enters a layer",
        where=call.line,
        got=f"a value {late} steps old" if late > 0 else "a value of a later step",
        expected="a value of this step, or of the step before",
        do="keep it in a state of a neuron of your own (nn.CustomNeuron)",
    )


def _uneven(call: Call, got: str) -> UnsupportedError:
    return UnsupportedError(
        "a list of results does not hold one value of every step",
        where=call.line,
        got=got,
        expected="the same value of every step, from the first to the last",
        do="append the output of the same layer in every step",
    )


def _constant_output(value: Value) -> UnsupportedError:
    return UnsupportedError(
        "an output of the model does not depend on its input",
        where="the model's output",
        got=f"a constant {list(value.shape)}",
        expected="what a layer makes of the input",
        do="return what a layer makes of the input, and no constant besides",
    )
