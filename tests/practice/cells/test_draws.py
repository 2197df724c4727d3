"""What is drawn: each student another cell and another loss, the same everywhere, sensible, bounded, trainable."""

import hashlib
import re
from functools import cache

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.practice.cells import gated, margin
from minireid.practice.cells.compare import true_gradients
from minireid.practice.cells.definition import (
    Definition,
    draw_arrays,
    draw_sizes,
    forward,
    hinges,
    shapes,
    used_by,
    values,
)
from minireid.practice.cells.expression import CONSTANTS, OPERATIONS, uses
from minireid.practice.cells.identity import Choices, tidy
from minireid.practice.cells.student import definition_of
from minireid.practice.cells.text import text

KINDS = ("cell", "loss")


@cache
def plans() -> list[gated.Plan]:
    return [*gated.plans()]


@cache
def drawn(kind: str, count: int) -> list[Definition]:
    return [definition_of(f"student {n}", kind=kind) for n in range(count)]


def equations(definition: Definition) -> str:
    return "; ".join(f"{e.name} = {text(e.right)}" for e in definition.equations)


@pytest.mark.parametrize("kind", KINDS)
def test_two_thousand_students_have_two_thousand_different_ones(kind: str) -> None:
    assert len({equations(definition) for definition in drawn(kind, 2000)}) == 2000
    other_year = {equations(definition_of(f"student {n}", course="2031", kind=kind)) for n in range(200)}
    assert not other_year & {equations(definition) for definition in drawn(kind, 2000)}


@pytest.mark.parametrize("kind", KINDS)
def test_they_differ_in_what_they_compute_not_only_in_print(kind: str) -> None:
    """Of those that take the same arrays, no two give the same results."""
    seen = set()
    for definition in drawn(kind, 300):
        sizes = {"N": 5, "D": 4, "S": 3, "P": 12, "E": 2}
        rng = np.random.default_rng(0)
        arrays = {name: rng.uniform(-0.9, 0.9, [sizes[s] for s in shape]) for name, shape in definition.inputs.items()}
        arrays |= {"i": np.arange(12) % 5, "j": (np.arange(12) * 2 + 1) % 5, "same": np.arange(12) % 2 == 0}
        params = {name: rng.uniform(-1, 1, [sizes[s] for s in shape]) for name, shape in definition.params.items()}
        y = forward(definition, {**arrays, "params": params})
        seen.add(tuple(np.round(np.ravel(v), 9).tobytes() for v in y.values()))
    assert len(seen) == 300


def test_the_same_student_has_the_same_cell_on_every_machine() -> None:
    assert equations(definition_of("s1234567")) == (
        "af = (x @ Wf) * (1 + h_prev * uf) + bf; f = sigmoid(0.6 * af); ai = (x @ Wi) * (1 + h_prev @ Ui) + bi; "
        "i = sigmoid(1.7 * ai); ag = x @ Wg + h_prev * ug + bg; g = ag / sqrt(1.8 + ag**2); c = f * c_prev + i * g; "
        "ao = x @ Wo + h_prev @ Uo + bo; o = sigmoid(0.6 * ao); s = sin(0.7 * c); h = (1 - o) * h_prev + o * s"
    )
    assert equations(definition_of("s1234567", kind="loss")).startswith("y = x @ M; a = y[i]; b = y[j]; d = mean(")
    every = [equations(definition_of(f"s{n}", course="seq 2030", kind=kind)) for kind in KINDS for n in range(100)]
    assert (
        hashlib.sha256("\n".join(every).encode()).hexdigest()
        == "872c2252b3a73cb7a9ea1bb3fdc6b4f4a1f5c9d5bd0c3c8f7b8315c73b51fd24"
    )


