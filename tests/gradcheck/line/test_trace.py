"""What the followed functions report: every value as it was, in its place; moved or mended, only that value changes."""

import numpy as np
import pytest

from minireid.gradcheck.line.trace import (
    BACKWARD,
    FORWARD,
    LARGE,
    MOST,
    Tracer,
    arrays_in,
    copied,
    followed,
    moved,
    put_in,
    run,
)
from tests.gradcheck.line import following
from tests.gradcheck.planting import line_of, module

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


def seen(events, name, *kinds):
    return [e for e in events if e.name == name and e.kind in (kinds or ("assign", "add", "store"))]


@pytest.fixture
def traced():
    """(the page, the tracer, the events of one run of its forward)."""
    page = module(PAGE)
    with following.followed(lambda: page.forward(X, P)) as tracer:
        yield page, tracer, run(tracer, FORWARD, lambda: page.forward(X, P))


def test_loops_helpers_tuples_dicts_slices_and_plus_equals_are_seen(traced):
    _, _, events = traced
    names = {e.name for e in events if e.kind in ("argument", "assign", "add", "store", "touch")}
    assert {"x", "p.W", "a", "b", "total", "states", "gates.z", "z", "r", "u", "kept.b", "left", "out"} <= names
    for name, count in (("total", 5), ("states", 5), ("u", 4), ("b", 4)):
        assert len(seen(events, name)) == count, name
    assert [e.loops["t"] for e in seen(events, "u")] == [0, 1, 2, 3]
    assert [e.loops for e in seen(events, "z")] == [{}], "the loop is over"
    assert len({e.frame for e in seen(events, "b")}) == 4, "every call is a frame of its own"
    assert {e.site.function for e in seen(events, "a", "argument")} == {"helper"}


def test_a_call_knows_the_loop_around_it_and_who_called(traced):
    _, _, events = traced
    assert [e.loops["t"] for e in seen(events, "b")] == [0, 1, 2, 3]
    (frame,) = {e.frame for e in seen(events, "total")}
    assert all(e.frame.parent is frame and e.frame.around == {"t": t} for t, e in enumerate(seen(events, "b")))


def test_every_value_is_what_the_variable_held(traced):
    _, _, events = traced
    for t, event in enumerate(seen(events, "u")):
        np.testing.assert_array_equal(event.value, 3 * t * X)
    np.testing.assert_array_equal(seen(events, "total")[-1].value, 6 * (1 + 2 + 3) * X)
    for t, event in enumerate(seen(events, "states", "store")):
        np.testing.assert_array_equal(event.value, seen(events, "total")[t + 1].value, "a store is the part stored")


def test_lines_are_those_of_the_file(traced):
    page, _, events = traced
    assert {e.line for e in seen(events, "u")} == {line_of(page, "u, kept = helper")}
    assert {e.line for e in seen(events, "out", "touch")} == {line_of(page, "np.add.at")}


def test_moving_a_value_moves_what_follows_and_nothing_else(traced):
    page, tracer, events = traced
    tracer.off()
    y, before = page.forward(X, P)[0], (X.tobytes(), P["W"].tobytes())

    def change(event, by):
        tracer.start(FORWARD, target=event.number, by=by, leaf=event.leaf)
        return page.forward(X, P)[0] - y

    (r,) = seen(events, "r")
    np.testing.assert_allclose(change(r, np.full(3, 0.5)), 0.5 * np.array([1, 2, 2]) * 19 * X)
    np.testing.assert_allclose(change(seen(events, "total")[-1], np.ones(3)), [1, 2, 2])
    np.testing.assert_allclose(change(seen(events, "states", "store")[2], np.ones(3)), [1, 2, 2])
    np.testing.assert_allclose(change(seen(events, "p.W", "argument")[0], np.ones(3)), [-1, -2, -2])
    assert (X.tobytes(), P["W"].tobytes()) == before
    tracer.off()
    assert page.forward(X, P)[0].tobytes() == y.tobytes()


