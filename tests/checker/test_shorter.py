"""Simplified programs, proved once more by the checker: those that there are, and none with a fault in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import onnx
import pytest

from snn2hw.checker.derive import derive
from snn2hw.checker.form import form_faults
from snn2hw.checker.neuron import Neuron, Seen
from snn2hw.checker.shorter import FORMS, Both, combined, divided, number, term
from snn2hw.errors import Snn2hwError
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.formats.onnx.write_program import program_function
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.num import Format, Rounding
from snn2hw.simplification import simplified
from tests.checker.tampering import Written, written
from tests.hand_networks import circulate, compiled, every_kind, every_kind_sample, neuron, one_neuron
from tests.random_networks import compiled as compiled_case
from tests.random_networks import random_case


def faults(made: Written, programs: dict[str, Program]) -> list[str]:
    """What the checker finds where these programs are called for layers, and simplified ones for the others."""
    called = {n.program: programs[n.name] for n in made.network.neurons if n.name in programs}
    return faults_of(made, to_onnx(made.network, lambda p: called.get(p, simplified(p)))[0])


def faults_of(made: Written, model: bytes) -> list[str]:
    layers = made.certificate["layers"]
    states = {n["layer"]: {s: v["interval"] for s, v in n["states"].items()} for n in layers}
    edges = {n: e["interval"] for n, e in made.certificate.get("feedbacks", {}).items()}
    assert list(form_faults(onnx.load_model_from_string(model))) == []
    found: list[str] = derive(model, states, edges)[2]
    return found


def with_line(program: Program, changed: Instruction) -> Program:
    """The program with this value in place of the one of its name; a constant has a name of its own then."""
    name = f"{changed.name}_other" if changed.op is Op.PARAM else changed.name
    renamed = {changed.name: name}
    lines = (replace(changed, name=name) if i.name == changed.name else i for i in program.instructions)
    return replace(program, instructions=tuple(replace(i, args=tuple(renamed.get(a, a) for a in i.args)) for i in lines))


def spoiled(program: Program, channels: int) -> Iterator[Program]:
    """The program with one number of it changed by one, a constant in the last channel alone."""
    for i in program.instructions:
        if i.op in (Op.CONST, Op.SHIFT_LEFT, Op.SHIFT_RIGHT, Op.CLAMP):
            changed = replace(i, attrs=(i.attrs[0] + 1, *i.attrs[1:]))  # type: ignore[operator]
        elif i.op is Op.PARAM:
            *others, last = np.broadcast_to(values_of(i), channels).tolist()
            changed = replace(i, attrs=((*others, last + 1),))
        else:
            continue
        yield with_line(program, changed)


def proved_and_spoiled(made: Written, most: int | None = None) -> tuple[int, int]:
    """Layers whose simplified program is proved, all of them, and faults that were noticed, every one of `most` a layer."""
    programs = {n.name: simplified(n.program) for n in made.network.neurons}
    channels = {n.name: n.shape[0] for n in made.network.neurons}
    assert faults(made, programs) == []
    many = 0
    for name, program in programs.items():
        for wrong in islice(spoiled(program, channels[name]), most):
            assert faults(made, {name: wrong}), (name, wrong)
            many += 1
    return len(programs), many


def firing() -> Written:
    """Rounds of circulate firing, whose closed form has to be tried."""
    return written(compiled(one_neuron(circulate("n", "fc", (1.0, 1.0, 1.0)))).network)


def test_circulate_firing_in_closed_form() -> None:
    made = firing()
    assert not simplified(made.network.neurons[0].program).of(Op.GE)
    layers, many = proved_and_spoiled(made)
    assert layers == 1
    assert many >= 4


def test_a_layer_whose_channels_are_alike_is_asked_for_each_of_them() -> None:
    """Channels that are alike in model.onnx share a group; in the shorter function they may differ."""
    leaky = neuron("n", "fc", coefficients=((0.0, 0.3),))
    made = written(compiled(one_neuron(leaky)).network)
    (node,) = made.network.neurons
    short = simplified(node.program)
    assert node.shape[0] > 1
    assert all(len(values_of(i)) == 1 for i in node.program.of(Op.PARAM))
    assert short.of(Op.PARAM)
    for i in short.of(Op.PARAM):
        *others, last = values_of(i) * node.shape[0]
        for values, right in (((*others, last), True), ((*others, last + 99), False)):
            assert (faults(made, {node.name: with_line(short, replace(i, attrs=(values,)))}) == []) == right
        found = faults(made, {node.name: with_line(short, replace(i, attrs=((last,) * (node.shape[0] + 1),)))})
        assert found == ["a constant of n is not one for all or one for each channel"]


def test_what_a_type_cannot_hold_is_found_though_it_is_equal() -> None:
    """A product beyond 32 bits that is divided again: the function would run in int32, where it wraps around."""
    made = firing()
    (node,) = made.network.neurons
    short = simplified(node.program)
    (i,) = (i for i in short.of(Op.SHIFT_RIGHT) if i.attrs[1] is Rounding.TOWARD_ZERO)
    wide = Instruction("wide", Op.SHIFT_LEFT, i.args, (17,), Format(31, 0))  # so that the writer takes int32 to be enough
    again = replace(i, args=("wide",), attrs=(i.attrs[0] + 17, i.attrs[1]))  # type: ignore[operator]
    lines = [n for j in short.instructions for n in ((wide, again) if j is i else (j,))]
    (fault,) = faults(made, {node.name: replace(short, instructions=tuple(lines))})
    assert fault.startswith("layer n: 'wide' of the simplified program reaches [-")
    assert fault.endswith("], which INT32 cannot hold")


def edited(made: Written, edit: Callable[[Any, Any], None]) -> bytes:
    """The model with its only layer's function, and what calls it, changed."""
    model = onnx.load_model_from_string(made.model)
    (called,) = (f for f in model.functions if f.domain.startswith("snn2hw."))
    bodies = [a.g for n in model.graph.node for a in n.attribute if a.name == "body"]
    (call,) = (n for graph in bodies for n in graph.node if n.domain == called.domain)
    edit(called, call)
    return model.SerializeToString(deterministic=True)


