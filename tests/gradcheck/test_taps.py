"""Taps change nothing that a function computes, and see all of it."""

import numpy as np
import pytest
from minireid.gradcheck.inside import record
from minireid.gradcheck.taps import MOST, source_of, tapped

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.gradcheck.tensor.problem import fresh
from minireid.layers import gru, linear
from tests.gradcheck.planting import module

CASES = [
    case for case in page_cases(np.random.default_rng(0), Sizes()) if case.name not in ("conv2d/direct", "conv_block")
]


def bits(value):
    return [(name, np.asarray(leaf).dtype, np.asarray(leaf).tobytes()) for name, leaf in leaves(value)]


def traced(function, *arguments):
    """(the tapped function's result, its events)."""
    built, tracer = tapped(function, slices=False)
    results = []
    events = record(tracer, lambda: results.append(built(*arguments)))
    return results[-1], events


def seen(events, *kinds):
    return [e for e in events if e.site.kind in kinds]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_results_are_the_same_to_the_last_bit(case):
    *ys, cache = case.forward(*case.arrays, **fresh(case.config))
    forward, tracer = tapped(case.forward)
    for recording in (True, False):
        tracer.reset(recording=recording)
        *again, tapped_cache = forward(*case.arrays, **fresh(case.config))
        assert [bits(one) for one in again] == [bits(one) for one in ys]
    rng = np.random.default_rng(1)
    dys = [map_leaves(lambda leaf: rng.normal(size=np.shape(leaf))[()], y) for y in ys]
    right = case.backward(*(map_leaves(np.copy, dy) for dy in dys), cache)
    backward, tracer = tapped(case.backward)
    tracer.reset(recording=True)
    got = backward(*(map_leaves(np.copy, dy) for dy in dys), tapped_cache)
    one, two = (dict(enumerate(g if isinstance(g, tuple) else (g,))) for g in (got, right))
    assert bits(one) == bits(two)


PAGE = """
    import numpy as np

    SCALE = 2.0

    def helper(a, *, by=3.0):
        b = a * by
        return b, {"b": b}

    def forward(x, p):
        total = np.zeros(3)
        states = np.zeros((4, 3))
        gates = {"z": x * 1.0, "r": x + 2}
        for t in range(4):
            u, kept = helper(x * t)
            total += u * SCALE
            states[t] = total
            gates["z"] = gates["z"] + u
        z, r = gates["z"], gates["r"]
        out = states.sum(axis=0) + z * r - p["W"]
        left, out[1:] = out[0], out[1:] * 2
        np.add.at(out, [0, 0, 1], 1.5)
        return out, (x, kept)
"""
X, P = np.array([1.0, 2.0, 3.0]), {"W": np.array([0.5, 0.25, 0.125])}


def test_loops_helpers_tuples_dicts_slices_and_plus_equals_are_followed():
    page = module(PAGE)
    y, cache = page.forward(X, P)
    (again, kept), events = traced(page.forward, X, P)
    assert again.tobytes() == y.tobytes() and bits(kept[1]) == bits(cache[1])
    names = {e.name for e in seen(events, "argument", "assign", "store", "touch", "item")}
    assert {
        "x",
        "p.W",
        "a",
        "b",
        "total",
        "states",
        "gates.z",
        "gates.r",
        "z",
        "r",
        "u",
        "kept.b",
        "left",
        "out",
    } <= names
    for name, count in (("total", 5), ("states", 5), ("u", 4), ("b", 4)):
        assert len([e for e in seen(events, "assign", "store") if e.name == name]) == count, name
    assert [e.loops["t"] for e in seen(events, "assign") if e.name == "u"] == [0, 1, 2, 3]
    assert [e.loops for e in seen(events, "assign") if e.name == "z"] == [{}]
    assert len({e.frame for e in seen(events, "assign") if e.name == "b"}) == 4, "every call is a frame of its own"
    assert [e.site.function for e in events if e.name == "a" and e.site.kind == "argument"] == ["helper"] * 4


def test_every_value_is_what_the_variable_held():
    page = module(PAGE)
    _, events = traced(page.forward, X, P)
    for t, event in enumerate(e for e in events if e.name == "u" and e.site.kind == "assign"):
        np.testing.assert_array_equal(event.value, 3 * t * X)
    totals = [e.value for e in events if e.name == "total" and e.site.kind == "assign"]
    np.testing.assert_array_equal(totals[-1], 6 * (1 + 2 + 3) * X)
    stores = [e for e in events if e.name == "states" and e.site.kind == "store"]
    for t, event in enumerate(stores):
        assert event.part[t].all() and event.part.sum() == 3 and not event.value[~event.part].any()


def test_lines_are_those_of_the_file():
    page = module(PAGE)
    lines = PAGE.splitlines()
    _, events = traced(page.forward, X, P)
    for event in seen(events, "assign"):
        assert event.site.name.partition(".")[0] in lines[event.line - 1], (event, lines[event.line - 1])


