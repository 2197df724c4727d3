"""Every planted bug fits its page, can be seen, and is like no other."""

import functools
import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.cases.pages import USUAL, Case, page_cases
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.tensor.problem import fresh
from minireid.practice.zoo import plant
from minireid.practice.zoo.bug import Bug
from minireid.practice.zoo.bugs import BUGS
from tests.judges import upstream

CAUSES = {
    "sign", "constant factor", "transposed", "flipped kernel", "wrong variable",
    "term missing", "nothing carried back", "wrong step", "= for +=", "one twin lost", "wrong mask", "old value",
    "pre-activation", "activation left out", "wrong activation", "term too many", "padding border", "stride ignored",
    "wrong axes", "factor missing", "factor too many", "wrong index",
    "wrong operation", "wrong order", "forward differs",
}  # fmt: skip
PAGES = {
    *("layers." + name for name in ("conv2d", "maxpool2d", "conv_block", "sigmoid", "tanh", "relu", "linear")),
    *("layers." + name for name in ("dropout", "unit_length", "elman", "gru", "gru_reset_after", "elman_unsquashed")),
    *("layers.temporal_" + name for name in ("mean", "max", "last", "centre")),
    *("losses." + name for name in ("softmax", "pair_distance", "joint", "joint_on_sphere")),
    *("losses.contrastive_" + name for name in ("squared", "linear", "crf")),
    *("kernels." + name for name in ("loops", "im2col")),
}
SEEN = 1e-4  # relative to the largest entry; a gradient check sees a thousand times less

each_bug = pytest.mark.parametrize("bug", BUGS, ids=[f"{n} {bug.module}" for n, bug in enumerate(BUGS, 1)])


@functools.cache
def cases(name: str) -> list[Case]:
    """What `minireid gradcheck` runs for the layer or loss of this name."""
    rng = np.random.default_rng(3)
    every = list(page_cases(rng, USUAL))
    return [case for case in every if case.name.split("/")[0] == name]


def results(forward: Callable[..., Any], backward: Callable[..., Any], case: Case) -> list[np.ndarray]:
    """y and all gradients, by a random upstream gradient that the functions may not spoil for each other."""
    config = {name: value for name, value in case.config.items() if name != "kernel" or case.name == "conv_block/plain"}
    y, cache = forward(*map_leaves(np.copy, dict(enumerate(case.arrays))).values(), **fresh(config))
    dy = upstream(np.random.default_rng(5), case.forward(*case.arrays, **fresh(case.config))[0])
    if np.shape(y) != np.shape(dy):  # a forward of another shape: nothing more to compare
        return [np.asarray(y)]
    gradients = backward(map_leaves(np.copy, dy), cache)
    tree = dict(enumerate(gradients if len(case.arrays) > 1 else (gradients,)))
    return [np.asarray(y), *(np.asarray(leaf) for _, leaf in leaves(tree))]


@functools.cache
def broken_results(bug: Bug) -> list[list[np.ndarray]]:
    module = plant.load(bug)
    pairs = [
        (getattr(module, c.forward.__name__), getattr(module, c.backward.__name__)) for c in cases(plant.like(bug))
    ]
    return [results(*pair, case) for pair, case in zip(pairs, cases(plant.like(bug)), strict=True)]


@functools.cache
def clean_results(name: str) -> list[list[np.ndarray]]:
    return [results(case.forward, case.backward, case) for case in cases(name)]


