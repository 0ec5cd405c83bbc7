"""Where every value lies in the memory of the C folder: one array for each width, a place used again once it is read.

Arrays of the types that are stored in them, and not bytes: C99 then knows their alignment, and that no two types alias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from snn2hw.backends.c.lifetimes import Life, first_fit, lives, positions
from snn2hw.backends.c.plan import Value, plan, state_types, type_bytes
from snn2hw.backends.c.words import words
from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.layers import IntConv2d, IntLinear

POOLS = {64: "int64_t", 32: "int32_t", 16: "uint16_t", 8: "uint8_t"}  # the widest first: no padding in between
MOST_BYTES = 2**31 - 1  # an index is an int
SMALLER = "compile it for fewer steps or smaller samples, or run it with the executor 'fast'"
STEPWISE = f"write it with --streaming (streaming=True), which holds one step at a time; {SMALLER}"


@dataclass(frozen=True)
class Memory:
    """The layout of a network.

    Args:
        values: by node name: steps and C type. fused: neuron -> the synapse whose sums it takes straight away.
        pointers: by node name: the C expression of where its value lies. sums: by node name of a synapse, the same for the
            sums of one place. loops, states: as in `Plan`, the states as pointers.
        pools: bits -> elements of `snn_memory`'s array of that width.
        streaming: whether a call takes one step, so that states, and the spike values that recurrent edges read, last.
    """

    values: Mapping[str, Value]
    fused: Mapping[str, str]
    pointers: Mapping[str, str]
    sums: Mapping[str, str]
    loops: list[list[str]]
    states: Mapping[str, list[str]]
    pools: Mapping[int, int]
    streaming: bool = False

    @property
    def size(self) -> int:
        """Bytes of `snn_memory`, as compilers lay it out that align a type to its size."""
        total = sum(bits // 8 * n for bits, n in self.pools.items())
        widest = max([32, *self.pools]) // 8
        return -(-total // widest) * widest


def memory(net: IntegerNetwork, streaming: bool = False) -> Memory:
    """Lay a network out; an input that is the same at every step is given, and summed, once.

    Args:
        net: its programs simplified for C. streaming: one step is a call; the network is then one of a single step.

    Raises:
        UnsupportedError: more than an int can count.
    """
    laid = plan(net, 0, net.input.static, streaming)
    lasting = {n.inputs[0] for n in net.feedbacks} if streaming else set()  # read in the next call
    always = (-1, len(net.nodes))  # from before the first layer until after the last
    position, alive = positions(net, laid.fused), lives(net, laid.fused, laid.loops)
    wanted = list[_Wanted]()
    for node in net.nodes:
        at, value, life = position[node.name], laid.values[node.name], alive[node.name]
        if isinstance(node, IntConv2d | IntLinear):
            wanted.append(_Wanted(_sums(node.name), "int32_t", (at, at), sums_elements(node, laid.values[node.inputs[0]])))
        if not isinstance(node, IntInput | IntReadout) and node.name not in laid.fused.values():
            lasts = always if node.name in lasting else life
            wanted.append(_Wanted(node.name, value.type, lasts, value.steps * prod(node.shape)))
        if node.name in laid.states and isinstance(node, IntNeuron):
            for n, kind in enumerate(state_types(node)):
                wanted.append(_Wanted(_state(node.name, n), kind, always if streaming else life, prod(node.shape)))
    pointers, pools = _placed(sorted(wanted, key=lambda w: w.life[0]))
    pointers |= {net.input.name: "input", net.readout.name: "readout"}
    sums = {n.name: pointers.pop(_sums(n.name)) for n in net.nodes if isinstance(n, IntConv2d | IntLinear)}
    states = {n: [pointers.pop(_state(n, k)) for k in range(len(at))] for n, at in laid.states.items()}
    made = Memory(laid.values, laid.fused, pointers, sums, laid.loops, states, pools, streaming)
    given = laid.values[net.input.name].steps * prod(net.input.shape)
    if max(made.size, given) > MOST_BYTES:
        raise UnsupportedError(
            "the network takes more memory than the C folder can address",
            where="one step of its layers, and the states of its neurons" if streaming else "all steps of its layers",
            got=f"{max(made.size, given):,} bytes",
            expected=f"at most {MOST_BYTES:,}",
            do=STEPWISE if not streaming and _fits_stepwise(net) else SMALLER,
        )
    return made


def of_a_step(net: IntegerNetwork) -> IntegerNetwork:
    """What a call of `snn_step` takes: the network of a single step."""
    return replace(net, steps=1)


def _fits_stepwise(net: IntegerNetwork) -> bool:
    try:
        memory(of_a_step(net), streaming=True)
    except UnsupportedError:
        return False
    return True


def sums_elements(node: IntConv2d | IntLinear, source: Value) -> int:
    """Sums of one place and one group, [steps][output channels], and the list of its active inputs where there is one."""
    listed = words(node, source.node)
    return source.steps * (len(node.weight) // groups(node)) + (listed.listed if listed is not None else 0)


def groups(node: IntNode) -> int:
    """Of a convolution; 1 for what has none."""
    return node.groups if isinstance(node, IntConv2d) else 1


@dataclass(frozen=True)
class _Wanted:
    name: str
    type: str
    life: Life
    size: int


def _sums(name: str) -> str:
    return f"sums of {name}"


def _state(name: str, n: int) -> str:
    return f"state {n} of {name}"


def _placed(wanted: Sequence[_Wanted]) -> tuple[dict[str, str], dict[int, int]]:
    """Pointers by name, and how many elements each pool has."""
    pointers, pools = dict[str, str](), dict[int, int]()
    for bits, pool in POOLS.items():
        some = [w for w in wanted if 8 * type_bytes(w.type) == bits]
        for w, offset in zip(some, first_fit((w.life, w.size) for w in some), strict=True):
            pools[bits] = max(pools.get(bits, 0), offset + w.size)
            cast = "" if w.type == pool else f"({w.type} *)"
            pointers[w.name] = f"{cast}memory->w{bits}" + (f" + {offset}" if offset else "")
    return pointers, pools or {8: 1}  # a structure is never empty
