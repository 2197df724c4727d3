"""`minireid gradcheck` without a file: the table, the data, the exit code."""

import json

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.commands.gradcheck import check_pages as check_all
from minireid.gradcheck import check
from minireid.gradcheck.cases import check_all as checkall
from minireid.gradcheck.cases.check_all import all_cases, method, row
from minireid.gradcheck.cases.pages import Case
from minireid.layers import linear, relu, tanh


def few(seed=0):
    rng = np.random.default_rng(seed)
    yield Case("tanh", tanh.forward, tanh.backward, (rng.normal(size=(3, 5)),))
    yield Case(
        "linear/wrong",
        linear.forward,
        lambda dy, c: (-linear.backward(dy, c)[0], linear.backward(dy, c)[1]),
        (rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)),
    )
    yield Case(
        "linear/right",
        linear.forward,
        linear.backward,
        (rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)),
    )


@pytest.fixture(autouse=True)
def cases(monkeypatch):
    monkeypatch.setattr(checkall, "all_cases", few)


def test_a_table_with_a_row_for_every_tensor_and_0_where_all_is_right(capsys):
    assert check_all(("tanh", "linear/right"), 3) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [
        ["layer", "tensor"],
        ["tanh", "x"],
        ["linear/right", "x"],
        ["linear/right", "p.W"],
        ["linear/right", "p.b"],
        ["2", "functions"],
    ]
    assert said[-1] == "2 functions checked, seed 3: all right" and all(" ok" in line for line in said[1:-1])


def test_1_where_something_is_wrong_and_what(capsys):
    assert check_all((), 0) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "3 functions checked, seed 0: WRONG: linear/wrong"
    assert [line.split()[0] for line in out.splitlines() if "WRONG  " in line and "worst" in line] == ["linear/wrong"]
    assert "probably sign" in out


def test_a_page_stands_for_all_of_its_cases(capsys):
    assert check_all(("linear",), 0) == 1
    assert "2 functions checked" in capsys.readouterr().out


def test_data_in_place_of_the_table(capsys):
    assert check_all((), 0, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False and [(c["name"], c["ok"]) for c in found["checks"]] == [
        ("tanh", True),
        ("linear/wrong", False),
        ("linear/right", True),
    ]
    assert check_all(("tanh",), 0, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_the_seed_decides_the_numbers(capsys):
    outs = []
    for seed in (1, 1, 2):
        check_all(("tanh",), seed, as_json=True)
        outs.append(json.loads(capsys.readouterr().out)["checks"][0]["tensors"])
    assert outs[0] == outs[1] != outs[2]


def test_a_name_that_nothing_has_is_bad_input():
    with pytest.raises(InputError, match="there is nothing called linaer to check; did you mean linear"):
        check_all(("tanh", "linaer"), 0)


def test_kinks_are_told_in_the_row():
    report = check(relu.forward, relu.backward, np.array([[0.0, *np.arange(1.0, 12)]]), diagnosis=False)
    assert row(report, report.tensors[0]).endswith("ok  (1 on kinks)")


def test_compiled_convolutions_are_checked_by_differences():
    methods = {case.name: method(case) for case in all_cases()}
    assert methods["conv2d/direct"] == methods["conv_block_fused"] == "central"
    assert methods["conv2d/loops"] == methods["conv2d/im2col"] == methods["gru"] == methods["softmax"] == "auto"
    assert methods["src"] == methods["msp_src/unit=lstm"] == methods["crf_parts/fusion"] == "complex"