def test_a_dict_entry_and_one_use_of_a_variable_are_moved_alone():
    page = module("""
        def forward(x):
            d = {"a": x * 2, "b": x * 3}
            d["a"] = d["a"] + 1
            return d["a"] * x + d["b"] * x, None
    """)
    with following.followed(lambda: page.forward(X)) as tracer:
        events = run(tracer, FORWARD, lambda: page.forward(X))
        tracer.off()
        y = page.forward(X)[0]

        def change(event):
            tracer.start(FORWARD, target=event.number, by=np.ones(3), leaf=event.leaf)
            return page.forward(X)[0] - y

        (stored,) = seen(events, "d.a", "store")
        np.testing.assert_array_equal(stored.value, 2 * X + 1)
        np.testing.assert_allclose(change(stored), X)
        uses = [e for e in seen(events, "x", "use") if e.line == line_of(page, "return")]
        np.testing.assert_allclose([change(use) for use in uses], [2 * X + 1, 3 * X])


def test_index_pairs_and_columns_are_parts():
    page = module("""
        import numpy as np

        def forward(x, pairs):
            a = np.zeros((3, 6))
            a[:, :2] = x
            a[:, 2:4], a[:, 4:] = x * 2, x * 3
            i, j = pairs[:, 0], pairs[:, 1]
            d = (a[:, :2] * a[:, 2:4])[i] - x[j]
            back = np.zeros((3, 2))
            np.add.at(back, i, d)
            back[j] -= d
            return back, None
    """)
    x, pairs = np.arange(6.0).reshape(3, 2), np.array([[0, 1], [2, 1], [0, 2]])
    events = following.recorded(lambda: page.forward(x, pairs))
    assert [e.shape for e in seen(events, "a", "store")] == [(3, 2)] * 3
    assert [e.kind for e in seen(events, "back", "assign", "touch", "store")] == ["assign", "touch", "store"]
    assert not seen(events, "pairs", "argument"), "integers have no derivative"
    assert len(seen(events, "i", "assign")) == 1, "but the forward may keep them"


def test_a_store_in_the_backward_is_the_whole_array():
    page = module("""
        import numpy as np

        def backward(dy):
            dx = np.zeros((2, 3))
            for t in range(2):
                dx[t] = dy * (t + 1)
            return dx
    """)
    events = following.recorded(lambda: page.backward(X), BACKWARD)
    first, second = [e for e in events if e.name == "dx" and e.index is not None]
    np.testing.assert_array_equal(first.value, [X, 0 * X])
    np.testing.assert_array_equal(second.value, [X, 2 * X])


def test_terms_of_a_sum_and_entries_of_a_dict_are_events_of_the_backward():
    page = module("""
        def backward(dy):
            dz = 2 * dy + dy * dy - 3.0
            return dz, {"W": dy * 5, "b": dy * 7}
    """)
    events = following.recorded(lambda: page.backward(X), BACKWARD)
    terms = [e for e in events if e.kind == "term" and e.name == "dz"]
    np.testing.assert_array_equal([t.value * np.ones(3) for t in terms], [2 * X, X * X, [3, 3, 3]])
    assert [t.site.key for t in terms] == ["+", "+", "-"]
    assert {e.site.key for e in events if e.kind == "item"} == {"W", "b"}
    assert [e.site.key for e in events if e.kind == "return"] == ["0", "1", "1"]


def test_a_mended_value_is_what_the_rest_of_the_run_sees():
    page = module("""
        def backward(dy):
            da = dy * 3
            grads = {"W": da + 1}
            grads["W"] += da
            return da * 2, grads
    """)
    with following.followed(lambda: page.backward(X)) as tracer:
        results = []

        def mend(event, value):
            return X * 10 if event.name == "da" and event.kind == "assign" else value

        run(tracer, BACKWARD, lambda: results.append(page.backward(X)), mend=mend)
        np.testing.assert_array_equal(results[-1][0], 20 * X)
        np.testing.assert_array_equal(results[-1][1]["W"], 20 * X + 1)