def differ(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    if [a.shape for a in one] != [b.shape for b in other]:
        return True
    return any(np.abs(a - b).max() > SEEN * np.abs(b).max() for a, b in zip(one, other))


def test_there_are_enough_and_every_page_and_cause_has_one() -> None:
    assert len(BUGS) >= 60
    assert {bug.module for bug in BUGS} == PAGES
    assert {bug.cause for bug in BUGS} == CAUSES
    recurrent = [bug for bug in BUGS if "gru" in bug.module or "elman" in bug.module]
    assert len(recurrent) > len(BUGS) / 3
    assert {bug.function for bug in recurrent} >= {"step_forward", "step_backward", "forward", "backward"}


def test_easy_ones_come_first() -> None:
    difficulties = [bug.difficulty for bug in BUGS]
    assert difficulties == sorted(difficulties) and set(difficulties) == {1, 2, 3}


@each_bug
def test_words(bug: Bug) -> None:
    assert bug.cause not in bug.also and len(set(bug.also)) == len(bug.also) and set(bug.also) <= set(Cause)
    assert bug.hint.count(".") + bug.hint.count("?") >= 1 and bug.hint[-1] in ".?"
    sentences = re.split(r"[.?!] (?=[A-Z0-9(])", bug.explanation)
    assert 2 <= len(sentences) <= 4 and bug.explanation[-1] == "." and len(bug.explanation) < 450
    assert bug.old.strip() not in bug.hint and bug.cause not in bug.hint


def test_no_two_are_the_same_edit_or_have_one_title() -> None:
    assert len({(bug.module, bug.function, bug.new) for bug in BUGS}) == len(BUGS)
    assert len({bug.title for bug in BUGS}) == len({bug.explanation for bug in BUGS}) == len(BUGS)


@each_bug
def test_it_fits_its_page(bug: Bug) -> None:
    text, number = plant.source(bug)
    clean = plant.clean_source(bug)
    assert text != clean and text.count("\n") - clean.count("\n") == bug.new.count("\n") - bug.old.count("\n")
    broken, right = text.splitlines(), clean.splitlines()
    assert broken[: number - 1] == right[: number - 1] and broken[number - 1] != right[number - 1]
    first, last = plant.function_lines(text, bug.function)
    assert first < number <= last or not bug.new  # of a line that was taken out, the next one is the first to differ
    assert "Planted" not in text and bug.explanation not in text
    assert all(len(line) <= 120 for line in broken)


@each_bug
def test_it_runs_and_its_source_can_be_read(bug: Bug) -> None:
    module = plant.load(bug)
    text, _ = plant.source(bug)
    found = inspect.getsource(getattr(module, bug.function))
    assert found.strip() in text
    assert bug.new in found or plant.like(bug) == "conv2d"  # a kernel's forward is followed by the layer's


@each_bug
def test_it_can_be_seen(bug: Bug) -> None:
    name = plant.like(bug)
    assert cases(name)
    assert any(differ(broken, clean) for broken, clean in zip(broken_results(bug), clean_results(name), strict=True))


@each_bug
def test_it_is_called_a_wrong_forward_where_it_is_one(bug: Bug) -> None:
    pairs = zip(broken_results(bug), clean_results(plant.like(bug)), strict=True)
    forward_is_wrong = any(differ(broken[:1], clean[:1]) for broken, clean in pairs)
    assert forward_is_wrong == ("forward differs" in (bug.cause, *bug.also))


def test_no_two_give_the_same_numbers() -> None:
    for n, one in enumerate(BUGS):
        for other in BUGS[:n]:
            if plant.like(one) == plant.like(other):
                pairs = zip(broken_results(one), broken_results(other), strict=True)
                assert any(differ(a, b) for a, b in pairs), f"{one.title} = {other.title}"


def test_a_page_that_is_right_shows_nothing() -> None:
    """The measure itself: a bug whose edit changes nothing is not seen."""
    bug = next(bug for bug in BUGS if bug.module == "layers.gru")
    same = bug._replace(new=bug.old + " + 0 * dh", old=bug.old)
    assert not any(differ(a, b) for a, b in zip(broken_results(same), clean_results("gru"), strict=True))


def test_a_page_that_has_moved_on_is_refused() -> None:
    bug = next(bug for bug in BUGS if bug.module == "layers.gru" and bug.function == "step_backward")
    for changed in (bug._replace(old="dz = dh * nothing"), bug._replace(old="dh"), bug._replace(function="nowhere")):
        with pytest.raises(ValueError, match="zoo: expected"):
            plant.source(changed)
        with pytest.raises(ValueError, match="zoo: expected"):
            plant.load(changed)


def test_the_clean_page_is_left_alone() -> None:
    from minireid.layers import gru

    bug = next(bug for bug in BUGS if bug.module == "layers.gru" and bug.function == "step_backward")
    broken: ModuleType = plant.load(bug)
    assert broken is not gru and broken.step_backward is not gru.step_backward
    assert bug.new not in inspect.getsource(gru.step_backward) and bug.old in inspect.getsource(gru.step_backward)
