"""Whether model.onnx has the one form whose meaning the rest of the checker knows. What ONNX allows besides is refused by name.

ONNX lets a file say one thing and a reader of it see another: a function may be called like an operator, two functions may
share a domain, weights may lie elsewhere, an attribute may turn an operator's meaning. So everything that is not on the lists
below is a fault, whether or not it would change a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import onnx
from onnx import AttributeProto, TensorProto

OPSET = 21  # of which every operator's meaning is taken
PREFIX = "snn2hw."  # a layer's function has the domain 'snn2hw.<layer>'
LOWERED = "lowered."  # before that domain: the layer's program as it was lowered, which nothing calls
INTEGERS = ("UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "BOOL")
STORED = ("raw_data", "int32_data", "int64_data", "float_data", "double_data", "uint64_data", "string_data")

# The numbers of arguments that an operator takes here, and the attributes that it has, no more and no fewer.
ONE, TWO, THREE = {1}, {2}, {3}
SHAPES: dict[str, tuple[set[int], dict[str, int]]] = {
    **dict.fromkeys(("Identity", "Neg", "Shape"), (ONE, {})),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Equal", "Less", "Greater", "GreaterOrEqual"), (TWO, {})),
    **dict.fromkeys(("MatMul", "Reshape", "Expand"), (TWO, {})),
    **dict.fromkeys(("Clip", "Where", "Pad"), (THREE, {})),
    "Slice": ({3, 5}, {}),
    "MatMulInteger": ({2, 3, 4}, {}),
    "Constant": ({0}, {"value": AttributeProto.TENSOR}),
    "Cast": (ONE, {"to": AttributeProto.INT}),
    "Transpose": (ONE, {"perm": AttributeProto.INTS}),
    "ReduceSum": (TWO, {"keepdims": AttributeProto.INT}),
    "Concat": (set(range(1, 1 << 16)), {"axis": AttributeProto.INT}),
    "Scan": (set(range(1, 1 << 16)), {"body": AttributeProto.GRAPH, "num_scan_inputs": AttributeProto.INT}),
}


def layer_of(domain: str) -> str:
    """The layer whose function lives in a domain; ONNX has its name with %XX for all but letters, digits and _ . - ~"""
    return unquote(domain.removeprefix(PREFIX), errors="surrogatepass")


def spelled(layer: str) -> str:
    """A layer's name as ONNX has it."""
    return quote(layer, safe="", errors="surrogatepass")


def form_faults(model: Any) -> Iterator[str]:
    """What of a model is not as it has to be, in words."""
    yield from _versions(model)
    yield from _functions(model)
    scans = [n for n in model.graph.node if n.op_type == "Scan"]
    bodies = [a.g for n in scans for a in n.attribute if a.name == "body"]
    if len(bodies) != 1:
        yield f"the graph has {len(bodies)} loops over the steps, not one"
    taken: set[str] = set()  # a name that stands for two values, one within and one around the steps, is read in two ways
    for graph in (*bodies, model.graph):
        yield from _graph(graph, taken)
    calls = Counter((n.domain, n.op_type) for graph in bodies for n in graph.node if n.domain)
    lowered = {f.domain: f for f in model.functions if f.domain.startswith(LOWERED)}
    for f in model.functions:
        if f.domain.startswith(LOWERED):
            continue
        if calls.pop((f.domain, f.name), 0) != 1:
            yield f"the function '{f.name}' in the domain '{f.domain}' is not called exactly once"
        of = lowered.pop(LOWERED + f.domain, None)
        if of is None or (of.name, *of.output, *of.input) != (f.name, *f.output, *f.input[: len(of.input)]):
            yield f"the function '{f.name}' in the domain '{f.domain}' has no lowered one that takes and gives the same"
    yield from (f"the lowered function in the domain '{domain}' is that of no layer" for domain in lowered)
    yield from (f"'{op}' in the domain '{domain}' is called, and no layer's function" for domain, op in calls)


def _versions(model: Any) -> Iterator[str]:
    stated = sorted((o.domain, o.version) for o in model.opset_import)
    if stated != sorted({("", OPSET), *((f.domain, 1) for f in model.functions)}):
        yield f"the operator sets are {stated}, not number {OPSET} and one for each function"
    keys = [p.key for p in model.metadata_props]
    if model.training_info or len(set(keys)) != len(keys):
        yield "the file holds a training, or one piece of metadata twice"


