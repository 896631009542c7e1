"""What the simulations of the intervals share: their randomness, their events, and the rule that they hold by."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

Array = NDArray[np.float64]
SEED = int(os.environ.get("SLM_AUDIT_COVERAGE_SEED", "0"))
MISS = 0.025
"""What a side of an interval at 0.95 may miss."""


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A stream of its own for each test and each SLM_AUDIT_COVERAGE_SEED."""
    return np.random.default_rng([SEED, zlib.crc32(request.node.name.encode())])


@pytest.fixture
def check() -> Callable[[Sequence[tuple[float, float]], float], None]:
    """Misses below and above the truth apart, each at most the 99.9 % quantile of a binomial with 2.5 %."""

    def held(limits: Sequence[tuple[float, float]], truth: float) -> None:
        low, high = np.array(limits, dtype=np.float64).T
        most = int(binom.ppf(0.999, len(limits), MISS))
        missed = {"below": int((high < truth - 1e-9).sum()), "above": int((low > truth + 1e-9).sum())}
        assert max(missed.values()) <= most, f"truth {truth}: {missed} of {len(limits)}, at most {most}"

    return held


@pytest.fixture
def events(rng: np.random.Generator) -> Callable[[Array, float, float, int], Array]:
    """Beta-binomial events by cluster, shape (runs, clusters), for clusters of `sizes`."""

    def drawn(sizes: Array, p: float, icc: float, runs: int) -> Array:
        shape = (runs, len(sizes))
        if icc == 0 or p in (0.0, 1.0):
            shares = np.full(shape, p)
        elif icc == 1:
            shares = (rng.random(shape) < p).astype(np.float64)
        else:
            spread = 1 / icc - 1
            shares = rng.beta(p * spread, (1 - p) * spread, shape)
        return rng.binomial(sizes.astype(int), shares).astype(np.float64)

    return drawn