def test_moving_a_value_moves_what_follows_and_nothing_else():
    page = module(PAGE)
    y, _ = page.forward(X, P)
    built, tracer = tapped(page.forward)
    events = record(tracer, lambda: built(X, P))
    before = X.tobytes(), P["W"].tobytes()
    expected = {"r": lambda e: np.array([1, 2, 2]) * (X + 18 * X) * e, "u": lambda e: None}
    (r,) = [e for e in events if e.name == "r" and e.site.kind == "assign"]
    tracer.reset(target=r.number, by=np.full(3, 0.5), leaf=r.leaf)
    np.testing.assert_allclose(built(X, P)[0] - y, expected["r"](0.5), rtol=1e-12)
    last = [e for e in events if e.name == "total" and e.site.kind == "assign"][-1]
    tracer.reset(target=last.number, by=np.ones(3), leaf="")
    np.testing.assert_allclose(built(X, P)[0] - y, [1, 2, 2])
    (third,) = [e for e in events if e.name == "states" and e.site.kind == "store" and e.loops["t"] == 2]
    tracer.reset(target=third.number, by=np.ones(3), leaf="")
    np.testing.assert_allclose(built(X, P)[0] - y, [1, 2, 2], err_msg="the stored row alone is moved")
    (w,) = [e for e in events if e.name == "p.W" and e.site.kind == "argument"]
    tracer.reset(target=w.number, by=np.ones(3), leaf=w.leaf)
    np.testing.assert_allclose(built(X, P)[0] - y, [-1, -2, -2])
    assert (X.tobytes(), P["W"].tobytes()) == before
    tracer.reset()
    assert built(X, P)[0].tobytes() == y.tobytes()


def test_a_dict_entry_and_one_use_of_a_variable_are_moved_alone():
    page = module("""
        def forward(x):
            d = {"a": x * 2, "b": x * 3}
            d["a"] = d["a"] + 1
            return d["a"] * x + d["b"] * x, None
    """)
    built, tracer = tapped(page.forward)
    events = record(tracer, lambda: built(X))
    y = page.forward(X)[0]
    (stored,) = [e for e in events if e.site.kind == "store"]
    np.testing.assert_array_equal(stored.value, 2 * X + 1)
    tracer.reset(target=stored.number, by=np.ones(3), leaf=stored.leaf)
    np.testing.assert_allclose(built(X)[0] - y, X)
    uses = [e for e in events if e.site.kind == "use" and e.site.name == "x" and e.line == 5]
    changes = []
    for use in uses:
        tracer.reset(target=use.number, by=np.ones(3), leaf="")
        changes.append(built(X)[0] - y)
    np.testing.assert_allclose(changes, [2 * X + 1, 3 * X])


def test_columns_of_all_gates_and_index_pairs():
    page = module("""
        import numpy as np

        def forward(x, pairs):
            a = np.zeros((3, 6))
            a[:, :2] = x
            a[:, 2:4], a[:, 4:] = x * 2, x * 3
            z, r, c = a[:, :2], a[:, 2:4], a[:, 4:]
            i, j = pairs[:, 0], pairs[:, 1]
            d = (z * r + c)[i] - x[j]
            back = np.zeros((3, 2))
            np.add.at(back, i, d)
            back[j] -= d
            return back, None
    """)
    x, pairs = np.arange(6.0).reshape(3, 2), np.array([[0, 1], [2, 1], [0, 2]])
    (y, _), events = traced(page.forward, x, pairs)
    assert y.tobytes() == page.forward(x, pairs)[0].tobytes()
    stores = [e for e in events if e.site.kind == "store" and e.name == "a"]
    assert [e.part.sum() for e in stores] == [6, 6, 6] and np.sum([e.part for e in stores], axis=0).min() == 1
    assert {"z", "r", "c", "d", "back"} <= {e.name for e in events}
    assert [e.site.kind for e in seen(events, "assign", "touch", "store") if e.name == "back"] == [
        "assign",
        "touch",
        "store",
    ], "np.add.at changes its first argument"
    assert not [e for e in events if e.name in ("i", "j", "pairs")], "integers have no derivative"


def test_a_closure_is_followed_with_what_it_closes_over():
    scale = np.array([1.0, 2.0, 4.0])

    def forward(x, *, power=2):
        y = (x * scale) ** power
        return y, x

    (y, _), events = traced(forward, X)
    np.testing.assert_array_equal(y, (X * scale) ** 2)
    assert [e.name for e in seen(events, "assign")] == ["y"]
    assert events[-1].line == forward.__code__.co_firstlineno + 2


def test_defaults_are_kept():
    built, _ = tapped(gru.backward)
    assert built.__kwdefaults__ == {"truncate": None}
    assert tapped(module(PAGE).helper)[0](1.0)[0] == 3.0


def test_what_has_no_source_is_refused():
    scope = {}
    exec("def forward(x):\n    return x * 2, x", scope)
    for function in (lambda x: (x, x), scope["forward"], np.tanh, len, X.sum):
        assert source_of(function) is None and tapped(function) is None


def test_a_line_that_runs_very_often_is_left_out_and_the_rest_is_followed():
    page = module("""
        import numpy as np

        def forward(x):
            y = np.zeros(x.shape)
            for i in range(len(x)):
                v = x[i] * 2
                y[i] = v
            z = y + 1
            return z, None
    """)
    x = np.arange(float(MOST + 9))
    built, tracer = tapped(page.forward)
    events = record(tracer, lambda: built(x))
    assert {tracer.sites[n].line for n in tracer.skipped} == {7, 8}
    assert {e.name for e in seen(events, "assign")} == {"y", "z"}
    np.testing.assert_array_equal(built(x)[0], 2 * x + 1)


def test_an_exception_comes_through(rng):
    built, tracer = tapped(linear.forward)
    tracer.reset(recording=True)
    with pytest.raises(ValueError, match="matmul"):
        built(rng.normal(size=(3, 5)), {"W": np.zeros((4, 2)), "b": np.zeros(2)})
    assert len(tracer.frames) == 1
