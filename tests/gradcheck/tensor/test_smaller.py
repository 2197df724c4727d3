"""Large programs: the line is searched for on smaller arrays; what is told belongs to the person's own."""

import time
import types

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import check, check_loss
from minireid.gradcheck.check import pair_of
from minireid.gradcheck.front.losses import loss_of
from minireid.gradcheck.tensor.smaller import choices, cut, lines_run, shrunk, smaller

NOTE = "the line was searched for on smaller arrays"


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def scale(a, gamma):
    return a * gamma, (a, gamma)


def scale_backward(dout, cache):
    a, gamma = cache
    dgamma = np.sum(dout * a, axis=0)
    return dout * gamma, dgamma


def scale_wrong(dout, cache):
    a, gamma = cache  # noqa: RUF059 - the mistake
    dgamma = np.sum(dout * gamma, axis=0)
    return dout * gamma, dgamma


class Net:
    """Affine, scaled, tanh; affine, scaled; half of the mean of the squared distances."""

    def __init__(self, backward=scale_backward, D=130, H=150):
        rng = np.random.default_rng(0)
        self.H, self.reg, self.scale_backward = H, 0.1, backward
        sizes = {"W1": (D, H), "b1": H, "g1": H, "W2": (H, 13), "b2": 13, "g2": 13}
        self.params = {name: rng.normal(size=size) / 5 for name, size in sizes.items()}

    def loss(self, X, y):
        p = self.params
        a1, cache1 = affine(X, p["W1"], p["b1"])
        s1, scale1 = scale(a1, p["g1"])
        h = np.tanh(s1).reshape(len(X), self.H)
        a2, cache2 = affine(h, p["W2"], p["b2"])
        s2, scale2 = scale(a2, p["g2"])
        distance = s2 - np.eye(s2.shape[1])[y]
        loss = 0.5 * np.sum(distance**2) / len(X) + 0.5 * self.reg * np.sum(p["W2"] ** 2)
        grads = {}
        ds2 = distance / len(X)
        da2, grads["g2"] = self.scale_backward(ds2, scale2)
        dh, grads["W2"], grads["b2"] = affine_backward(da2, cache2)
        grads["W2"] += self.reg * p["W2"]
        ds1 = dh * (1 - h**2)
        da1, grads["g1"] = self.scale_backward(ds1, scale1)
        _, grads["W1"], grads["b1"] = affine_backward(da1, cache1)
        return loss, grads


def batch(rng, D=130):
    return rng.normal(size=(20, D)), rng.integers(0, 13, size=20)


def made(problem):
    problem = problem.drawn()
    return smaller(problem, set())


def shapes(problem):
    return {name: array.shape for name, array in leaves(problem.inputs())}


def test_the_line_of_a_large_network_is_named_and_its_numbers_are_the_persons(rng):
    X, y = batch(rng)
    begin = time.process_time()
    report = check_loss(Net(scale_wrong), X, y)
    assert time.process_time() - begin < 10
    assert (report.line.function, report.line.text) == ("scale_wrong", "dgamma = np.sum(dout * gamma, axis=0)")
    assert report.causes[0].fix == "dgamma = np.sum(dout * a, axis=0)"
    assert any(note.startswith(f"{NOTE} (axes 13 -> 5, 20 -> 6, 130 -> 7, 150 -> 8)") for note in report.notes)
    wrong, right = (dict(Net(backward).loss(X, y)[1]) for backward in (scale_wrong, scale_backward))
    (index,) = report.line.index
    assert report.line.computed == pytest.approx(wrong["g2"][index]), "the last layer comes first in the backward"
    assert report.line.true == pytest.approx(right["g2"][index])
    assert report.line.wrong == "13 of 13 entries wrong"


