"""Models that compute something else than their certificate says, with every hash made right again; each a function of a seed.

`python -m tests.checker.forged` forges 50 of each kind and prints how many of them `check` and `load` find.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from snn2hw.certificate.bounds import Bounds, layer_bounds, spread
from snn2hw.checker.check import check_claims
from snn2hw.errors import Snn2hwError
from snn2hw.fingerprints import fingerprints
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.formats.onnx.write_layers import value_name
from snn2hw.ir.integer import IntFeedback, IntInput, IntNeuron
from tests.checker.tampering import Written, written_random

NETWORKS, EACH = 40, 50
LOWEST, HIGHEST = -(2**31), 2**31 - 1


@dataclass
class Forger:
    """A model that is changed, where its values reach, and what decides among places."""

    before: Written
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.model: ModelProto = onnx.load_model_from_string(self.before.model)
        (self.scan,) = (n for n in self.model.graph.node if n.op_type == "Scan")
        (self.body,) = (a.g for a in self.scan.attribute if a.name == "body")

    def bounds(self) -> dict[str, tuple[int, int]]:
        """The lowest and highest integer of every value between layers, by its name in the graph."""
        known: dict[str, Bounds] = {}
        layers = {layer["layer"]: layer for layer in self.before.certificate["layers"]}
        net = self.before.network
        for node in net.nodes:
            if isinstance(node, IntInput | IntFeedback):
                known[node.name] = spread(node.shape, [(node.interval.lo, node.interval.hi)])
            elif isinstance(node, IntNeuron):
                known[node.name] = spread(node.shape, [(lo, hi) for lo, hi in layers[node.name]["payloads"]])
            else:
                known[node.name] = layer_bounds(node, [known[i] for i in node.inputs])
        return {value_name(n): (int(known[n.name].lo.min()), int(known[n.name].hi.max())) for n in net.nodes}

    def choose(self, among: list[Any]) -> Any:
        """One of these; None where there are none."""
        return among[int(self.rng.integers(len(among)))] if among else None

    def reaches(self, test: Callable[[int, int], bool]) -> str | None:
        """A value between layers whose ends are so, and which an operator of the steps makes."""
        made = {o for n in self.body.node for o in n.output}
        found: str | None = self.choose([name for name, ends in self.bounds().items() if test(*ends) and name in made])
        return found

    def behind(self, name: str, *ops: tuple[str, list[Any], dict[str, Any]]) -> None:
        """Put operators behind a value: what read it reads what they make of it; a list holds the integers that they take."""
        at = next(k for k, n in enumerate(self.body.node) if name in n.output)
        nodes, last = [copy.deepcopy(n) for n in self.body.node], name
        made = []
        for k, (op, numbers, attributes) in enumerate(ops):
            args = [last]
            for j, number in enumerate(numbers):
                args.append(f"{name}/forged{k}/{j}")
                value = numpy_helper.from_array(np.array(number, np.int32), args[-1])
                made.append(helper.make_node("Constant", [], [args[-1]], name=args[-1], value=value))
            last = f"{name}/forged{k}"
            made.append(helper.make_node(op, args, [last], name=last, **attributes))
        for n in nodes[at + 1 :]:
            n.input[:] = [last if i == name else i for i in n.input]
        del self.body.node[:]
        self.body.node.extend([*nodes[: at + 1], *made, *nodes[at + 1 :]])

    def through(self, name: str, kind: int) -> str:
        """Cast a value to a type and back."""
        self.behind(name, ("Cast", [], {"to": kind}), ("Cast", [], {"to": TensorProto.INT32}))
        return f"'{name}' through {TensorProto.DataType.Name(kind)}"

    def start(self, at: int, value: int) -> str:
        """Let what is carried at this place start elsewhere."""
        (old,) = (n for n in self.model.graph.node if n.output[0] == self.scan.input[at])
        kind = helper.tensor_dtype_to_np_dtype(self.body.input[at].type.tensor_type.elem_type)
        node = helper.make_node("Constant", [], ["forged"], value=numpy_helper.from_array(np.array(value, kind), "forged"))
        old.input[0] = "forged"
        self.model.graph.node.insert(0, node)
        return f"'{self.body.input[at].name}' starts at {value}"


Forge = Callable[[Forger], "str | None"]  # what was done, in words; None where the network has no place for it


def _like_an_operator(f: Forger) -> str | None:
    """A local function called Add, Max, ... in a domain of its own, which gives its first argument."""
    node = f.choose(
        [n for n in f.body.node if not n.domain and n.op_type in ("Add", "Mul", "Max", "MatMul") and len(n.input) == 2]
    )
    if node is None:
        return None
    domain = f.choose(["evil", "ai.onnx", "com.microsoft", "snn2hw", "snn2hw.evil"])
    inner = helper.make_node("Identity", ["a"], ["c"])
    f.model.functions.append(
        helper.make_function(domain, node.op_type, ["a", "b"], ["c"], [inner], [helper.make_opsetid("", 21)])
    )
    f.model.opset_import.append(helper.make_opsetid(domain, 1))
    node.domain = domain
    return f"{domain}.{node.op_type} for '{node.output[0]}'"


def _other_function(f: Forger) -> Any:
    """A copy of a layer's function that fires nothing."""
    function = copy.deepcopy(f.choose([g for g in f.model.functions if not g.domain.startswith("lowered.")]))
    (out,) = (n for n in function.node if n.output[0] == "out/spikes")
    zero = helper.make_node("Sub", [out.input[0]] * 2, ["forged"])
    out.input[0] = "forged"
    nodes = [copy.deepcopy(n) for n in function.node]
    at = next(k for k, n in enumerate(nodes) if n.output[0] == "out/spikes")
    del function.node[:]
    function.node.extend([*nodes[:at], zero, *nodes[at:]])
    return function