def test_choices_are_those_of_sha256() -> None:
    number = int(hashlib.sha256(b"a\nb").hexdigest(), 16)
    choices = Choices("a", "b")
    assert [choices.pick(range(7)), choices.pick(range(10))] == [number % 7, number // 7 % 10]


def test_spelling_does_not_matter_and_bad_names_are_told() -> None:
    assert tidy("  S123  Müller\n", "--student") == tidy("s123 Mu\u0308ller", "--student") == "s123 müller"
    for name in ("", "  ", "a" * 101, "a\0b"):
        with pytest.raises(InputError, match="expected --student"):
            definition_of(name)
    with pytest.raises(InputError, match="expected cell or loss"):
        definition_of("s1", kind="network")


def test_how_many_there_are() -> None:
    """The figures of the README. A pair of students is equal with the chance sum of p^2; 1000 have 499,500 pairs."""
    weight = np.array([chance(plan) for plan in plans()])
    each = np.array([gated.activations_of(plan) for plan in plans()], dtype=float)
    assert len(plans()) == 116589
    assert each.sum() == pytest.approx(1.05e15, rel=0.01)
    weight /= weight.sum()
    assert 1 / (499_500 * (weight**2 / each).sum()) == pytest.approx(46_000, rel=0.01)
    assert 1 / (499_500 * equal_losses()) == pytest.approx(6_100, rel=0.01)


def equal_losses() -> float:
    """The chance that two losses are equal: of each choice, first the kind, then the number."""

    def equal(sizes: list[int]) -> float:
        return sum(1 / len(sizes) ** 2 / size for size in sizes)

    distances = [(len(numbers) if name != "cosine" else len(margin.TENTHS)) * len(margins)
                 for name, (_, numbers, margins) in (margin.DISTANCES | margin.DIRECT).items()]  # fmt: skip
    kinds = ([len(numbers) for _, numbers in kind.values()] for kind in (margin.PULLS, margin.PUSHES, margin.LOSSES))
    return float(np.prod([equal(sizes) for sizes in kinds])) * equal(distances) / 2 / len(margin.WEIGHTS)


def chance(plan: gated.Plan) -> float:
    """Of a plan, but for a factor."""
    cell = plan.update.startswith("cell")
    peepholes = sum(gated.peephole(plan.update, name) for name in plan.gates) + cell
    return len(gated.INPUTS) ** -len(plan.gates) * 2.0**-peepholes


def test_every_drawn_plan_is_among_the_counted() -> None:
    counted = {str(plan) for plan in plans()}
    for n in range(3000):
        plan = gated.draw_plan(Choices("a test", str(n)))
        assert (str(plan) in counted) == gated.sensible(plan)


def test_no_cell_is_a_page_of_minireid_and_the_work_is_alike() -> None:
    """GRU and LSTM let every gate see x and h' through matrices, by a sum. And they use plain sigmoid and tanh."""
    for definition in drawn("cell", 500):
        rights = [text(e.right) for e in definition.equations]
        plain = [r for r in rights if re.fullmatch(r"(sigmoid|tanh)\(\w+\)", r)]
        full = [r for r in rights if r.count("@") == 2 and "*" not in r.replace("r * q", "")]
        gates = [name for name in definition.params if name.startswith("b")]
        assert not plain
        assert len(full) < len(gates) or "U" in definition.params, rights
    terms = [sum(map(len, used_by(definition).values())) for definition in drawn("cell", 500)]
    assert gated.LEAST <= min(terms) and max(terms) <= gated.MOST


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_no_constants_and_each_is_used(kind: str) -> None:
    for definition in drawn(kind, 500):
        names = {*definition.inputs, *definition.given, *definition.params, *(e.name for e in definition.equations)}
        assert not names & {*CONSTANTS, *OPERATIONS}
        used = {name for e in definition.equations for name in uses(e.right)}
        assert names - {*definition.outputs} <= used
        assert all(shapes(definition)[name] == shape for name, shape in definition.params.items())


@pytest.mark.parametrize("size", [1.0, "usual"])
def test_states_stay_bounded_for_a_thousand_steps(size: float | str) -> None:
    """Weights as layers draw them, +-1/sqrt(S), and larger; inputs of size 1."""
    highest = 0.0
    for number, definition in enumerate(drawn("cell", 50)):
        rng = np.random.default_rng(number)
        sizes = {"N": 3, "D": 6, "S": 8}
        bound = 1 / np.sqrt(sizes["S"]) if size == "usual" else size
        params = {
            name: rng.uniform(-bound, bound, [sizes[s] for s in shape]) for name, shape in definition.params.items()
        }
        state = {f"{name}_prev": np.zeros((3, 8)) for name in definition.outputs}
        for _ in range(1000):
            y = forward(definition, {"x": rng.normal(size=(3, 6)), **state, "params": params})
            state = {f"{name}_prev": value for name, value in y.items()}
            assert all(np.isfinite(value).all() for value in y.values()), definition.title
            highest = max(highest, *(np.abs(value).max() for value in y.values()))
    assert highest < 40


def test_every_parameter_can_be_trained_and_the_past_is_seen() -> None:
    for number, definition in enumerate(drawn("cell", 60)):
        rng = np.random.default_rng(number)
        bound = 1 / np.sqrt(8)
        sizes = {"N": 3, "D": 6, "S": 8}
        params = {
            name: rng.uniform(-bound, bound, [sizes[s] for s in shape]) for name, shape in definition.params.items()
        }
        state = {f"{name}_prev": rng.uniform(-0.5, 0.5, (3, 8)) for name in definition.outputs}
        x = rng.normal(size=(3, 6))
        upstream = {name: rng.normal(size=(3, 8)) for name in definition.outputs}
        for name, gradient in true_gradients(definition, {"x": x, **state, "params": params}, upstream).items():
            assert np.sqrt(np.mean(gradient**2)) > 1e-4, (definition.title, name)
        ends = [run_on(definition, start, state, params) for start in (x, -x)]
        assert np.abs(ends[0] - ends[1]).max() > 1e-8, definition.title


def run_on(definition: Definition, x: np.ndarray, state: dict, params: dict) -> np.ndarray:
    """h after x and five further inputs that are always the same."""
    rng = np.random.default_rng(0)
    for step in [x, *rng.normal(size=(5, 3, 6))]:
        y = forward(definition, {"x": step, **state, "params": params})
        state = {f"{name}_prev": value for name, value in y.items()}
    return y["h"]


def test_every_hinge_is_seen_from_both_sides_and_not_at_its_kink() -> None:
    seen = 0
    for number, definition in enumerate(drawn("loss", 300)):
        rng = np.random.default_rng(number)
        arrays = draw_arrays(definition, rng, draw_sizes(rng))
        for a in hinges(definition, arrays):
            seen += 1
            assert np.abs(a).min() > 0.02 * np.abs(a).max()
            for group in (a[arrays["same"]], a[~arrays["same"]]):
                assert (group > 0).any() and (group < 0).any()
        assert (arrays["i"] != arrays["j"]).all()
        assert all(np.isfinite(v).all() for k, v in values(definition, arrays).items() if k not in ("params",))
    assert seen > 100


def test_drawn_sizes_differ_so_that_no_axis_can_hide() -> None:
    for seed in range(50):
        sizes = draw_sizes(np.random.default_rng(seed))
        assert len({sizes[s] for s in "NDS"}) == 3 and len({sizes[s] for s in "NDPE"}) == 4
