"""The judge: the derivatives are true, right answers are right, whatever else comes is a row and no exception."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.gradcheck.cases.user_module import imported
from minireid.practice.cells.compare import compare_backward, compare_forward, true_gradients
from minireid.practice.cells.definition import Arrays, Definition, draw_arrays, draw_sizes, forward
from minireid.practice.cells.student import definition_of

ANSWERS = sorted((Path(__file__).parent / "answers").glob("*.py"))


def drawn(definition: Definition, seed: int) -> tuple[Arrays, Arrays]:
    """(inputs, upstream) of sizes of their own."""
    rng = np.random.default_rng(seed)
    inputs = draw_arrays(definition, rng, draw_sizes(rng))
    return inputs, {name: rng.normal(size=np.shape(y)) for name, y in forward(definition, inputs).items()}


def of_answer(path: Path) -> Definition:
    kind, student = path.stem.split("_")
    return definition_of(student, kind=kind)


def returned(path: Path, definition: Definition, inputs: Arrays, upstream: Arrays) -> tuple[Any, Any]:
    """(results without the cache, gradients) of a file's functions."""
    module = imported(path)
    forward_, backward = (getattr(module, name) for name in definition.functions())
    *y, cache = forward_(*(inputs[name] for name in definition.arguments()))
    return tuple(y), backward(*upstream.values(), cache)


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", range(5))
def test_answers_by_hand_are_right_to_the_last_digits(path: Path, seed: int) -> None:
    definition = of_answer(path)
    inputs, upstream = drawn(definition, seed)
    y, gradients = returned(path, definition, inputs, upstream)
    rows = [*compare_forward(definition, inputs, y), *compare_backward(definition, inputs, upstream, gradients)]
    assert [row.name for row in rows] == [
        *definition.outputs, *definition.inputs, *(f"params.{name}" for name in definition.params),
    ]  # fmt: skip
    assert all(row.ok and row.error is not None and row.error < 1e-10 for row in rows), rows
    assert json.loads(json.dumps([row._asdict() for row in rows]))


@pytest.mark.parametrize("kind", ["cell", "loss"])
def test_true_gradients_against_central_differences(kind: str) -> None:
    for n in range(10):
        definition = definition_of(f"difference {n}", kind=kind)
        inputs, upstream = drawn(definition, n)

        def L(definition: Definition = definition, inputs: Arrays = inputs, upstream: Arrays = upstream) -> float:
            return float(sum(np.sum(upstream[k] * y) for k, y in forward(definition, inputs).items()))

        for name, gradient in true_gradients(definition, inputs, upstream).items():
            array = inputs["params"][name.removeprefix("params.")] if name.startswith("params.") else inputs[name]
            index = tuple(int(k) for k in np.unravel_index(int(np.abs(gradient).argmax()), gradient.shape))
            before = array[index]
            array[index] = before + 1e-6
            above = L()
            array[index] = before - 1e-6
            difference = (above - L()) / 2e-6
            array[index] = before
            assert difference == pytest.approx(gradient[index], rel=2e-6, abs=1e-8), (definition.title, name)


def test_nothing_that_is_given_is_changed() -> None:
    definition = definition_of("s9")
    inputs, upstream = drawn(definition, 0)
    before = json.dumps([inputs, upstream], default=lambda a: a.tolist())
    true_gradients(definition, inputs, upstream)
    compare_forward(definition, inputs, {"h": np.zeros(3)})
    assert json.dumps([inputs, upstream], default=lambda a: a.tolist()) == before


def test_one_wrong_tensor_is_the_one_that_is_named() -> None:
    definition = definition_of("s9")
    inputs, upstream = drawn(definition, 1)
    right = true_gradients(definition, inputs, upstream)
    for name in right:
        wrong = {k: v.copy() for k, v in right.items()}
        wrong[name].flat[1] += 1e-4 * np.abs(wrong[name]).max()
        gradients = {k: v for k, v in wrong.items() if "." not in k}
        gradients["params"] = {k.removeprefix("params."): v for k, v in wrong.items() if "." in k}
        rows = compare_backward(definition, inputs, upstream, gradients)
        assert [row.name for row in rows if not row.ok] == [name]
        row = next(row for row in rows if not row.ok)
        assert row.where == np.unravel_index(1, right[name].shape) and row.true == right[name].flat[1]


class Liar(np.ndarray):
    """An array that calls itself equal to anything."""

    def __array_ufunc__(self, *arguments: Any, **options: Any) -> Any:
        return np.zeros(1)

    def __eq__(self, other: object) -> Any:
        return True


@pytest.mark.parametrize(
    ("h", "said"),
    [
        (None, "it is missing"),
        ("right", "expected an array, got str"),
        (np.zeros((3, 5)).view(Liar), "expected an array, got Liar"),
        (np.zeros((3, 5), dtype=object), "expected numbers of float64, got object"),
        (np.zeros((3, 5), dtype=complex), "expected numbers of float64, got complex128"),
        (np.zeros((3, 5), dtype=bool), "expected numbers of float64, got bool"),
        (np.zeros((5, 3)), "expected the shape (3, 5), got (5, 3) (it is transposed)"),
        (np.broadcast_to(np.float64(0), (10**5, 10**5)), "expected the shape (3, 5), got (100000, 100000)"),
        (np.full((3, 5), np.nan), "it contains NaN or infinity"),
        (3.0, "expected the shape (3, 5), got ()"),
        (10**40, "expected an array, got int"),
    ],
    ids=repr,
)
def test_whatever_comes_is_a_row(h: Any, said: str) -> None:
    definition = definition_of("s7")
    inputs = draw_arrays(definition, np.random.default_rng(0), {"N": 3, "D": 4, "S": 5})
    (row,) = compare_forward(definition, inputs, {"h": h})
    assert not row.ok and row.fault == said and row.error is None
    json.dumps(row._asdict(), allow_nan=False)


@pytest.mark.parametrize(
    "gradients", [None, (), {}, {"params": 3}, (None, None, None), ([], [], []), "abc", ({}, {}, {})]
)
def test_gradients_that_are_none(gradients: Any) -> None:
    definition = definition_of("s7")
    inputs, upstream = drawn(definition, 0)
    rows = compare_backward(definition, inputs, upstream, gradients)
    assert len(rows) == 2 + len(definition.params) and not any(row.ok for row in rows)


def test_differences_can_be_told_from_a_backward_by_their_error() -> None:
    """The README says so: a grader may ask for more digits than central differences have."""
    definition = definition_of("s7")
    inputs, upstream = drawn(definition, 0)
    gradient = np.zeros_like(inputs["x"])
    for index in np.ndindex(gradient.shape):
        sides = []
        for step in (1e-5, -1e-5):
            moved = inputs["x"].copy()
            moved[index] += step
            sides.append(np.sum(upstream["h"] * forward(definition, {**inputs, "x": moved})["h"]))
        gradient[index] = (sides[0] - sides[1]) / 2e-5
    error = compare_backward(definition, inputs, upstream, (gradient,))[0].error
    assert error is not None and 1e-11 < error < 1e-5