def test_inputs_are_told_apart_by_what_enters_not_by_their_names() -> None:
    made = firing()
    (node,) = made.network.neurons
    state, entering = node.program.states["u"].name, node.program.input.name
    swapped = {state: entering, entering: state}

    def rename(names: dict[str, str], everywhere: bool) -> Callable[[Any, Any], None]:
        def edit(function: Any, _: Any) -> None:
            for n in function.node:
                n.output[:] = [names.get(a, a) for a in n.output]
                n.input[:] = [names.get(a, a) for a in n.input] if everywhere else n.input

        return edit

    for names, everywhere, right in (({entering: "another"}, True, True), (swapped, True, True), (swapped, False, False)):
        found = faults_of(made, edited(made, rename(names, everywhere)))
        assert (found == []) == right, (names, everywhere, found)


def test_what_enters_the_called_function_alone_is_refused() -> None:
    def enters(function: Any, call: Any) -> None:
        function.input.append("in/more")
        function.node.insert(0, onnx.helper.make_node("Cast", ["in/more"], ["more"], to=onnx.TensorProto.INT32))
        call.input.append(call.input[0])

    made = firing()
    assert faults_of(made, edited(made, enters)) == ["layer n: 'in/more' of the simplified program does not enter the layer"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda function, call: (function.output.pop(), call.output.pop()),
        lambda function, call: (function.input.pop(), call.input.pop()),
        lambda function, call: setattr(function, "domain", "snn2hw.another") or setattr(call, "domain", "snn2hw.another"),
        lambda function, call: setattr(function, "name", "Another") or setattr(call, "op_type", "Another"),
    ],
)
def test_a_function_takes_and_gives_what_the_lowered_one_does(edit: Callable[[Any, Any], None]) -> None:
    model = onnx.load_model_from_string(edited(firing(), edit))
    assert any("has no lowered one that takes and gives the same" in fault for fault in form_faults(model))


