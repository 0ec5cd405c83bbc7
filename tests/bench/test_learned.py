"""What benchmarks and tests of deep networks take for learned."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


def test_cubic_neurons_get_what_digits_lnm_learned_in_turn_and_others_keep_theirs() -> None:
    import torch

    from bench.learned import give_learned_polynomials
    from snn2hw import nn
    from snn2hw.user_models import find_model

    learned = [m.coefficients for m in find_model("digits_lnm").module.modules() if isinstance(m, nn.LNM)]
    model = torch.nn.Sequential(nn.LNM(3), nn.LNM(2), nn.LIF(), nn.LNM(3, channels=4))
    give_learned_polynomials(model)
    assert torch.equal(model[0].coefficients, learned[0])
    assert torch.equal(model[3].coefficients, torch.cat([learned[k] for k in (1, 2, 0, 1)]))
    assert model[1].coefficients.tolist() == [[0.0, 0.5, 0.0]]
    assert all(float(a.detach()[0, 2:].abs().min()) > 0 for a in learned)  # cubic, all of them
