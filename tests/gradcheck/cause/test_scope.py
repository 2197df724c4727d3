"""The values at one moment: what an expression is worth, which names there are, and nothing is changed by looking."""

import ast
from collections import namedtuple

import numpy as np
import pytest

from minireid.gradcheck.cause.scope import Scope, fits, harmless, numeric, options_of, parse, placed, show, whole
from tests.gradcheck.cause.shared import f, scope


@pytest.mark.parametrize(
    ("text", "value"),
    [("t + 1", 3), ("x.shape", (3, 4)), ("len(i)", 3), ("np.exp(0.0)", 1.0), ("f(t)", 2), ("[t, N]", [2, 3])],
)
def test_the_value_of_an_expression(text, value):
    assert scope().value(parse(text)) == value


@pytest.mark.parametrize("text", ["no_such", "x @ W @ W", "x[99]", "1 / 0", "t.no_such"])
def test_what_fails_has_no_value(text):
    assert scope().value(parse(text)) is None


@pytest.mark.parametrize(
    "text",
    ["np.add.at(x, i, 1.0)", "np.copyto(x, y)", "np.add(x, 1, out=x)", "x.fill(0)", "x.sort()", "print('here')"],
)
def test_what_could_change_something_is_not_run(text, capsys):
    space = scope()
    before = space.names["x"].copy()
    assert space.value(parse(text)) is None and np.array_equal(space.names["x"], before)
    assert capsys.readouterr().out == "" and not harmless(parse(text))


def test_arrays_by_the_expression_that_names_them():
    class Layer:
        def __init__(self):
            self.W, self.name = np.ones((2, 2)), "layer"

    Step = namedtuple("Step", "h z")
    own = np.ones(3)
    names = {"a": own, "s": 0.5, "n": 3, "p": {"W": np.ones(2), "same": own, 0: np.ones(2)}, "self": Layer(), "np": np}
    names |= {"cache": Step(np.ones(4), own), "hs": [np.ones(2)] * 3, "t": 1}
    found = Scope(names, {}, set()).arrays()
    assert {"a", "s", "p['W']", "self.W", "cache.h", "hs[t]", "hs[t - 1]", "hs[t + 1]"} <= set(found)
    assert not {"n", "t", "p['same']", "p[0]", "self.name", "cache.z", "np"} & set(found), "one name is enough"


def test_steps_of_an_array_over_time():
    found = scope().arrays()
    assert {"h[t]", "h[:, t]", "h[:, t - 1]", "h[:, t + 1]"} <= set(found) and "h[:, T]" not in found
    assert found["h[:, t]"].shape == (3, 4)


def test_further_texts_are_arrays_too():
    assert "x * y" in Scope(scope().names, {}, set(), ["x * y", "no_such", "t"]).arrays()
    assert "t" not in Scope(scope().names, {}, set(), ["t"]).arrays()


def test_gradients_are_known_by_their_names():
    space = scope("dx")
    assert space.is_gradient("dx") and space.is_gradient("x * dx.T") and not space.is_gradient("dy")


def test_a_factor_may_widen_a_part_to_the_whole():
    space = scope()
    assert not space.widens((3, 4), (3, 1))
    space.whole = (3, 4)
    assert space.widens((3, 4), (3, 1)) and not space.widens((3, 1), (3, 1)) and not space.widens((2, 2), (3, 1))


def test_kinds_of_values():
    assert whole(3) and whole(np.int64(3)) and not whole(True) and not whole(3.0)
    assert numeric(3.0) and numeric(np.ones(2)) and numeric(np.ones(2, bool)) and numeric(np.float64(1))
    assert not numeric(3) and not numeric(np.arange(2)) and not numeric([1.0]) and not numeric("a")


def test_shapes_that_fit():
    assert fits((4,), (3, 4)) and fits((3, 1), (3, 4)) and fits((), (3,))
    assert not fits((3, 4), (4,)) and not fits((2,), (3,))


def test_options_of_functions():
    assert options_of(f) == {"b": None, "c": None, "flag": False}
    assert options_of(3) == {} and isinstance(options_of(np.exp), dict)


def test_new_trees_can_be_shown_and_compiled():
    tree = ast.Call(ast.Name("f", ast.Load()), [ast.Name("x", ast.Load())], [ast.keyword("b", ast.Constant(1))])
    assert show(tree) == "f(x, b=1)"
    compile(ast.Expression(placed(tree)), "?", "eval")