def test_the_names_at_a_moment_are_copies():
    page = module("""
        def forward(x):
            a = x.copy()
            b = a
            a += 1
            return a, b
    """)
    with following.followed(lambda: page.forward(X)) as tracer:
        run(tracer, FORWARD, lambda: page.forward(X))
        at = next(n for n, s in enumerate(tracer.statements) if tracer.program.statements[s].line == 5)
        run(tracer, FORWARD, lambda: page.forward(X), watched=frozenset({at}))
        names = tracer.moments[at].names
    np.testing.assert_array_equal(names["a"], X, "as it was before the statement")
    assert names["a"] is names["b"], "names that share an array still share it"


def test_a_place_that_reports_very_often_is_left_out_and_the_rest_is_followed():
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
    with following.followed(lambda: page.forward(x)) as tracer:
        events = run(tracer, FORWARD, lambda: page.forward(x))
        lines = {tracer.program.sites[n].line for n in tracer.skipped}
        np.testing.assert_array_equal(page.forward(x)[0], 2 * x + 1)
    assert lines == {line_of(page, "v = x[i]"), line_of(page, "y[i] = v")}
    assert {e.name for e in events if e.kind == "assign"} == {"y", "z"}


def test_events_have_the_same_numbers_in_every_run(traced):
    page, tracer, events = traced
    again = run(tracer, FORWARD, lambda: page.forward(X, P))
    assert [(e.number, e.name, e.kind, e.loops) for e in again] == [(e.number, e.name, e.kind, e.loops) for e in events]
    assert all(np.array_equal(a.print, b.print) for a, b in zip(events, again))


def test_of_a_large_value_the_print_alone_is_kept():
    page = module("""
        def forward(x):
            y = x * 2
            return y, None
    """)
    for size, kept in ((LARGE, True), (LARGE + 1, False)):
        x = np.ones(size)
        (event,) = seen(following.recorded(lambda x=x: page.forward(x)), "y")
        assert (event.value is not None) == kept and event.norm == pytest.approx(2 * np.sqrt(size))


def test_prints_are_alike_only_if_arrays_are_alike(rng):
    tracer = Tracer()
    a = rng.normal(size=(3, 4))
    np.testing.assert_allclose(tracer.print_of(2 * a), 2 * tracer.print_of(a))
    for other in (a + 1e-6, -a, a[::-1], a[:, ::-1]):
        assert not np.allclose(tracer.print_of(other), tracer.print_of(a), rtol=1e-9)


def test_what_can_have_a_derivative():
    for value in (1.0, 1j, np.ones(2), np.float32(1), {"a": {"b": np.ones(1)}}):
        assert followed(value), value
    for value in (1, True, "a", None, [np.ones(2)], np.arange(3), np.ones(0), {}, {"a": 1}):
        assert not followed(value), value


def test_leaves_of_a_dict_are_replaced_and_moved_alone():
    tree = {"W": np.ones(2), "more": {"b": np.ones(3)}, "n": 3}
    assert [leaf for leaf, _ in arrays_in(tree)] == [".W", ".more.b"]
    new = put_in(tree, ".more.b", np.zeros(3))
    assert not new["more"]["b"].any() and new["W"] is tree["W"] and tree["more"]["b"].all()
    np.testing.assert_array_equal(moved(tree, ".W", 2)["W"], [3, 3])
    assert moved(2.0, "", 0.5) == 2.5


def test_what_cannot_be_copied_is_kept():
    lock = (k for k in range(3))
    names = copied({"lock": lock, "np": np, "f": test_what_cannot_be_copied_is_kept, "x": X})
    assert names["lock"] is lock and names["np"] is np and names["x"] is not X
