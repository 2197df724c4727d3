"""A condition that took one side only in a run hides no mistake: it is found at other inputs, or named."""

import numpy as np
import pytest

from minireid.gradcheck import check, check_loss
from minireid.gradcheck.cases.like import reports_on
from minireid.gradcheck.cases.page_case import cases_of
from minireid.gradcheck.cases.pages import Sizes
from minireid.losses import triplet_hard
from tests.gradcheck.planting import changed, line_of, module, source

X = np.random.default_rng(0).normal(size=(3, 5))
ALL_TRUE = np.ones((3, 5), bool)


def page(forward, backward, arguments="x"):
    """Two functions with these bodies; c is the cache."""
    lines = ["import numpy as np", f"def forward({arguments}):", *indented(forward)]
    return module("\n".join([*lines, "def backward(dy, c):", *indented(backward), ""]))


def indented(body):
    return [f"    {line}" for line in body.split("\n")]


def of(functions, *arrays, **config):
    return check(functions.forward, functions.backward, *arrays, **config)


def about(report):
    """The notes on what was not looked at, and on other inputs."""
    return [note for note in report.notes if "looked at" in note or "at other inputs" in note]


# A mistake on the side that did not occur: (forward, backward, the right backward, what is told of the place)
HIDDEN = {
    "a hinge that is active everywhere": (
        "gap = 5 + x\nreturn np.maximum(gap, 0), gap", "return dy", "return dy * (c > 0)", "np.maximum(gap, 0) was gap",
    ),
    "a hinge far from its kink": (
        "gap = 40 + x\nreturn np.maximum(gap, 0), gap", "return dy", "return dy * (c > 0)", "np.maximum(gap, 0)",
    ),
    "minimum": ("return np.minimum(x, 7), x", "return dy", "return dy * (c < 7)", "np.minimum(x, 7) was x everywhere"),
    "a comparison": (
        "m = x > -9\nreturn np.where(m, x, 2 * x), m", "return dy", "return np.where(c, dy, 2 * dy)", "x > -9 was True",
    ),
    "a clip": (
        "return np.clip(x, -7, 7), x", "return dy", "return dy * (np.abs(c) <= 7)", "np.clip(x, -7, 7) cut nothing off",
    ),
    "the method clip": (
        "return x.clip(-7, 7), x", "return dy", "return dy * (np.abs(c) <= 7)", "x.clip(-7, 7) cut nothing off",
    ),
    "one bound of a clip": (
        "return np.clip(x, 0, 7), x", "return dy * (c > 0)", "return dy * ((c > 0) & (c < 7))", "cut nothing off above",
    ),
    "a test of if": (
        "if x.sum() > -9:\n    return x, 1\nreturn 3 * x, 3", "return dy", "return dy * c", "x.sum() > -9 was True",
    ),
    "any": (
        "if np.any(x > 4):\n    return 2 * x, 2\nreturn x, 1", "return dy", "return dy * c", "x > 4 was False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("forward, wrong, right, place", HIDDEN.values(), ids=HIDDEN)
def test_what_is_wrong_on_the_other_side_is_found_there(forward, wrong, right, place):
    """A note where the user gave x; WRONG, with its line, where the checker drew it; no word where all is right."""
    functions = page(forward, wrong)
    given, drawn = of(functions, X), of(functions, X, drawn=True)
    assert given.ok and len(about(given)) == 1
    assert "gradient of x is wrong" in about(given)[0] and place in about(given)[0]
    assert drawn.state == "WRONG" and drawn.line.number == line_of(functions, "return dy")
    assert any(note.startswith("drawn again") and place in note for note in drawn.notes)
    for asked in (False, True):
        report = of(page(forward, right), X, drawn=asked)
        assert report.ok and not about(report), report


@pytest.mark.parametrize("by_keyword", [False, True])
def test_a_mask_that_is_true_everywhere_is_turned(by_keyword):
    functions = page("return x * mask, mask", "return dy", "x, mask")
    give = lambda drawn: (  # noqa: E731
        of(functions, X, mask=ALL_TRUE, drawn=drawn) if by_keyword else of(functions, X, ALL_TRUE, drawn=drawn)
    )
    (note,) = about(give(False))
    assert "some entries of mask turned" in note and "line 3 in forward, mask was True everywhere" in note
    assert give(True).state == "WRONG"
    right = of(page("return x * mask, mask", "return dy * c", "x, mask"), X, ALL_TRUE)
    assert right.ok and not about(right)
    assert ALL_TRUE.all()


def test_a_row_is_never_masked_as_a_whole():
    """The backward of a softmax need not know the mask, as long as something of each row is left."""
    softmax = "s = np.where(mask, x, -1e9)\np = np.exp(s - s.max(1, keepdims=True))\np = p / p.sum(1, keepdims=True)"
    functions = page(f"{softmax}\nreturn p, p", "return c * (dy - (dy * c).sum(1, keepdims=True))", "x, mask")
    assert not about(of(functions, X, ALL_TRUE))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_backward_of_triplet_hard_that_forgets_its_mask_is_wrong(tmp_path, seed):
    forgets = changed(triplet_hard, ("(gap > 0).astype(d.dtype) * dloss", "np.full(len(gap), float(dloss))"))
    file = tmp_path / "triplet.py"
    file.write_text(source(forgets), encoding="utf-8")
    (case,) = cases_of("triplet_hard", seed, Sizes())
    _, (_, gap, *_) = case.forward(*case.arrays, **case.config)
    assert np.all(gap > 0)  # the mask is True everywhere at the numbers that are drawn first
    (report,) = reports_on(file, "triplet_hard", seed)
    assert report.state == "WRONG" and report.line.number == line_of(forgets, "np.full(len(gap)")


# Right programs: (forward, backward, x)
SILENT = {
    "a normal ReLU": ("return np.maximum(x, 0), x", "return dy * (c > 0)", X),
    "ReLU by an index": ("y = x.copy()\ny[x < 0] = 0\nreturn y, x", "d = dy.copy()\nd[c < 0] = 0\nreturn d", X),
    "ReLU by clip": ("return np.clip(x, 0, None), x", "return dy * (c > 0)", X),
    "floats that are equal by accident": ("m = x == 0.25\nreturn np.where(m, 2 * x, x), m", "return dy", X),
    "an assertion": ("assert np.all(x < 9e4)\nreturn 2 * x, x", "return 2 * dy", X),
    "a guarded logarithm": ("p = np.clip(x, 1e-7, 1 - 1e-7)\nreturn np.log(p), p", "return dy / c", np.abs(X) / 4),
    "a guarded length": (
        "n = np.maximum(np.sqrt((x * x).sum()), 1e-12)\nreturn x / n, (x, n)",
        "x, n = c\nreturn dy / n - x * (dy * x).sum() / n**3", X,
    ),
    "a length that is not 0": (
        "n = np.sqrt((x * x).sum(1))\nreturn n, (x, n)",
        "x, n = c\nreturn np.where(n > 0, dy / np.where(n > 0, n, 1), 0)[:, None] * x", X,
    ),
    "an exponential that must not be too large": (
        "z = np.exp(np.minimum(x, 30))\nreturn np.log(1 + z), z", "return dy * c / (1 + c)", X,
    ),
    "large gradients made smaller": ("return x * x, x", "d = 2 * c * dy\nreturn np.clip(d, -15, 15)", X),
    "a chain of comparisons": ("if -9e4 < x.sum() < 9e4:\n    return x, 1\nreturn x, 1", "return dy", X),
    "inputs that are refused": ("if np.any(x <= 0):\n    raise ValueError\nreturn x * x, x", "return 2 * c * dy", X**2),
}  # fmt: skip


@pytest.mark.parametrize("forward, backward, x", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("drawn", [False, True])
def test_a_right_program_gets_no_word(forward, backward, x, drawn):
    report = of(page(forward, backward), x, drawn=drawn)
    assert report.ok and not about(report), report


# Right for positive x only.
POSITIVE = {
    "NaN": (
        "with np.errstate(all='ignore'):\n    return np.sqrt(np.where(x > 0, x, 2 * x)), x",
        "return dy / (2 * np.sqrt(np.abs(c)))",
    ),
    "a division by zero in forward": ("return 1 / (1 + 1 / np.maximum(x, 0)), x", "return dy / (1 + c) ** 2"),
    "a division by zero": ("return np.sqrt(np.maximum(x, 0)), x", "return dy / (2 * np.sqrt(np.maximum(c, 0)))"),
    "an exception": ("assert np.all(x > 0)\nreturn np.maximum(x, 0), x", "return dy"),
    "a warning": ("import warnings\nif x.min() < 0:\n    warnings.warn('negative')\nreturn np.abs(x), x", "return dy"),
}


@pytest.mark.parametrize("forward, backward", POSITIVE.values(), ids=POSITIVE)
@pytest.mark.parametrize("drawn", [False, True])
def test_a_program_for_positive_numbers_is_not_accused(forward, backward, drawn):
    report = of(page(forward, backward), np.abs(X) + 0.1, drawn=drawn)
    assert report.ok and not any("wrong" in note for note in report.notes), report


def test_positive_numbers_that_were_drawn_stay_positive():
    """They were asked for (x:+3,5): what a negative one would give is nobody's mistake."""
    functions = page("return np.abs(x) * x, x", "return 2 * c * dy")
    assert of(functions, np.abs(X), drawn=True).ok
    (note,) = about(of(functions, np.abs(X)))
    assert "with random signs" in note


def test_what_was_never_seen_is_named_with_its_line():
    functions = page("m = 9e4 + x > 0\nreturn x * m, m", "return dy * c")
    report = of(functions, X)
    assert report.ok and about(report) == ["not looked at: line 3 in forward, 9e4 + x > 0 was True everywhere"]


def test_a_length_and_a_sign_are_two_things():
    """x also gets near to 0, but here negative x is not taken: that was not looked at."""
    functions = page("return np.sqrt(np.maximum(x, 0)), x", "return dy / (2 * np.sqrt(np.maximum(c, 0)))")
    assert about(of(functions, np.abs(X))) == ["not looked at: line 5 in backward, np.maximum(c, 0) was c everywhere"]


def test_a_mask_that_cannot_be_turned_is_named():
    functions = page("assert mask.all()\nreturn x * mask, mask", "return dy * c", "x, mask")
    assert about(of(functions, X, ALL_TRUE)) == ["not looked at: line 4 in forward, mask was True everywhere"]


def test_inputs_that_reach_a_guard_prove_nothing():
    """The derivative of a clip that only keeps a logarithm from 0 and 1 is left out by everybody."""
    forward = "p = np.clip(x, 1e-7, 1 - 1e-7)\nk = np.where(x > 3, 2, 1)\nreturn k * np.log(p), (p, k)"
    functions = page(forward, "return dy * c[1] / c[0]")
    report = of(functions, np.abs(X) / 4, drawn=True)
    assert report.ok and about(report) == ["not looked at: line 4 in forward, x > 3 was False everywhere"]


def test_there_is_one_note_for_each_condition_and_three_at_most():
    tests = "\n".join(f"m = m & ({n}e5 + x > 0)" for n in range(1, 6))
    report = of(page(f"m = True\n{tests}\nreturn x * m, m", "return dy * c"), X)
    assert report.ok and len(about(report)) == 3
    both = page("gap = 9e4 + x\nreturn np.maximum(gap, 0), gap", "return dy * (c > 0)")
    named = page("m = 9e4 + x > 0\nreturn np.where(m, x, 0), m", "return np.where(c, dy, 0)")
    assert len(about(of(named, X))) == 1
    assert about(of(both, X)) == ["not looked at: line 6 in backward, c > 0 was True everywhere"]


FLAGS = (
    "if training:", "if bias is None:", "if x.ndim == 2:", "if mode == 'fast':", "if isinstance(x, np.ndarray):",
    "for t in range(3):\n  if t >= 0:", "if max(1, len(x)):", "if (np.arange(5) >= 0).all():",
)  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_what_does_not_depend_on_values_is_no_condition(flag):
    functions = page(f"{flag}\n    x = x * 1\nreturn x, None", "return dy", "x, bias=None, training=True, mode='fast'")
    assert of(functions, X).ok and not about(of(functions, X))


def test_a_loss_in_one_call_and_a_layer_are_looked_at_too():
    loss = module(
        """
        import numpy as np

        def hinge(x):
            return np.maximum(4 + x, 0).sum(), np.ones_like(x)

        class Hinge:
            def forward(self, x):
                self.x = x
                return np.maximum(4 + x, 0)

            def backward(self, dy):
                return dy
        """
    )
    for report in (check_loss(loss.hinge, X), check(loss.Hinge(), X)):
        assert report.ok and "gradient of x is wrong" in about(report)[0]
    assert check_loss(loss.hinge, X, drawn=True).state == "WRONG"
    assert check(loss.Hinge(), X, drawn=True).state == "WRONG"


@pytest.mark.parametrize("limit", [
    "d = np.clip(d, -6, 6)", "n = np.sqrt((d * d).sum())\n    if n > 12:\n        d = d * (12 / n)",
    "d = d * min(1, 12 / np.sqrt((d * d).sum()))",
])  # fmt: skip
def test_a_loss_that_limits_its_gradients_is_right(limit):
    limits = module(f"import numpy as np\ndef f(x):\n    d = 2 * x\n    {limit}\n    return (x * x).sum(), d\n")
    report = check_loss(limits.f, X, drawn=True)
    assert report.ok and not about(report)


def test_the_functions_are_as_before_afterwards():
    functions = page("gap = 5 + x\nreturn np.maximum(gap, 0), gap", "return dy")
    code = functions.forward.__code__
    of(functions, X)
    assert functions.forward.__code__ is code and not any("tracer" in name for name in functions.__dict__)
