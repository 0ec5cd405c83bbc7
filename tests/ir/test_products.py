"""Products of payloads in both stages: what they mean, what they may be of, how large they get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import RuleError, ShapeError, UnsupportedError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network
from snn2hw.ir.real import run_real
from snn2hw.ir.rules import check_integer, check_network
from snn2hw.layers import IntMatMul, MatMul
from snn2hw.layers.matmul import terms
from snn2hw.num import Format, Interval
from tests.hand_networks import attending, circulate, compiled, conv, counts, flatten, matmul, network, normal, readout
from tests.refused import message, refused

SUMS = {"format": Format(32, 0, True), "interval": Interval(-(2**20), 2**20)}


def product(transposed: str, size: tuple[int, int], heads: int = 2) -> MatMul:
    return matmul("y", "a", "b", heads, transposed, size, 0.25)


@pytest.mark.parametrize(
    ("transposed", "a", "b", "size", "equation"),
    [
        ("none", (6, 2, 5), (20, 3, 1), (3, 1), "nhim,nhmj->nhij"),
        ("first", (6, 2, 5), (6, 3, 1), (3, 1), "nhmi,nhmj->nhij"),
        ("first", (6, 2, 5), (6, 2, 2), (1, 4), "nhmi,nhmj->nhij"),
        ("second", (6, 2, 5), (8, 5, 2), (2, 2), "nhim,nhjm->nhij"),
    ],
)
def test_both_stages_are_one_matrix_product_for_each_head(
    transposed: str, a: tuple[int, int, int], b: tuple[int, int, int], size: tuple[int, int], equation: str
) -> None:
    rng, node = np.random.default_rng(0), product(transposed, size)
    shape = node.output_shape([a, b])
    inputs = [rng.integers(-3, 4, (7, *s)) for s in (a, b)]
    heads = [x.reshape(7, 2, x.shape[1] // 2, -1) for x in inputs]
    expected = np.einsum(equation, *heads).reshape(7, *shape)
    whole = IntMatMul("y", ("a", "b"), shape, **SUMS, heads=2, transposed=transposed, size=size)
    assert (whole.value(inputs) == expected).all()
    assert terms(node, a) == heads[0].shape[2 if transposed == "first" else 3]


DIVIDE, SUMMED = "the heads do not divide the channels", "the two sides of a product differ in what is summed over"
CHECK = "check the layer before it, or the shape of the sample"


@pytest.mark.parametrize(
    ("node", "a", "b", "text"),
    [
        (product("none", (2, 2), 3), (6, 2, 2), (8, 2, 2), f"{DIVIDE}|3 heads|a divisor of 6 and 8"),
        (product("none", (2, 2), 0), (6, 2, 2), (8, 2, 2), f"{DIVIDE}|0 heads|a divisor of 6 and 8"),
        (product("none", (2, 2)), (6, 2, 2), (6, 2, 2), f"{SUMMED}|4 and 3|the same"),
        (product("first", (2, 2)), (6, 2, 2), (8, 2, 2), f"{SUMMED}|3 and 4|the same"),
        (product("second", (3, 1)), (6, 2, 2), (6, 2, 3), f"{SUMMED}|4 and 6|the same"),
        (product("first", (2, 3)), (6, 2, 2), (6, 2, 2), "the size is not that of the product|2x3|4 places"),
        (product("both", (2, 2)), (6, 2, 2), (6, 2, 2), "a product transposes another way|'both'|none, first, second"),
        (product("first", (2, 2)), (6,), (6, 2, 2), "an image [C, H, W] was expected|[6]|3 axes"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(node: MatMul, a: tuple[int, ...], b: tuple[int, ...], text: str) -> None:
    what, got, expected = text.split("|")
    with refused(ShapeError, f"{what}\n  where:    y\n  got:      {got}\n  expected: {expected}\n  do:       {CHECK}"):
        node.output_shape([a, b])


def changed(net: Any, name: str, **fields: Any) -> Any:
    return replace(net, nodes=tuple(replace(n, **fields) if n.name == name else n for n in net.nodes))


def test_a_product_of_sums_or_of_the_input_is_refused_in_both_stages() -> None:
    real = attending()
    whole = compiled(real).network
    check_network(real)
    check_integer(whole)
    for check, net, kind in ((check_network, real, ""), (check_integer, whole, "Int")):
        name = f"{kind}MatMul scores"
        assert message(check, changed(net, "scores", inputs=("k", "q.conv"))) == (
            f"a product is of what neurons fired\n  where:    {name}\n  got:      'q.conv', {kind}Conv2d"
        )
        assert f"got:      'input', {kind}Input" in message(check, changed(net, "scores", inputs=("input", "input")))


def test_what_pools_and_additions_keep_may_be_multiplied() -> None:
    check_network(attending("pooled"))
    check_integer(compiled(attending("pooled")).network)


def test_the_interval_is_that_of_all_terms_at_one_corner() -> None:
    whole = compiled(attending()).network
    known = {n.name: n for n in whole.nodes}
    assert known["scores"].interval == Interval(0, 2)  # two channels of a head
    assert known["mixed"].interval == Interval(0, 2 * 6)  # of six places
    signed = {n.name: n for n in compiled(attending("signed")).network.nodes}
    assert signed["scores"].interval == Interval(-2 * 2 * 2, 2 * 2 * 2)
    assert message(check_integer, changed(whole, "mixed", interval=Interval(0, 11))) == (
        "the value can leave its declared interval\n  where:    IntMatMul mixed\n  got:      [0, 12] in [0, 11]"
    )


def test_a_power_of_two_is_a_binary_point_and_another_factor_the_neurons() -> None:
    for factor, frac, unit in ((1.0, 0, 1.0), (0.125, 3, 1.0), (4.0, -2, 1.0), (0.3, 0, 0.3)):
        done = compiled(attending(factor=factor))
        made = next(n for n in done.network.nodes if n.name == "mixed")
        assert made.format.frac == frac
        assert done.scales["mixed"].values.tolist() == [unit * 2.0**-frac]


def wide() -> Network:
    """Payloads of up to 65, multiplied with what comes of it until 32 bits are not enough."""
    again = [matmul(name, "n", of, 1, "none", (1, 4)) for name, of in (("b", "a"), ("c", "b"), ("d", "c"))]
    return network(
        2,
        counts(4, 1, 4),
        conv("fc", "input", normal(0, 4, 4, 1, 1)),
        circulate("n", "fc", (64.0, 1.0)),
        matmul("a", "n", "n", 1, "first", (1, 4)),
        *again,
        flatten("flat", "d"),
        readout("flat"),
    )


def test_a_product_beyond_int32_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        compiled(wide())
    said = "d: a sum between layers does not fit int32: 40 bits (sum fewer products, or of smaller spike values)"
    assert str(caught.value.got).splitlines()[-1].strip() == said


def test_the_float_meaning() -> None:
    net, seen = attending(), dict[str, Any]()
    run_real(net, np.random.default_rng(0).random((5, *net.input.shape)), lambda n, i, v: seen.update({n.name: v}))
    q, k, v = (seen[name].reshape(5, 2, 2, 6) for name in "qkv")
    scores = np.einsum("nhdm,nhdj->nhmj", k, q)
    assert scores.any()
    np.testing.assert_array_equal(seen["scores"].reshape(scores.shape), scores)
    np.testing.assert_array_equal(seen["mixed"].reshape(q.shape), 0.125 * np.einsum("nhdm,nhmj->nhdj", v, scores))


def test_heads_are_what_the_network_says() -> None:
    """Another number of heads is another network, not the same one written otherwise."""
    whole = compiled(attending()).network
    with pytest.raises(RuleError, match="the shape is not that of the equation"):
        check_integer(IntegerNetwork(whole.steps, whole.target, changed(whole, "scores", heads=1).nodes))
