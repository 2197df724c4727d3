"""The other functions that go by the same name: each is recognised, and none is ours."""

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cases.variants import no_bias_after, opposite_gate, variants
from minireid.gradcheck.forward import compare_forwards
from minireid.layers import gru, gru_reset_after

PAGES = {
    "gru/step": (gru.step_forward, gru),
    "gru": (gru.forward, gru),
    "gru_reset_after/step": (gru_reset_after.step_forward, gru_reset_after),
    "gru_reset_after": (gru_reset_after.forward, gru_reset_after),
}
ALL = [(name, text, variant) for name in PAGES for text, variant in variants(name)]
each = pytest.mark.parametrize(("name", "text", "variant"), ALL, ids=[f"{name}: {text[:45]}" for name, text, _ in ALL])


def draws(name, count=2):
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        p = PAGES[name][1].init(rng, 2, 4, dtype=np.float64)
        arrays = (
            (rng.normal(size=(3, 2)), rng.normal(size=(3, 4)))
            if name.endswith("step")
            else (rng.normal(size=(3, 5, 2)),)
        )
        found.append(((*arrays, p), {}))
    return found


@each
def test_a_variant_is_another_function_and_is_called_by_its_name(name, text, variant):
    ours, _ = PAGES[name]
    (arrays, _), *_ = draws(name)
    assert not np.allclose(variant(*arrays)[0], ours(*arrays)[0])
    said, finding = compare_forwards(variant, ours, draws(name), variants(name))
    assert text in said and finding.causes[0].cause == "forward differs"


@pytest.mark.parametrize("name", PAGES)
def test_ours_is_none_of_them_and_no_two_are_the_same(name):
    ours, _ = PAGES[name]
    assert compare_forwards(ours, ours, draws(name), variants(name)) is None
    (arrays, _), *_ = draws(name)
    results = [variant(*arrays)[0] for _, variant in variants(name)]
    for n, one in enumerate(results):
        assert not any(np.allclose(one, other) for other in results[:n])


def test_the_two_gru_pages_have_variants_and_the_others_have_none():
    assert len(variants("gru/step")) == len(variants("gru")) == 3
    assert variants("elman") == variants("linear") == []


def test_torch_is_both_of_it(judge):
    """Reset after the product, and z and 1 - z swapped: what PyTorch calls a GRU."""
    import torch

    rng = np.random.default_rng(3)
    p = gru.init(rng, 2, 4, dtype=np.float64)
    x, h = rng.normal(size=(3, 2)), rng.normal(size=(3, 4))
    cell = torch.nn.GRUCell(2, 4, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(np.concatenate([p["Wr"], p["Wz"], p["Wc"]], axis=1).T))
        cell.weight_hh.copy_(torch.tensor(np.concatenate([p["Ur"], p["Uz"], p["Uc"]], axis=1).T))
        cell.bias_ih.copy_(torch.tensor(np.concatenate([p["br"], p["bz"], p["bc"]])))
        cell.bias_hh.zero_()
        expected = cell(torch.tensor(x), torch.tensor(h)).numpy()
    (both,) = [variant for text, variant in variants("gru/step") if text.startswith("PyTorch's GRU")]
    np.testing.assert_allclose(both(x, h, p)[0], expected, rtol=1e-12)


def test_parameters_are_changed_on_copies():
    p = gru.init(np.random.default_rng(0), 2, 4, dtype=np.float64)
    before = {name: array.tobytes() for name, array in p.items()}
    other = opposite_gate(p)
    assert all(np.array_equal(other[k], -p[k] if k[1] == "z" else p[k]) for k in p)
    assert set(no_bias_after(p)) == {*p, "vc"} and not no_bias_after(p)["vc"].any()
    assert {name: array.tobytes() for name, array in p.items()} == before


@each
def test_a_variants_own_backward_passes_the_gradient_check_which_is_why_forwards_are_compared(name, text, variant):
    if "z and 1 - z" not in text or not name.startswith("gru/step") or "after" in text:
        return
    (arrays, _), *_ = draws(name)

    def backward(dh, cache):
        dx, dh_prev, grads = gru.step_backward(dh, cache)
        return dx, dh_prev, opposite_gate(grads)

    assert check(variant, backward, *arrays).ok
