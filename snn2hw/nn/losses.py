"""Terms for the loss: balanced membranes, and polynomials that stay near where they started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from snn2hw.errors import UsageError
from snn2hw.nn.observe import Seen
from snn2hw.nn.polynomial_neurons import LearnedPolynomial

EPSILON = 1e-6


def balance_loss(seen: Seen) -> Tensor:
    """mean over layers l and steps t of ((p - n) / (p + n + 1e-6))**2, in [0, 1]; a scalar, differentiable.

    p = positive[t] and n = negative[t] of layer l: the means of relu(h) and of relu(-h) over samples and neurons. It is 0
    where the membranes have as much positive as negative mass, 1 where they have one sign only. This is how we read
    "positive-negative balance": the paper's full text was not available when it was written.

    Raises:
        UsageError: nothing was seen.
    """
    if not seen:
        raise UsageError(
            "no layer was observed",
            where="nn.balance_loss",
            got="an empty observation",
            expected="what nn.observe saw in a forward of a model with neurons",
            do="call the model inside `with nn.observe(model) as seen:`",
        )
    return torch.stack(
        [(((s.positive - s.negative) / (s.positive + s.negative + EPSILON)) ** 2).mean() for s in seen.values()]
    ).mean()


def coefficient_penalty(model: torch.nn.Module) -> Tensor:
    """sum over all LNM and CirculateLNM of (a - start)**2, a scalar, differentiable; 0 where the model has none.

    start: the buffer that holds the coefficients the neuron was constructed with.
    """
    return _summed(((m.a - m.start) ** 2).sum() for m in _learned(model))


def range_penalty(model: torch.nn.Module) -> Tensor:
    """sum over all LNM and CirculateLNM of sum_k ((a_k - start_k) r**(k-1))**2, a scalar, differentiable; 0 where there is none.

    r: the largest |u| of the neuron's state_range; start: see `coefficient_penalty`; of channels with their own, the mean. It is
    how far every term has moved P(u) at the end of the range, in units of the range. A cubic that sends the end of the range
    beyond it keeps a membrane there for good; a_3 = 0.09 is enough for that at r = 4, and (a - start)**2 hardly sees it.
    """
    return _summed(map(_moved, _learned(model)))


def _moved(neuron: LearnedPolynomial) -> Tensor:
    a, reach = neuron.coefficients, max(abs(v) for v in neuron.state_range)
    degrees = torch.arange(a.shape[1], dtype=a.dtype, device=a.device)
    return (((a - neuron.start) * reach ** (degrees - 1)) ** 2).sum(1).mean()


def _learned(model: torch.nn.Module) -> Iterator[LearnedPolynomial]:
    return (m for m in model.modules() if isinstance(m, LearnedPolynomial))


def _summed(terms: Iterable[Tensor]) -> Tensor:
    found = list(terms)
    return torch.stack(found).sum() if found else torch.zeros(())