def _call(f: Forger, domain: str) -> Any:
    (call,) = (n for n in f.body.node if n.domain == domain)
    return call


def _two_in_a_domain(f: Forger) -> str | None:
    function = _other_function(f)
    call = _call(f, function.domain)
    function.name = call.op_type + "2"
    call.op_type = function.name
    f.model.functions.insert(f.choose([0, len(f.model.functions)]), function)
    return f"two functions in '{function.domain}'"


def _silent(f: Forger) -> str | None:
    """What is called fires nothing; the lowered function, of which all claims are, does."""
    function = _other_function(f)
    (called,) = (g for g in f.model.functions if g.domain == function.domain)
    called.CopyFrom(function)
    return f"a silent function in '{function.domain}'"


def _lowered_called(f: Forger) -> str | None:
    """What nothing has to call is called in the place of what has to."""
    domain = _other_function(f).domain
    _call(f, domain).domain = f"lowered.{domain}"
    return f"a call of the lowered function in '{domain}'"


def _overload(f: Forger) -> str | None:
    function = _other_function(f)
    function.overload = "forged"
    _call(f, function.domain).overload = "forged"
    f.model.functions.insert(f.choose([0, len(f.model.functions)]), function)
    return f"an overload in '{function.domain}'"


def _int8(f: Forger) -> str | None:
    name = f.reaches(lambda lo, hi: lo < -128 or hi > 127)
    return name and f.through(name, TensorProto.INT8)


def _bool(f: Forger) -> str | None:
    name = f.reaches(lambda lo, hi: lo < 0 or hi > 1)
    return name and f.through(name, TensorProto.BOOL)


def _floats(f: Forger) -> str | None:
    name = f.choose([value_name(f.before.network.readout), f.reaches(lambda lo, hi: hi > 256)])
    return name and f.through(name, f.choose([TensorProto.BFLOAT16, TensorProto.FLOAT16, TensorProto.FLOAT]))


def _input(f: Forger) -> str | None:
    """The samples as INT8 (or as UINT8 where they can be negative)."""
    lo, hi = f.before.network.input.interval.lo, f.before.network.input.interval.hi
    kinds = [k for k, low, high in ((TensorProto.INT8, -128, 127), (TensorProto.UINT8, 0, 255)) if lo < low or hi > high]
    cast = next(n for n in f.body.node if n.input[:1] == [f.body.input[-1].name])
    if not kinds:
        return None
    kind = f.choose(kinds)
    cast.attribute[0].i = kind
    narrow = cast.output[0] + "/narrow"
    cast.output[0] = narrow
    made = helper.make_node("Cast", [narrow], [narrow.removesuffix("/narrow")], name="forged", to=TensorProto.INT32)
    at = next(k for k, n in enumerate(f.body.node) if n.output[0] == narrow)
    f.body.node.insert(at + 1, made)
    return f"the samples through {TensorProto.DataType.Name(kind)}"


def _readout(f: Forger) -> str | None:
    """Logits whose sum over the steps leaves int32, though none of them does."""
    name, steps = value_name(f.before.network.readout), f.before.network.steps
    ends = f.bounds()[name]
    most = max(abs(end) for end in ends)
    if not most or steps < 2:
        return None
    factor = (2**31 - 1) // most
    if factor < 1 or steps * factor * most <= 2**31:
        return None
    f.behind(name, ("Mul", [factor], {}))
    return f"logits of +-{factor * most}, {steps} steps"


