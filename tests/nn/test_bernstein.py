"""Polynomials that keep their range: whatever is learned, P maps the state range into 7/8 of itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2hw import nn
from snn2hw.errors import UsageError
from snn2hw.nn.bernstein import kept_in, matrices
from tests.refused import refused

pytestmark = pytest.mark.torch

RANGES = [(-4.0, 4.0), (-1.0, 3.0), (0.0, 2.0), (-8.0, 0.5)]


def polynomial(a: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """[rows, points]"""
    return sum(a[:, k : k + 1] * u**k for k in range(a.shape[1]))  # type: ignore[return-value]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), degree=st.integers(1, 5), within=st.sampled_from(RANGES), size=st.floats(0.01, 3.0))
def test_every_polynomial_maps_the_range_into_itself(seed: int, degree: int, within: tuple[float, float], size: float) -> None:
    lo, hi = within
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(3, degree + 1, generator=generator, dtype=torch.float64) * size
    kept, u = kept_in(a, lo, hi), torch.linspace(lo, hi, 401, dtype=torch.float64)
    y, given_y = polynomial(kept, u), polynomial(a, u)
    assert float(y.min()) >= 0.875 * lo - 1e-9
    assert float(y.max()) <= 0.875 * hi + 1e-9
    forward = torch.as_tensor(matrices(degree, lo, hi)[0])
    b = a @ forward.T  # the ends of P are the first and the last of them
    torch.testing.assert_close(b[:, [0, -1]], given_y[:, [0, -1]], rtol=1e-9, atol=1e-9)
    inside = ((b >= 0.875 * lo) & (b <= 0.875 * hi)).all(1)
    assert torch.equal(kept[inside], a[inside])  # to the last bit


def test_what_starts_inside_is_what_it_was() -> None:
    for degree in range(1, 6):
        free, bounded = nn.LNM(degree), nn.LNM(degree, bounded=True)
        assert torch.equal(free.coefficients, bounded.coefficients)
    identity = nn.LNM(1, bounded=True)
    identity.a.data.copy_(torch.tensor([[0.0, 1.0]]))  # IF, whose ends would stay where they are
    assert identity.coefficients.tolist() == [[0.0, 0.875]]


def test_a_membrane_no_longer_latches() -> None:
    """a_3 = 0.09 sends 4 beyond 4: one strong input, and it is at the bound for good."""
    x = torch.zeros(12, 1, 1)
    x[0] = 100.0
    held = []
    for bounded in (False, True):
        neuron = nn.LNM(3, threshold=10.0, bounded=bounded)
        neuron.a.data.copy_(torch.tensor([[0.0, 0.5, 0.0, 0.09]]))
        with nn.observe(neuron) as seen:
            neuron(x)
        held.append(float(seen[""].saturated[-1]))
    assert held == [1.0, 0.0]


def test_gradients_lead_back_inside_only() -> None:
    a = torch.tensor([[0.0, 2.0]], dtype=torch.float64, requires_grad=True)  # P(-4) = -8, P(4) = 8
    u = torch.tensor([4.0], dtype=torch.float64)
    (up,) = torch.autograd.grad(-polynomial(kept_in(a, -4, 4), u).sum(), a)  # a step would raise P(4)
    (down,) = torch.autograd.grad(polynomial(kept_in(a, -4, 4), u).sum(), a)
    assert up.tolist() == [[0.0, 0.0]]
    assert float(down[0, 1]) > 0


def test_a_start_that_leaves_the_range_is_refused() -> None:
    with refused(
        UsageError,
        """
        a polynomial that keeps to its range cannot start as QIF, which leaves it by itself
          where:    LNM
          got:      init='qif', bounded=True
          expected: init='lif' or 'plif', or bounded=False
          do:       choose another start, or leave bounded out and train with Recipe(range_penalty=...)
        """,
    ):
        nn.LNM(2, init="qif", bounded=True)


def test_a_start_that_leaks_too_slowly_is_refused() -> None:
    for degree in range(1, 6):
        neuron = nn.LNM(degree, init="plif", channels=4, bounded=True)
        assert torch.equal(neuron.coefficients, neuron.start)
        assert neuron.start[:, 1].tolist() == [1 / 8, 3 / 8, 5 / 8, 7 / 8]
    nn.LNM(3, init="plif", channels=64)
    for channels, start in ((5, "0.9"), (64, "0.992188")):
        with refused(
            UsageError,
            f"""
            polynomials that keep to their range cannot leak as slowly as PLIF spreads them
              where:    CirculateLNM
              got:      init='plif', channels={channels}, bounded=True: channel {channels - 1} would start at {start} u
              expected: at most 0.875 u, which is that of 4 channels, or bounded=False
              do:       choose init='lif', or leave bounded out and train with Recipe(range_penalty=...)
            """,
        ):
            nn.CirculateLNM(3, init="plif", channels=channels, bounded=True)
