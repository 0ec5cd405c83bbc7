"""`bench.resets`: what it compares differs in the gradient alone, and its table has a row for each reset."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from bench import resets  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("reset", resets.PAIRS)
def test_both_kinds_fire_the_same_and_have_other_gradients(reset: str) -> None:
    x = torch.rand(20, 2, 3, generator=torch.Generator().manual_seed(0)) * 2
    found = []
    for kind in resets.PAIRS[reset]:
        given = x.clone().requires_grad_()
        spikes = kind()(given)
        spikes.sum().backward()
        found.append((spikes.detach(), given.grad))
    (spikes, passing), (same, held) = found
    assert torch.equal(spikes, same)
    assert 0 < spikes.mean() < 1
    assert not torch.allclose(passing, held)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert resets.main(["--tasks", "digits-sequential", "--quick"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "| task | reset | with the gradient | without it | difference |"
    assert [row.split(" | ")[:2] for row in rows] == [["| digits-sequential", reset] for reset in resets.PAIRS]
