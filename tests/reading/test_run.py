"""A followed run: its values are those of the functions, its proofs are true, its joins are those of the derivation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minireid.gradcheck.cases.page_case import pages
from minireid.layers import gru
from minireid.practice.zoo.bugs import BUGS
from minireid.practice.zoo.plant import source
from minireid.practice.zoo.reading import followed_bug, to_blame
from minireid.reading.cases import LARGE, about, problem_of
from minireid.reading.library import followed_page
from minireid.reading.page import parse
from minireid.reading.place import Followed, Place
from minireid.reading.run import follow


@pytest.fixture(scope="module")
def read_gru() -> Followed:
    followed = followed_page("gru")
    assert followed is not None
    return followed


def named(followed: Followed, name: str, line_text: str, side: str = "backward") -> Place:
    lines = Path(gru.__file__).read_text("utf-8").splitlines()
    found = [p for p in followed.places if p.side == side and p.name == name and line_text in lines[p.line - 1]
             and p.kind == "name"]  # fmt: skip
    assert len(found) == 1, (name, line_text, found)
    return found[0]


def test_the_values_are_those_of_the_page(read_gru: Followed) -> None:
    problem = problem_of("gru")
    x, p = problem.arrays
    h, steps = gru.forward(x, p)
    for t, step in enumerate(steps):
        for name in ("z", "r", "q", "c"):
            text = {"z": "sigmoid.forward(az)", "r": "sigmoid.forward(ar)", "q": "q = r", "c": "c = np.tanh"}[name]
            place = named(read_gru, name, text, "forward")
            np.testing.assert_array_equal(place.values[str(t)], getattr(step, name))
        np.testing.assert_array_equal(named(read_gru, "h", "h[:, t] = h_t", "forward").values[str(t)], h[:, t])
    dx, grads = gru.backward(problem.upstream, steps)
    for t in range(6):
        np.testing.assert_array_equal(named(read_gru, "dx", "dx[:, t], dh_next").values[str(t)], dx[:, t])
    np.testing.assert_array_equal(read_gru.gradients["p.Uc"], grads["Uc"])


def test_each_term_is_joined_with_the_use_that_it_belongs_to(read_gru: Followed) -> None:
    lines = Path(gru.__file__).read_text("utf-8").splitlines()
    terms = {p.text: p for p in read_gru.places if p.kind == "term" and "dh_prev =" in lines[p.line - 1]}
    uses = {
        text: [lines[read_gru.places[u].line - 1].split("#")[0].strip() for u in p.uses] for text, p in terms.items()
    }
    assert uses == {
        "dh * (1 - z)": ["h = (1 - z) * h_prev + z * c"],
        "dq * r": ["q = r * h_prev"],
        'dar @ p["Ur"].T': ['ar = x @ p["Wr"] + h_prev @ p["Ur"] + p["br"]'],
        'daz @ p["Uz"].T': ['az = x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"]'],
    }
    assert len(named(read_gru, "dh_prev", "dh_prev =").uses) == 4


def test_expressions_have_the_values_of_their_moment(read_gru: Followed) -> None:
    z = named(read_gru, "z", "sigmoid.forward(az)", "forward")
    (gate,) = [p for p in read_gru.places if p.text == "1 - z" and p.side == "backward" and "dh_prev" in line_of(p)]
    for key, value in gate.values.items():
        np.testing.assert_array_equal(value, 1 - z.values[key])
    assert gate.values[str(LARGE)].max() < 0.01 < gate.values[str(LARGE + 1)].min()


def line_of(place: Place) -> str:
    return Path(gru.__file__).read_text("utf-8").splitlines()[place.line - 1]


@pytest.mark.parametrize("name", pages())
def test_a_right_page_is_proved_and_nothing_is_called_wrong(name: str) -> None:
    followed = followed_page(name)
    assert followed is not None and not followed.error
    wrong = [(p.line, p.name, p.wrong) for p in followed.places if p.wrong]
    assert not wrong
    assert any(p.errors for p in followed.places if p.side == "backward")


def test_most_gradients_of_the_recurrent_pages_are_proved() -> None:
    """Names of the backward that start with d and hold numbers: the proof is more than the returned ones."""
    for name in ("gru", "elman", "elman_relu"):
        followed = followed_page(name)
        assert followed is not None
        names = [p for p in followed.places if p.side == "backward" and p.kind == "name" and p.name.startswith("d")]
        proved = [p for p in names if p.errors]
        assert len(proved) >= 0.6 * len(names), (name, [(p.line, p.name) for p in names if not p.errors])


def test_a_wrong_line_is_wrong_from_there_on() -> None:
    number = next(n for n, bug in enumerate(BUGS, 1) if bug.module == "layers.gru" and bug.function == "step_backward")
    followed = followed_bug(BUGS[number - 1])
    last = followed.rounds["backward"][0]
    lines = sorted({p.line for p in followed.places if last in p.wrong})
    assert lines and min(lines) in to_blame(BUGS[number - 1], source(BUGS[number - 1])[1])
    place = next(p for p in followed.places if p.wrong)
    key = place.wrong[0]
    assert np.abs(place.values[key] - place.true[key]).max() > 1e-6 * np.abs(place.true[key]).max()


def test_a_wrong_forward_differs_from_the_right_page() -> None:
    bug = next(bug for bug in BUGS if bug.module == "layers.sigmoid" and bug.function == "forward")
    followed = followed_bug(bug)
    assert {p.line for p in followed.places if p.wrong and p.side == "forward"} == set(to_blame(bug, source(bug)[1]))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(BUGS) + 1))
def test_every_planted_bug_shows(number: int) -> None:
    """Some value of the broken page is not what it should be: there is something to find."""
    shows(number)


@pytest.mark.parametrize("number", (1, 4, 31, 39, 52, 102))  # of sums, shapes, returned dicts, forwards
def test_planted_bugs_show(number: int) -> None:
    shows(number)


def shows(number: int) -> None:
    followed = followed_bug(BUGS[number - 1])
    assert followed.error or any(p.wrong for p in followed.places)


def test_a_backward_that_raises_is_followed_up_to_there() -> None:
    problem = problem_of("tanh")

    def broken(dy, cache):
        dx = dy * 2
        raise ValueError(f"stop {dx.shape}")

    followed = follow(replace(problem, backward=broken), __file__)
    assert followed.error == "ValueError: stop (2, 6)"
    assert any(p.name == "dx" for p in followed.places)


def test_every_name_of_a_page_stands_where_it_is_written(read_gru: Followed) -> None:
    lines = Path(gru.__file__).read_text("utf-8").splitlines()
    functions = {f.name for f in parse("\n".join(lines)).functions}
    for place in read_gru.places:
        assert place.function in functions
        if place.kind in ("use", "term", "expression") and place.columns[1] > place.columns[0]:
            assert lines[place.line - 1][slice(*place.columns)] == place.text


def test_parts_that_draw_or_change_something_are_not_evaluated_again() -> None:
    """A second draw has other numbers than the run, and a list has lost its entry: such parts have no value."""
    problem = replace(problem_of("tanh"), form=None)

    def forward(x):
        rng, stack = np.random.default_rng(3), [2.0, 5.0]
        y = (2 * x) * (rng.random(x.shape) < 0.5) * (stack.pop() + stack.pop()) + np.tanh(x * 3)
        z = np.tanh(x * 3) * y
        return z, y

    followed = follow(replace(problem, forward=forward, backward=lambda dz, cache: (dz * cache,)), __file__)
    values = {p.text: next(iter(p.values.values())) for p in followed.places if p.kind == "expression"}
    x = problem.arrays[0]
    assert not [text for text in values if "rng" in text or "pop" in text]
    np.testing.assert_array_equal(values["2 * x"], 2 * x)
    np.testing.assert_array_equal(values["np.tanh(x * 3)"], np.tanh(x * 3))


def test_what_is_said_of_a_run_is_true_of_it() -> None:
    assert "random ones at t = 5, 0 before. At t = 3 x is large" in about(problem_of("gru"))
    assert about(problem_of("lstm")).endswith("random ones at t = 5, 0 before.")
    assert about(problem_of("contrastive_squared")) == "The loss is the output."
    bug = next(b for b in BUGS if b.module == "layers.elman" and "dh_t = dh[:, -1]" in b.new)
    assert about(followed_bug(bug).problem) == "The loss is the sum of all outputs times fixed random numbers."