def test_of_a_large_value_it_is_said_how_many_entries_were_measured(rng):
    def forward(x, w):
        z = x @ w
        return z * z, (x, w, z)

    def backward(dy, cache):
        x, w, z = cache
        dz = dy * z
        return dz @ w.T, x.T @ dz

    x, w = rng.normal(size=(30, 140)), rng.normal(size=(140, 150))
    report = check(forward, backward, x, w)
    assert report.line.text == "dz = dy * z" and report.line.wrong == "24 of 24 entries wrong, 24 of 4500 compared"
    assert report.line.true == pytest.approx(2 * report.line.computed)
    assert report.line.index >= (6, 0) or report.line.index[1] > 10, "of the person's own array"
    assert report.causes[0].fix


def test_right_large_programs_are_right_and_nothing_is_said_of_smaller_ones(rng):
    report = check_loss(Net(), *batch(rng))
    assert report.ok and not any(NOTE in note for note in report.notes)


def test_all_that_has_a_length_becomes_smaller_together(rng):
    problem, sizes = made(loss_of(Net(), batch(rng), {}, 0)[0])
    assert sizes == {13: 5, 20: 6, 130: 7, 150: 8}
    assert shapes(problem) == {"self.params.W1": (7, 8), "self.params.b1": (8,), "self.params.g1": (8,),
                               "self.params.W2": (8, 5), "self.params.b2": (5,), "self.params.g2": (5,)}  # fmt: skip


def test_a_small_program_stays_as_it_is(rng):
    assert made(loss_of(Net(D=30, H=40), batch(rng, 30), {}, 0)[0]) is None


def test_lengths_that_belong_together():
    assert next(choices(256, {}, [3, 256, 1024])) == {256: 5}
    assert {256: 5, 1024: 20} in list(choices(256, {}, [3, 256, 1024]))
    assert {16: 6, 512: 72} in list(choices(16, {}, [8, 16, 512])), "an image of 16 x 16, pooled, with 8 filters"
    assert next(choices(20, {13: 5}, [6, 13, 20])) == {20: 7}, "all stay different"
    assert all(new % 4 == 0 for new in list(choices(256, {}, [256]))[-1].values())


def test_gates_beside_each_other_stay_so(rng):
    def forward(x, w):
        H = w.shape[1] // 4
        return x @ w[:, :H] * (x @ w[:, H : 2 * H]) + x @ w[:, 2 * H : 3 * H] * (x @ w[:, 3 * H :]), (x, w)

    def backward(dy, cache):
        x, w = cache
        a, b, c, d = np.split(x @ w, 4, axis=1)
        da = np.concatenate([dy * b, dy * a, dy * d, dy * c], axis=1)
        return da @ w.T, x.T @ da

    x, w = rng.normal(size=(4, 100)), rng.normal(size=(100, 4 * 60))
    assert shapes(made(pair_of(forward, backward, (x, w), {}, 0)[0])[0]) == {"x": (4, 5), "w": (5, 8)}


def test_the_axis_of_a_loop_and_the_length_in_the_code_stay(rng):
    def forward(x, w):
        out = np.zeros((x.shape[0], 160), dtype=np.result_type(x, w))
        for t in range(x.shape[1]):
            out = out + x[:, t] @ w
        return out, (x, w)

    def backward(dy, cache):
        x, w = cache
        return np.stack([dy @ w.T] * x.shape[1], axis=1), x.sum(axis=1).T @ dy

    x, w = rng.normal(size=(14, 25, 150)), rng.normal(size=(150, 160))
    problem, sizes = made(pair_of(forward, backward, (x, w), {}, 0)[0])
    assert shapes(problem) == {"x": (5, 25, 6), "w": (6, 160)} and sizes == {14: 5, 150: 6}


def test_where_other_gradients_are_wrong_it_is_not_believed(rng):
    def forward(x):
        return x * x, x

    def backward(dy, x):
        dx = 2 * dy * x
        dx[100:] = 0
        return dx

    problem = pair_of(forward, backward, (rng.normal(size=(150, 150)),), {}, 0)[0].drawn()
    assert smaller(problem, {"x"}) is None and smaller(problem, set()) is not None
    report = check(forward, backward, problem.arrays[0])
    assert report.state == "WRONG" and not any(NOTE in note for note in report.notes)


