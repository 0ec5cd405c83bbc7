"""Parts of a data set: which samples and labels they have, and what is no list of indices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import data  # noqa: E402
from snn2hw.errors import UsageError, ValueRangeError  # noqa: E402
from tests.data.published import idx  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch


CUT = str([True, True, *[False] * 18])[:60]  # of a mask, in the message


@pytest.fixture
def numbered(tmp_path: Path) -> Any:
    """20 images, each of its own number; classes 0 to 4."""
    numbers = np.arange(20, dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.broadcast_to(numbers[:, None, None], (20, 2, 2))))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(numbers % 5))
    return data.MNIST(tmp_path)


@pytest.mark.parametrize(
    "of", [list, tuple, np.array, torch.tensor, lambda places: torch.tensor(places, dtype=torch.int32), range]
)
def test_a_part_has_the_samples_and_labels_of_its_indices(numbered: Any, of: Any) -> None:
    places = [0, 1, 2] if of is range else [19, 3, -2]
    part = numbered.part(range(3) if of is range else of(places))
    wanted = [place % 20 for place in places]
    assert [round(255 * float(image.max())) for image, _ in part] == wanted
    assert part.labels.tolist() == [label for _, label in part] == [place % 5 for place in wanted]


def test_a_part_of_a_part(numbered: Any) -> None:
    assert numbered.part(range(10, 20)).part([-1, 0]).labels.tolist() == [19 % 5, 10 % 5]


@pytest.mark.parametrize(
    ("places", "got"),
    [
        (np.arange(20) < 2, f"ndarray {CUT}"),
        (torch.arange(20) < 2, f"Tensor {CUT}"),
        ([True] * 20, "list [" + ("True, " * 20)[:59]),
        (torch.tensor(3), "Tensor 3"),
        (torch.zeros(2, 2, dtype=torch.int64), "Tensor [[0, 0], [0, 0]]"),
        ([1.0], "list [1.0]"),
        ("12", "str 12"),
        (3, "int 3"),
    ],
)
def test_what_is_no_list_of_indices_is_refused(numbered: Any, places: Any, got: str) -> None:
    text = f"""
        a part of a data set is asked for by something else than indices
          where:    part
          got:      {got}
          expected: whole numbers of 0..19, in a list, an array or a tensor of one axis
          do:       of a mask, pass its indices: numpy.flatnonzero(mask)
    """
    with refused(UsageError, text):
        numbered.part(places)


@pytest.mark.parametrize("place", [20, -21])
def test_an_index_outside_is_refused(numbered: Any, place: int) -> None:
    text = f"""
        a part of a data set is asked for by an index that it has not
          where:    part
          got:      {place}
          expected: 0..19
          do:       take the length of this set
    """
    with refused(ValueRangeError, text):
        numbered.part([0, place])
