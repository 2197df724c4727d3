"""The small language of --shapes."""

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.gradcheck.front.shapes import Wish, drawn, from_dict, only_for, parsed, tree_of

READ = {
    "x:3,5": ("x", Wish("float", (3, 5))),
    "x:7": ("x", Wish("float", (7,))),
    "x:7,": ("x", Wish("float", (7,))),
    "x:(3,5)": ("x", Wish("float", (3, 5))),
    "x:": ("x", Wish("float", ())),
    "x:()": ("x", Wish("float", ())),
    "p:+3,5": ("p", Wish("positive", (3, 5))),
    "y:int3<7": ("y", Wish("int", (3,), 7)),
    "y:int3,4<7": ("y", Wish("int", (3, 4), 7)),
    "m:bool3": ("m", Wish("bool", (3,))),
    "p.W:5,7": ("p.W", Wish("float", (5, 7))),
    "relu/x:3": ("relu/x", Wish("float", (3,))),
    "stride=2": ("stride", Wish("value", value=2)),
    "act=relu": ("act", Wish("value", value="relu")),
    "act='re lu'": ("act", Wish("value", value="re lu")),
    "window=(2, 3)": ("window", Wish("value", value=(2, 3))),
    "conv_param={'stride': 2, 'pad': 1}": ("conv_param", Wish("value", value={"stride": 2, "pad": 1})),
}


@pytest.mark.parametrize(("text", "found"), READ.items(), ids=READ)
def test_each_form_is_read(text, found):
    name, (key, wish) = text, found
    assert parsed(name) == {key: wish}
    assert parsed(f"a:1 {text}  b:2") == {"a": Wish("float", (1,)), key: wish, "b": Wish("float", (2,))}


@pytest.mark.parametrize("text", ["x", "x3,5", "x:three", "y:int3", "y:3<7", "y:int3<0", "x=(3", "x:3;5", ":3", "x:-3"])
def test_what_cannot_be_read_is_one_line_with_the_part(text):
    with pytest.raises(InputError) as fault:
        parsed(f"a:1 {text}")
    assert text in str(fault.value) and "\n" not in str(fault.value)


def test_a_dict_in_the_file_says_the_same():
    shapes = {"x": (3, 5), "b": 7, "y": "int3<7", "stride": "=2", "p": {"W": (5, 7)}, "relu": {"x": [2]}}
    found = from_dict(shapes)
    assert found == parsed("x:3,5 b:7 y:int3<7 stride=2 p.W:5,7 relu.x:2")
    assert only_for("relu", found)["x"] == Wish("float", (2,)) and only_for("tanh", found)["x"] == Wish("float", (3, 5))
    with pytest.raises(InputError, match="expected a tuple of sizes"):
        from_dict({"x": 3.5})


def test_what_is_drawn():
    rng = np.random.default_rng(0)
    wishes = parsed("p.a.W:5,7 p.b:3 y:int9<4 q:+50 m:bool50 s:")
    p = drawn(tree_of("p", wishes), rng)
    assert p["a"]["W"].shape == (5, 7) and p["b"].shape == (3,) and tree_of("nothing", wishes) is None
    y, q, m = (drawn(wishes[name], rng) for name in "yqm")
    assert set(y.tolist()) == {0, 1, 2, 3} and y.dtype.kind == "i" and 0 < q.min() and q.max() < 1
    assert m.dtype == bool and 5 < m.sum() < 45 and drawn(wishes["s"], rng).shape == ()
