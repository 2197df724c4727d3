"""What a value of the backward claims to be: by its position, by its name, by the call that it belongs to."""

import numpy as np
import pytest

from minireid.gradcheck.line.claims import agree, counterparts, forward_names, position_of, same_leaf
from minireid.gradcheck.line.program import Site
from tests.gradcheck.line.following import judged, problem_of
from tests.gradcheck.planting import module

X = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize("name", ["dz", "d_z", "grad_z", "z_grad", "dL_dz", "dLdz", "delta_z", "z_bar", "gradz", "g_z"])
def test_names_of_the_gradient_by_z(name):
    assert "z" in forward_names(name)


def test_other_names_claim_other_things():
    assert forward_names("grads.W")[-1] == "W" and "W" in forward_names("grads.dW")
    assert forward_names("z") == [] and forward_names("d") == [] and forward_names("total") == []


def test_rounds_agree_by_common_names_or_else_by_numbers():
    assert agree({"t": 1}, {"t": 1, "k": 5}) and not agree({"t": 1}, {"t": 2})
    assert agree({"t": 1}, {"s": 1}) and not agree({"t": 1}, {"s": 2})
    assert agree({}, {"t": 3}) and agree({}, {})


def test_keys_of_gradients_belong_to_keys_of_parameters():
    assert same_leaf(".W", ".W") and same_leaf(".W", ".dW") and same_leaf("", "")
    assert not same_leaf(".W", ".U") and not same_leaf(".W", "")


@pytest.mark.parametrize(
    ("backward", "forward"), [("step_backward", "step_forward"), ("conv_bwd", "conv_fwd"), ("_backward", "forward")]
)
def test_a_backward_belongs_to_the_forward_of_the_same_name(backward, forward):
    assert forward in counterparts(backward)


def claims_of(page, *arrays):
    """{(name, kind, loops): names of what it claims} for every final value of the backward."""
    problem = problem_of(page, *arrays)
    with judged(problem) as judge:
        found = {}
        for event in judge.plain.events:
            if judge.is_final(event):
                claimed = judge.claimed[event.number, event.leaf]
                found[event.name, event.kind, tuple(event.loops.values())] = [
                    (c.name, tuple(c.loops.values())) for c in claimed
                ]
        return found


def test_what_is_returned_claims_the_arguments_by_position():
    page = module("""
        import numpy as np

        def forward(x, w, p):
            return np.tanh(x * w) @ p["V"], (x, w, p)

        def backward(dy, cache):
            x, w, p = cache
            y = np.tanh(x * w)
            q = (dy @ p["V"].T) * (1 - y * y)
            return q * w, q * x, {"V": y.T @ dy}
    """)
    claims = claims_of(page, X, X + 1, {"V": np.ones((4, 2))})
    assert claims["returned 0", "return", ()] == [("x", ())] and claims["returned 1", "return", ()] == [("w", ())]
    assert claims["V", "item", ()][0] == ("p.V", ())


def test_a_name_claims_the_variable_of_the_forward():
    page = module("""
        import numpy as np

        def forward(x):
            a = 2 * x
            h = np.tanh(a)
            return h, h

        def backward(dh, h):
            grad_a = dh * (1 - h * h)
            other = 2 * grad_a
            return 1 * other
    """)
    claims = claims_of(page, X)
    assert ("a", ()) in claims["grad_a", "assign", ()] and claims["other", "assign", ()] == []


def test_in_a_loop_a_name_claims_the_variable_of_the_same_round():
    page = module("""
        import numpy as np

        def forward(x):
            h = np.zeros(len(x))
            hs = [h]
            for t in range(3):
                a = x[:, t] + h
                h = np.tanh(a)
                hs.append(h)
            return h, hs

        def backward(dh, hs):
            dx = np.zeros((len(dh), 4))
            for t in range(2, -1, -1):
                da = dh * (1 - hs[t + 1] ** 2)
                dx[:, t] = da
                dh = da
            return dx
    """)
    claims = claims_of(page, X)
    for t in range(3):
        assert claims["da", "assign", (t,)][0] == ("a", (t,))  # then "a" of the round before: it may be carried


def test_a_helper_that_the_forward_runs_too_claims_nothing():
    page = module("""
        import numpy as np

        def sigmoid(a):
            da = 1 / (1 + np.exp(-a))
            return da

        def forward(x):
            a = 3 * x
            return sigmoid(a), a

        def backward(dy, a):
            s = sigmoid(a)
            return 3 * dy * s * (1 - s)
    """)
    assert claims_of(page, X)["da", "assign", ()] == []


def test_a_claim_has_the_shape_of_the_value():
    page = module("""
        def forward(x):
            s = x.sum(axis=1)
            return s * 2, x

        def backward(dy, x):
            ds = 2 * dy[:, None] + 0 * x
            return 1 * ds
    """)
    assert claims_of(page, X)["ds", "assign", ()] == []


def test_positions_of_what_is_returned_as_a_tuple():
    class Event:
        leaf = "#1.W"
        site = Site(0, "return", "returned 0", "f", 1, 0, "0")

    assert position_of(Event) == (1, ".W")
    Event.leaf = "#0"
    assert position_of(Event) == (0, "")
