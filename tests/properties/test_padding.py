"""Pools over time do not see padding: neither its values nor how much of it there is."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minireid.layers import temporal_centre, temporal_last, temporal_max, temporal_mean
from tests.properties.drawn import bounded, clips

POOLS = pytest.mark.parametrize("pool", [temporal_mean, temporal_max, temporal_last, temporal_centre])


def in_padding(h: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(N, T) booleans."""
    return np.arange(h.shape[1]) >= lengths[:, None]


@POOLS
@bounded
@given(drawn=clips(), size=st.sampled_from([1.0, 1e6, 1e300]))
def test_the_values_of_the_padding(pool: ModuleType, drawn: tuple, size: float) -> None:
    h, lengths, rng = drawn
    other = h.copy()
    other[in_padding(h, lengths)] = size * rng.normal(size=h.shape)[in_padding(h, lengths)]
    for ours, theirs in zip(pool.forward(h, lengths=lengths)[:1], pool.forward(other, lengths=lengths)[:1]):
        np.testing.assert_array_equal(ours, theirs)
    y, cache = pool.forward(h, lengths=lengths)
    dh = pool.backward(rng.normal(size=y.shape), cache)
    assert not dh[in_padding(h, lengths)].any()


@POOLS
@bounded
@given(drawn=clips(), more=st.integers(1, 4))
def test_the_amount_of_padding(pool: ModuleType, drawn: tuple, more: int) -> None:
    """Every clip alone and cut to its length, in the batch, and in a batch that is longer by some frames."""
    h, lengths, _ = drawn
    y, _ = pool.forward(h, lengths=lengths)
    longer, _ = pool.forward(np.pad(h, ((0, 0), (0, more), (0, 0)), constant_values=7.0), lengths=lengths)
    for n, T in enumerate(lengths):
        alone, _ = pool.forward(h[n : n + 1, :T])
        frames = slice(T) if pool is temporal_centre else slice(None)
        np.testing.assert_allclose(y[n][frames], alone[0], rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(longer[n][frames], alone[0], rtol=1e-13, atol=1e-13)
