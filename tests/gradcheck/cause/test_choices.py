"""What may belong in a place: only what has the right kind and the right shape, and nothing twice the same way."""

import ast
from types import FunctionType

import numpy as np
import pytest

from minireid.gradcheck.cause.choices import choices
from minireid.gradcheck.cause.match import choice_in, match, pattern
from minireid.gradcheck.cause.rules import RULES
from tests.gradcheck.cause.shared import f, parsed, scope
from tests.gradcheck.planting import module


def chosen(kind, node, wrong="A", where="value", space=None):
    """The choices for an expression that a rule with this left side matches."""
    found, space = {}, space or scope()
    tree = parsed(node, where)
    assert match(pattern(wrong), tree, space, found)
    return [ast.unparse(ast.fix_missing_locations(c)) for c in choices(kind, found, tree, space)]


def test_arrays_of_the_same_shape():
    same = chosen("same", "x", "V")
    assert {"y", "z", "dx", "mask", "h[:, t]"} <= set(same) and not {"x", "W", "dy", "t", "scale"} & set(same)
    assert "p['V']" in chosen("same", "W", "V")


def test_factors_broadcast_to_the_expression():
    found = chosen("factor", "dx * 2")
    assert {"x", "1 - y", "b", "mask", "scale"} <= set(found)
    assert "W" not in found and "dy" not in found


def test_slopes_are_of_values_and_not_of_gradients():
    found = chosen("slope", "dx")
    assert {"1 - y * y", "y * (1 - y)", "y > 0"} <= set(found)
    assert not any("dx" in text for text in found)


def test_masks_are_of_zeros_and_ones():
    found = chosen("mask", "dx")
    assert {"mask", "1 - mask"} <= set(found) and "x" not in found


def test_what_a_round_leaves_behind_must_fit():
    assert chosen("carried", "dx") == ["z"] and chosen("carried", "dy") == []


def test_numbers_are_those_of_the_program():
    found = chosen("number", "dx")
    assert {"2", "0.5", "N", "T", "scale", "x.shape[0]", "W.shape[1]"} <= set(found)


@pytest.mark.parametrize(("old", "new"), [("2", "3"), ("2", "1"), ("0.5", "1.0"), ("1", "-1"), ("1", "0.5")])
def test_numbers_next_to_a_number(old, new):
    found = [float(n) for n in chosen("number+", old, "K")]
    assert float(new) in found and float(old) not in found


def test_terms_have_a_gradient_in_them_or_the_same_shape():
    found = chosen("term", "x")
    assert {"dx", "dx * y", "dx * (1 - y)", "dx @ U.T", "dy @ W.T", "y"} <= set(found)
    assert "W" not in found and "x" not in found and len(found) == len(set(found))


def test_axes_are_those_of_the_array():
    assert chosen("axes", "x.sum()", "A.sum(*B)") == ["0", "1", "(0, 1)"]
    assert len(chosen("axes", "h.sum()", "A.sum(*B)")) == 7 and chosen("axes", "t") == []


def test_orders_of_the_axes():
    assert len(chosen("order", "h")) == 5 and chosen("order", "x") == [], "two axes: .T does it"


def test_whole_numbers():
    assert set(chosen("int", "t", "N")) == {"N", "T", "stride"}


def test_slices_start_end_and_step():
    found = chosen("slice", "1:t", "slice", "index")
    assert {":", "1:", "t:", ":-1", "1:t:stride", "1:t:-1"} <= set(found)


def test_keys_of_the_dict():
    assert set(chosen("key", "'V'", "S", "index")) == {"'W'"} and chosen("key", "'no'", "S", "index") == []


def test_letters_of_einsum():
    found = chosen("letters", "np.einsum('ij,jk->ik', x, U)", "np.einsum(S, *B)")
    assert {"'ik,jj->ik'", "'ij,ik->ik'"} <= set(found)
    found = chosen("turned", "np.einsum('ij,jk->ik', x, U)", "np.einsum(S, *B)")
    assert found == ["'ji,jk->ik'", "'ij,kj->ik'", "'ij,jk->ki'"]
    assert chosen("letters", "np.einsum('ij,jk', x, U)", "np.einsum(S, *B)") == []


def test_calls_with_another_option_or_of_another_function():
    found = chosen("call", "f(x)", "F(*A)")
    assert {"f(x, flag=True)", "g(x)"} <= set(found) and "f(x)" not in found


def test_only_plain_functions_of_the_same_file_are_called_instead():
    """A class, a fixture of pytest or a function of another file would be run with these arguments."""

    class Fixture:
        __module__ = f.__module__

        def __call__(self, a):
            raise KeyboardInterrupt

    space = scope()
    space.outside |= {"fixture": Fixture(), "Fixture": Fixture, "show": ast.dump}
    assert not {"fixture(x)", "Fixture(x)", "show(x)"} & set(chosen("call", "f(x)", "F(*A)", space=space))


def test_a_function_that_does_more_than_compute_is_not_called_instead():
    """The search must not write files, or change what other functions read."""
    text = """
        import os
        import numpy as np
        def slope(a): return np.exp(-a)
        def deeper(a): return slope(a) + 1
        def saves(a): np.save("weights", a)
        def removes(a): os.remove(a)
        def indirectly(a): return removes(a)
        def imports(a):
            import shutil
            return a
        def counts(a):
            global calls
            calls = a
        def starts(a): return [open(b) for b in a]
    """
    page = module(text)
    page.f = FunctionType(f.__code__, page.__dict__, "f")
    space = scope()
    space.outside |= {k: v for k, v in vars(page).items() if isinstance(v, FunctionType)}
    for held in (page.f, *space.outside.values()):
        if isinstance(held, FunctionType):
            held.__module__ = f.__module__
    space.space |= space.outside
    found = {c.partition("(")[0] for c in chosen("call", "f(x)", "F(*A)", space=space)} - {"f"}
    assert found == {"g", "slope", "deeper"}


def test_sizes_in_another_order():
    found = chosen("reshaped", "h.reshape(3, 2, 12)", "A.reshape(*B)")
    assert len(found) == 5
    space = scope()
    for text in found:
        assert space.value(parsed(text)).shape == (3, 2, 12), text


def test_indices_are_arrays_of_whole_numbers():
    assert {"i", "np.arange(len(i))"} <= set(chosen("indices", "x", "V", "index"))
    assert "np.arange(len(i)), i" in [t.strip("()") for t in chosen("rows", ":, i", ":, A", "index")]


def test_every_choice_of_the_table_can_be_made():
    kinds = {choice_in(rule.right) for rule in RULES} - {""}
    assert kinds <= {"same", "factor", "slope", "mask", "number", "number+", "term", "axes", "order", "int", "indices",
                     "slice", "key", "letters", "call", "reshaped", "array", "rows", "length",
                     "carried", "other", "padded", "turned"}  # fmt: skip


def test_choosing_changes_nothing():
    space = scope()
    before = {k: v.copy() for k, v in space.names.items() if isinstance(v, np.ndarray)}
    for kind in ("same", "factor", "slope", "mask", "term", "number"):
        list(choices(kind, {"V": parsed("x"), "A": parsed("x")}, parsed("x"), space))
    assert all(np.array_equal(space.names[k], v) for k, v in before.items())
