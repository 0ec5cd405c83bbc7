"""One integer changed anywhere in model.onnx, one leaf anywhere in certificate.json: it is found, and the part is named."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest

from snn2hw.checker.check import check_claims
from snn2hw.errors import ArtefactError
from tests.checker.tampering import LEAF_KINDS, MODEL_KINDS, Tampered, tampered, written_random

KINDS = (*MODEL_KINDS, *LEAF_KINDS)
FIRST = int(os.environ.get("SNN2HW_FUZZ_SEED", "0")) * 1_000_000
NETWORKS = 24


def tampered_by(seed: int) -> Tampered:
    rng = np.random.default_rng(seed)
    before = written_random(int(rng.integers(NETWORKS)), int(rng.choice([8, 10, 12])))
    done = tampered(before, KINDS[seed % len(KINDS)], rng)
    assert done is not None, f"seed {seed}: nothing to change"
    return done


def assert_found(seed: int) -> str:
    """The kind of change that was done, and found by its name."""
    done = tampered_by(seed)
    try:
        texts = [str(f) for f in check_claims(done.model, done.certificate).failures]
    except ArtefactError as error:
        texts = [str(error)]
    where = f"tampered_by({seed}): {done.kind}, {done.part}: {done.says}"
    assert texts, f"not found: {where}"
    assert any(done.part in t for t in texts), f"found, but not named: {where}\n" + "\n".join(texts[:5])
    return done.kind


def sweep(seeds: range) -> Counter[str]:
    counted = Counter(assert_found(seed) for seed in seeds)
    print(f"tampered with and found: {dict(sorted(counted.items()))}")
    return counted


def test_what_was_tampered_with_is_found_and_named() -> None:
    assert sweep(range(FIRST, FIRST + 48)) == dict.fromkeys(KINDS, 6)


@pytest.mark.slow
def test_whatever_is_tampered_with_is_found_and_named() -> None:
    counted = sweep(range(FIRST + 48, FIRST + 552))
    assert counted == dict.fromkeys(KINDS, 63)
    assert counted.total() >= 500


@pytest.mark.parametrize("seed", range(3))
def test_what_was_not_tampered_with_passes(seed: int) -> None:
    for bits in (8, 10, 12):
        before = written_random(seed, bits)
        assert check_claims(before.model, before.certificate).failures == []


def test_the_change_is_a_function_of_the_seed() -> None:
    for seed in range(len(KINDS)):
        assert tampered_by(seed) == tampered_by(seed)