@pytest.mark.slow
def test_every_kind_of_neuron() -> None:
    layers, many = proved_and_spoiled(written(compiled(every_kind(), every_kind_sample()).network), most=2)
    assert layers >= 2
    assert many >= 4


@pytest.mark.slow
def test_random_networks() -> None:
    layers = 0
    for seed in range(6):
        try:
            net = compiled_case(random_case(seed)).network
        except Snn2hwError:
            continue
        made = written(net)
        assert faults(made, {n.name: simplified(n.program) for n in net.neurons}) == [], seed
        layers += len(net.neurons)
    assert layers > 5


@pytest.mark.parametrize(("lo", "hi"), [(-40, 40), (0, 90), (-90, -1), (-90, 0)])
@pytest.mark.parametrize(("times", "plus", "by"), [(4, 0, 8), (6, 4, 8), (5, -3, 4), (-12, 8, 6), (16, 8, 16), (3, 1, 1)])
def test_forms_of_quotients_are_those_quotients(lo: int, hi: int, times: int, plus: int, by: int) -> None:
    """A form is worked out by what its terms mean, and its ends hold every value."""
    made = divided(combined(number(plus), term("x", lo, hi), times), by)
    x = np.arange(lo, hi + 1)
    a = times * x + plus
    assert (meant(made.factors, made.constant, x) == np.sign(a) * (np.abs(a) // by)).all()
    assert made.lo <= meant(made.factors, made.constant, x).min()
    assert made.hi >= meant(made.factors, made.constant, x).max()


@pytest.mark.parametrize("times", [-4, 4, 12])
def test_a_form_whose_floor_it_holds_already_has_it_once_more(times: int) -> None:
    """(4 * floor(x / 4) + x + 100) / 4 = 2 * floor(x / 4) + 25, and without a term where they cancel."""
    quarter, x = divided(term("x", 0, 100), 4), np.arange(101)
    made = divided(combined(combined(term("x", 0, 100), number(100)), quarter, times), 4)
    a = x + times * (x // 4) + 100
    assert (meant(made.factors, made.constant, x) == a // 4).all()
    assert made.lo <= (a // 4).min()
    assert made.hi >= (a // 4).max()
    assert bool(made.factors) == (times != -4)


def meant(factors: object, constant: int, x: np.ndarray) -> np.ndarray:
    total = np.full(x.shape, constant)
    for of, n in factors:  # type: ignore[attr-defined]
        if of == "x":
            total = total + n * x
        else:
            kind, inner, plus, by = of
            a = meant(inner, plus, x)
            total = total + n * (a // by if kind == "floor" else np.sign(a) * (np.abs(a) // by))
    return total


def test_equal_quotients_have_one_form() -> None:
    x = term("x", -100, 100)
    assert divided(combined(number(0), x, 16384), 32768).same(divided(x, 2))
    assert not divided(x, 2).same(divided(combined(x, number(1)), 2))
    positive = term("y", 0, 100)
    assert divided(combined(positive, number(64)), 8).same(combined(divided(positive, 8), number(8)))
    assert not divided(combined(x, number(64)), 8).same(combined(divided(x, 8), number(8)))


def test_what_is_within_a_register_stays_as_it_is_when_it_wraps() -> None:
    """x - 2**n * floor((x + 2**(n-1)) / 2**n), which is how ONNX wraps."""
    for magnitude, same in ((127, True), (128, False)):
        x = term("x", -magnitude, magnitude)
        wrapped = FORMS["Sub"](FORMS["Mod"](combined(x, number(128)), number(256)), number(128))
        assert wrapped.same(x) == same


def test_what_leaves_and_is_missing_is_not_equal() -> None:
    short = simplified(firing().network.neurons[0].program)
    long = Neuron(program_function(short, "snn2hw.n"), {f"in/{name}": values[0] for name, values in short.params.items()})
    seen = {name: Seen(-100, 100, True) for name in long.sources.values()}
    assert list(Both(long, long, seen).differing(["out/spikes"])) == []
    assert list(Both(long, long, seen).differing(["out/other"])) == ["out/other"]
