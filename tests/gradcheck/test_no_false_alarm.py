"""What is right is never accused: every page, whatever the numbers and the sizes."""

import os

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from minireid.gradcheck import check
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.kernels import im2col

EXAMPLES = int(os.environ.get("MINIREID_EXAMPLES", "4"))  # of seeds and sizes, each over all pages
NAMES = [case.name for case in page_cases(np.random.default_rng(0), Sizes()) if case.name != "conv2d/direct"]
drawn = st.builds(
    Sizes,
    N=st.integers(2, 4),
    T=st.integers(2, 4),
    D=st.integers(1, 5),
    S=st.integers(1, 5),
    H=st.integers(5, 7),
    W=st.integers(5, 6),
    K=st.just(7),
    rows=st.just(5),
    pairs=st.just(Sizes().pairs),
    C=st.integers(1, 3),
    O=st.integers(1, 3),
    KH=st.integers(1, 3),
    KW=st.integers(1, 3),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", "central"])
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000), sizes=drawn)
def test_no_page_that_is_right_is_accused(method, seed, sizes):
    for case in page_cases(np.random.default_rng(seed), sizes):
        if case.name in NAMES:
            config = case.config | ({"kernel": im2col} if case.name == "conv_block" else {})
            report = check(
                case.forward, case.backward, *case.arrays, method=method, diagnosis=False, seed=seed, **config
            )
            assert report.ok, f"{sizes}\n{report}"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    shape=st.lists(st.integers(1, 4), min_size=0, max_size=3),
    scale=st.sampled_from([1e-8, 1e-3, 1.0, 1e3, 1e8]),
)
def test_units_and_shapes_decide_nothing(seed, shape, scale):
    """The same function in millimetres and in kilometres; and one per mille off is seen in both."""
    x = np.random.default_rng(seed).normal(size=shape)
    forward = lambda x: (scale * np.sin(3 * x), x)  # noqa: E731
    assert check(forward, lambda dy, x: dy * scale * 3 * np.cos(3 * x), x, diagnosis=False, seed=seed).ok
    wrong = check(forward, lambda dy, x: dy * scale * 3.003 * np.cos(3 * x), x, diagnosis=False, seed=seed)
    assert not wrong.ok
