"""What two arrays say: every pattern is named for what makes it, and for nothing else."""

import numpy as np
import pytest

from minireid.gradcheck.cause.effects import effects, size_names

RNG = np.random.default_rng(3)
M, SQUARE, TIME, MAPS = (RNG.normal(size=s) for s in ((3, 7), (5, 5), (3, 5, 2), (2, 5, 7, 3)))
KERNEL = RNG.normal(size=(3, 3, 2, 5))


def at(array, index, value):
    new = array.copy()
    new[index] = value
    return new


def shifted(array, axis):
    new = np.roll(array, 1, axis)
    new[:, 0] = 0
    return new


CASES = {
    "sign": (-M, M, "sign", "wrong sign"),
    "2": (2 * M, M, "constant factor", "it is 2 times"),
    "1/2": (M / 2, M, "constant factor", "1/2 times"),
    "N": (3 * M, M, "constant factor", "N = 3 (axis 0 of x)"),
    "1/N": (M / 3, M, "constant factor", "1/(N = 3 (axis 0 of x))"),
    "N T": (21 * M, M, "constant factor", "N = 3 (axis 0 of x) D = 7 (axis 1 of x)"),
    "any": (M * 0.837, M, "factor missing", "0.837 times"),
    "-2": (-2 * M, M, "constant factor", "minus 2 times"),
    "transposed square": (SQUARE.T, SQUARE, "transposed", "transpose"),
    "axes": (
        MAPS[:, :, :, :3].transpose(0, 2, 1, 3)[:, :5, :5],
        MAPS[:, :5, :5],
        "transposed",
        "axes in the order (0, 2, 1, 3)",
    ),
    "kernel": (KERNEL[::-1, ::-1], KERNEL, "flipped kernel", "up-down and left-right"),
    "order": (TIME[:, ::-1], TIME, "wrong order", "reverse order along axis 1"),
    "shift": (shifted(TIME, 1), TIME, "wrong step", "along axis 1"),
    "zero": (0 * M, M, "term missing", "zero everywhere"),
    "last step wrong": (at(TIME, np.s_[:, -1], 0), TIME, "wrong index", "wrong at the last time step only"),
    "first step wrong": (at(TIME, np.s_[:, 0], 0), TIME, "wrong index", "wrong at the first time step only"),
    "border": (at(MAPS, np.s_[:, 0], 0), MAPS, "padding border", "at the border only"),
    "gates": (SQUARE.T + 1, SQUARE, "wrong variable", "it is the gradient of p.Uz"),
    "decay": (M + 0.01 * (M * M), M, "term too many", "a multiple of the input W is added to it"),
}


@pytest.mark.parametrize(("a", "n", "cause", "text"), CASES.values(), ids=CASES)
def test_each_pattern_has_its_name(a, n, cause, text):
    others = {"p.Uz": SQUARE.T + 1, "the input W": M * M}
    found = effects(a, n, size_names({"x": M}), others)
    assert [c for c in found if c.cause == cause and text in c.text], found
    assert found[0].cause == cause


@pytest.mark.parametrize("n", [M, SQUARE, TIME, MAPS, KERNEL])
def test_what_is_right_or_explained_by_nothing_has_no_cause(n):
    assert effects(n, n, {}, {}) == [] and effects(n * (1 + 1e-12), n, {}, {}) == []
    assert effects(n + RNG.normal(size=n.shape), n, size_names({"x": M}), {"b": n * n}) == []
    nearly = at(2 * n, (0,) * n.ndim, 1.9 * n.flat[0])
    assert not [c for c in effects(nearly, n, {}, {}) if c.cause == "constant factor"], "one entry is not explained"


def test_what_cannot_be_compared_has_no_cause():
    assert effects(M, M.T, {}, {}) == [] and effects(M * np.nan, M, {}, {}) == []


def test_of_one_number_every_other_is_a_multiple():
    assert effects(np.array([3.0]), np.array([1.5]), {}, {}) == []


def test_a_factor_that_may_be_several_sizes_is_named_by_all():
    (cause,) = effects(3 * M, M, {"N = 3": 3, "C = 3": 3}, {})
    assert "N = 3 or C = 3" in cause.text


def test_sizes_are_named_by_the_letters_of_the_layers():
    assert size_names({"x": np.zeros((3, 5, 7)), "p.W": np.zeros((7, 11))}) == {
        "N = 3 (axis 0 of x)": 3,
        "T = 5 (axis 1 of x)": 5,
        "D = 7 (axis 2 of x)": 7,
        "11 (axis 1 of p.W)": 11,
    }
