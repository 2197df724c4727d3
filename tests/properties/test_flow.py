"""Optical flow as bytes: encoded and decoded it is within half a step, and bytes come back as they were."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_tools.optical_flow import ZERO, dequantise, quantise
from tests.properties.drawn import bounded, generators

scales = st.integers(1, ZERO)


@bounded
@given(rng=generators, scale=scales)
def test_within_half_a_step(rng: np.random.Generator, scale: int) -> None:
    reach = ZERO / scale
    flow = rng.uniform(-reach, reach, size=200).astype(np.float32)
    flow[:3] = -reach, 0, reach
    error = np.abs(dequantise(quantise(flow, scale), scale) - flow)
    assert error.max() <= 0.5 / scale + 1e-6 * reach
    assert error[1] == 0


@bounded
@given(scale=scales)
def test_every_byte_comes_back(scale: int) -> None:
    all_bytes = np.arange(2 * ZERO + 1, dtype=np.uint8)
    np.testing.assert_array_equal(quantise(dequantise(all_bytes, scale), scale), all_bytes)


@bounded
@given(rng=generators, scale=scales, size=st.sampled_from([0.1, 1.0, 100.0, 1e6]))
def test_the_opposite_flow_is_the_opposite_byte(rng: np.random.Generator, scale: int, size: float) -> None:
    """What is too large is clipped to the same byte on both sides."""
    flow = (size * rng.normal(size=100)).astype(np.float32)
    there, back = quantise(flow, scale), quantise(-flow, scale)
    np.testing.assert_array_equal(there.astype(int) + back, 2 * ZERO)