def test_a_change_that_is_right_on_the_smaller_arrays_only_is_not_told(rng):
    def forward(x, w):
        factor = 1.0 + 2.0 * (x.shape[1] > 100)
        return factor * (x @ w), (x, w)

    def backward(dy, cache):
        x, w = cache
        factor = 1.0 + 2.0 * (x.shape[1] > 100)
        dz = factor * dy
        dw = x.T @ dy
        return dz @ w.T, 2 * dw

    x, w = rng.normal(size=(20, 150)), rng.normal(size=(150, 160))
    report = check(forward, backward, x, w)
    assert any(NOTE in note for note in report.notes), "dw is wrong on both"
    assert not any(cause.fix for finding in report.findings for cause in finding.causes)


def test_a_backward_that_raises_is_searched_too(rng):
    def forward(x, w):
        return x @ w, (x, w)

    def backward(dy, cache):
        x, w = cache
        dx = dy @ w
        return dx, x.T @ dy

    report = check(forward, backward, rng.normal(size=(20, 150)), rng.normal(size=(150, 160)))
    assert report.line.text == "dx = dy @ w"
    assert any(NOTE in note for note in report.notes)


def test_a_program_that_cannot_be_made_smaller_is_run_less_often(rng):
    runs = []

    def forward(x, w):
        runs.append(1)
        z = x.reshape(-1, 15, 10).transpose(0, 2, 1).reshape(-1, 150) @ w
        return z.reshape(-1, 16, 10) ** 2, (x, w, z)

    def backward(dy, cache):
        x, w, z = cache
        dz = dy.reshape(-1, 160) * z
        dx = (dz @ w.T).reshape(-1, 10, 15).transpose(0, 2, 1).reshape(-1, 150)
        return dx, x.reshape(-1, 15, 10).transpose(0, 2, 1).reshape(-1, 150).T @ dz

    report = check(forward, backward, rng.normal(size=(7, 150)), rng.normal(size=(150, 160)))
    assert len(runs) < 1500
    assert report.state == "WRONG" and not any(NOTE in note for note in report.notes)
    assert report.line.text == "dz = dy.reshape(-1, 160) * z" and report.line.wrong.startswith("24 of 24 entries wrong")


def test_labels_stay_below_the_number_of_classes():
    assert cut(np.array([3, 40, 99]), {100: 7}).tolist() == [3, 5, 1]
    assert cut(np.array([3, 40, 200]), {100: 7}).tolist() == [3, 40, 200]
    assert cut(np.arange(20), {20: 5}).tolist() == [0, 1, 2, 3, 4]


def test_closures_defaults_attributes_and_what_they_share():
    array, H = np.zeros((256, 3)), 256

    def with_closure(x, units=256):
        return x, H, units, array

    holder = types.SimpleNamespace(H=256, flag=True, shape=(256, 4), run=with_closure, array=array)
    holder.itself = holder
    new = shrunk(holder, {256: 5, 1: 9}, {})
    assert (new.H, new.flag, new.shape, new.array.shape) == (5, True, (5, 4), (5, 3))
    assert new.itself is new and new.run(0)[1:3] == (5, 5) and new.run(0)[3] is new.array
    assert (holder.H, with_closure(0)[1:3], array.shape) == (256, (256, 256), (256, 3)), "the person's stay"


def test_lines_that_run_are_told_apart(rng):
    def forward(x):
        return (x * x if x.shape[0] > 5 else 2 * x), x

    def backward(dy, x):
        if x.shape[0] > 5:
            return 2 * dy * x
        return 2 * dy

    few, many, more = (pair_of(forward, backward, (rng.normal(size=n),), {}, 0)[0].drawn() for n in (4, 6, 7))
    assert lines_run(many) == lines_run(more) != lines_run(few)