def _outside(f: Forger) -> str | None:
    tensors = [*f.body.initializer, *(a.t for n in f.body.node for a in n.attribute if a.HasField("t"))]
    tensor = f.choose(tensors)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", f.choose(["weights.bin", "/dev/zero", "../x"])
    return f"'{tensor.name}' in {entry.value}"


def _lower_end(f: Forger) -> str | None:
    """Beyond the lower end of a type alone."""
    kinds = [
        (TensorProto.INT8, -128, 127),
        (TensorProto.UINT8, 0, 255),
        (TensorProto.UINT16, 0, 65535),
        (TensorProto.INT16, -(2**15), 2**15 - 1),
    ]
    for kind, low, high in f.rng.permutation(np.array(kinds)).tolist():
        if name := f.reaches(lambda lo, hi, low=low, high=high: lo < low and hi <= high):
            return f.through(name, kind)
    return None


def _initial(f: Forger) -> str | None:
    """A state that starts outside what the certificate claims of it; its type holds it."""
    states = [(n.name, s) for n in f.before.network.neurons for s in n.program.states]
    name, state = f.choose(states) if states else ("", "")
    if not name:
        return None
    (layer,) = (c for c in f.before.certificate["layers"] if c["layer"] == name)
    lo, hi = layer["states"][state]["interval"]
    return f.start(1 + states.index((name, state)), int(f.choose([lo - 1, hi + 1])))


def _from_elsewhere(f: Forger) -> str | None:
    return f.start(0, int(f.choose([-1, 1, 7, 1000])))


def _negative(f: Forger) -> str | None:
    name = f.reaches(lambda lo, hi: lo != hi)
    if name is None:
        return None
    factor = int(f.choose([-1, -2, -3]))
    f.behind(name, ("Mul", [factor], {}))
    return f"'{name}' times {factor}"


KINDS: dict[str, Forge] = {
    "a local function called like an operator": _like_an_operator,
    "two functions in one domain": _two_in_a_domain,
    "an overload": _overload,
    "a function that fires nothing": _silent,
    "a call of the lowered function": _lowered_called,
    "a value cast through INT8": _int8,
    "a value cast through BOOL": _bool,
    "a value cast through floats": _floats,
    "the samples cast to a narrower type": _input,
    "a readout beyond int32": _readout,
    "weights in another file": _outside,
    "beyond the lower end of a type": _lower_end,
    "a state that starts outside its interval": _initial,
    "a readout that does not start at 0": _from_elsewhere,
    "a product with a negative number": _negative,
}


@dataclass(frozen=True)
class Forged:
    """A forged model, what was done to it, and the certificate of the model that it was, with the hashes of this one."""

    says: str
    model: bytes
    certificate: dict[str, Any]


def forged(kind: str, wanted: int, networks: int = NETWORKS) -> Iterator[Forged]:
    """So many of a kind, of so many networks; those that have no place for it are passed over."""
    seed = 0
    while wanted:
        rng = np.random.default_rng([seed, *kind.encode()])
        f = Forger(written_random(int(rng.integers(networks)), int(rng.choice([8, 9]))), rng)
        seed += 1
        assert seed < 2000, f"no network has a place for {kind}"
        if says := KINDS[kind](f):
            data = f.model.SerializeToString(deterministic=True)
            yield Forged(f"seed {seed - 1}: {says}", data, {**f.before.certificate, "model": fingerprints(data)})
            wanted -= 1


def found_by_check(made: Forged) -> list[str]:
    """What check says of it; and where it can derive claims, of it with a certificate that holds just those."""
    checked = check_claims(made.model, made.certificate)
    if checked.certificate and checked.failures:
        checked = check_claims(made.model, checked.certificate)
    return [str(f) for f in checked.failures]


def found_by_load(made: Forged) -> bool:
    """Whether the network that the model states is another, or none."""
    try:
        return to_onnx(from_onnx(made.model))[0] != made.model
    except Snn2hwError:
        return True


def main() -> int:
    """Print the table; 1 where one was not found."""
    print(f"{'forged':45} {'models':>7} {'check':>7} {'load':>7}")
    missed = 0
    for kind in KINDS:
        models = list(forged(kind, EACH))
        checks, loads = (sum(bool(find(m)) for m in models) for find in (found_by_check, found_by_load))
        missed += 2 * len(models) - checks - loads
        print(f"{kind:45} {len(models):7} {checks:7} {loads:7}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