def _functions(model: Any) -> Iterator[str]:
    domains = Counter(f.domain for f in model.functions)
    for f in model.functions:
        named = f"the function '{f.name}' in the domain '{f.domain}'"
        if PREFIX + spelled(layer_of(f.domain.removeprefix(LOWERED))) != f.domain.removeprefix(LOWERED):
            yield f"{named} is no layer's: those are in '{PREFIX}<layer>'"
        if domains[f.domain] > 1:
            yield f"{named} is one of {domains[f.domain]} in this domain"
        if f.name in SHAPES:
            yield f"{named} is called like an operator of ONNX"
        if f.overload or f.attribute or f.attribute_proto or f.value_info:
            yield f"{named} has an overload, attributes or stated types"
        if [(o.domain, o.version) for o in f.opset_import] != [("", OPSET)]:
            yield f"{named} uses other operators than those of ONNX, number {OPSET}"
        if list(f.input[:1]) != ["in"] or list(f.output[:1]) != ["out/spikes"]:
            yield f"{named} does not take its sum first and give its spikes first"
        yield from (f"{named}: {fault}" for fault in _nodes(f.node, list(f.input), list(f.output), within=True))


def _graph(graph: Any, taken: set[str]) -> Iterator[str]:
    if graph.sparse_initializer or graph.quantization_annotation or graph.value_info:
        yield f"'{graph.name}' has sparse weights, stated types or annotations"
    yield from (fault for t in graph.initializer for fault in tensor_faults(t))
    given = [*(t.name for t in graph.initializer), *(i.name for i in graph.input)]
    yield from _nodes(graph.node, given, [o.name for o in graph.output], within=False)
    own = {*given, *(o for n in graph.node for o in n.output)}
    if again := sorted(own & taken):
        yield f"'{again[0]}' stands for a value within the steps and for one around them"
    taken |= own


def _nodes(nodes: Any, given: list[str], wanted: list[str], within: bool) -> Iterator[str]:
    """Of a list of nodes: every value is made once, and used only after it was, here and nowhere around."""
    made = Counter(given)
    for node in nodes:
        yield from _node(node, within)
        yield from (f"'{i}' is used before it is made" for i in node.input if i not in made)
        made.update(node.output)
    yield from (f"'{name}' is made {count} times" for name, count in made.items() if count > 1)
    yield from (f"'{name}' leaves and is never made" for name in wanted if name not in made)


def _node(node: Any, within: bool) -> Iterator[str]:
    named = f"{node.domain}{'.' if node.domain else ''}{node.op_type} '{node.output[0] if node.output else ''}'"
    if node.overload:
        yield f"{named} calls the overload '{node.overload}'"
    if node.domain:  # a layer's function: `form_faults` counts the calls
        if within or node.attribute:
            yield f"{named} is called within a function, or with attributes"
        return
    counts, attributes = SHAPES.get(node.op_type, (set(), {}))
    if len(node.input) not in counts or (node.op_type != "Scan" and len(node.output) != 1):
        yield f"{named} is no operator that is known here, or has {len(node.input)} arguments"
    if {a.name: a.type for a in node.attribute} != attributes or len(node.attribute) != len(attributes):
        yield f"{named} has the attributes {[a.name for a in node.attribute]}, not {[*attributes]}"
    for a in node.attribute:
        if a.ref_attr_name:
            yield f"{named} takes '{a.name}' from elsewhere"
        if a.type == AttributeProto.TENSOR:
            yield from (f"{named}: {fault}" for fault in tensor_faults(a.t))


def tensor_faults(tensor: Any) -> Iterator[str]:
    """Why the integers of a tensor are not those that everybody reads from it."""
    if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
        yield f"the tensor '{tensor.name}' lies in another file"
    held = [field for field in STORED if len(getattr(tensor, field))]
    if len(held) > 1 or tensor.HasField("segment") or min(tensor.dims, default=1) < 1:
        yield f"the tensor '{tensor.name}' holds its values in {held}, in part or not at all"
    if tensor.data_type not in {getattr(TensorProto, name) for name in INTEGERS}:
        yield f"the tensor '{tensor.name}' holds {onnx.TensorProto.DataType.Name(tensor.data_type)}, no integers"
