"""What `minireid gradcheck` runs: every case passes, none is forgotten, and none of them is blind."""

import pkgutil
from pathlib import Path

import numpy as np
import pytest

import minireid
from minireid.base.trees import leaves
from minireid.gradcheck import assert_gradients
from minireid.gradcheck.cases.check_all import all_cases, check_case, method
from minireid.gradcheck.cases.pages import OTHER, Sizes, layer_cases, spaced
from minireid.gradcheck.tensor.problem import fresh
from minireid.losses import contrastive_crf, pair_distance
from tests.judges import upstream

CASES = list(all_cases())
NO_DERIVATIVE = {"lengths", "pair_weights", "euclidean", "embedding", "facts", "running"}
PARTS = {"cnn"}  # of other networks, with which it is checked


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    """A network with another setting (msp_src/unit=lstm) is slow, and like the network without it."""
    return [pytest.mark.slow] if "=" in name else []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name, marks=marks_of(case.name)) for case in CASES])
def test_every_case_passes_without_a_kink(case):
    report = check_case(case, 0)
    assert report.ok and all(tensor.kinks == 0 for tensor in report.tensors), str(report)


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("package", ["layers", "losses", "networks"])
def test_no_page_is_forgotten(package):
    """A new layer, loss or network needs a case: so that it is checked, and so that a reader can run its check."""
    folder = Path(minireid.__file__).parent / package
    pages = {page.name for page in pkgutil.iter_modules([str(folder)])} - NO_DERIVATIVE - PARTS
    covered = {case.forward.__module__.rpartition(".")[2] for case in CASES}
    assert pages <= covered, f"no gradient-check case for {sorted(pages - covered)}"


def test_both_passes_of_a_case_are_of_one_page():
    for case in CASES:
        assert case.forward.__module__ == case.backward.__module__
        assert case.backward.__name__ == case.forward.__name__.replace("forward", "backward")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_case_is_blind(case, rng):
    """Where the true gradient is zero, a backward that returns nothing but zeros would pass."""
    *ys, cache = case.forward(*case.arrays, **fresh(case.config))
    gradients = case.backward(*(upstream(rng, y) for y in ys), cache)
    for name, gradient in leaves(dict(enumerate(gradients if len(case.arrays) > 1 else (gradients,)))):
        assert np.any(gradient), name


def test_some_pairs_of_different_persons_are_within_the_margin():
    cases = [case for case in CASES if case.name.startswith("contrastive")]
    assert len(cases) == 3
    for case in cases:
        d, _ = pair_distance.forward(*case.arrays, pairs=case.config["pairs"])
        d, margin = d[~case.config["same"]], case.config["margin"]
        assert ((d * d if case.forward is contrastive_crf.forward else d) < margin).any(), case.name


def test_the_seed_decides():
    def bits(seed: int) -> list[bytes]:
        return [
            a.tobytes() for case in layer_cases(np.random.default_rng(seed), Sizes()) for _, a in leaves(case.arrays[0])
        ]

    assert bits(0) == bits(0) and bits(0) != bits(1)


@pytest.mark.parametrize("sizes", [Sizes(), OTHER], ids=["the usual sizes", "the others"])
def test_another_seed_passes_too(sizes):
    for case in layer_cases(np.random.default_rng(11), sizes):
        assert_gradients(case.forward, case.backward, *case.arrays, method=method(case), diagnosis=False, **case.config)


def test_spaced_values_keep_away_from_each_other_and_from_zero(rng):
    values = np.sort(spaced(rng, 3, 5, 7), axis=None)
    assert np.diff(values).min() > 0.0499 and np.abs(values).min() > 0.0249
