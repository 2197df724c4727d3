"""What a report says: the verdict, the line, the causes, on a terminal and as data."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.finding import Explanation, Finding, Line
from minireid.gradcheck.report import Report, paint
from minireid.gradcheck.tensor.compare import TensorReport
from minireid.layers import gru, linear

RIGHT = TensorReport("x", (3, 5), 1e-13, (0, 1), 1.0, 1.0, 0, looked_at=(15, 0))
WRONG = TensorReport("p.W", (5, 7), 0.5, (2, 4), 2.0, 1.0, 0, wrong=3, looked_at=(35, 0))
LINE = Line(
    "step_backward", 41, "dr = dq * z", "dr", "at t = 3", (0, 2), 0.5, 0.25, "3 of 6 entries wrong", ("dz", "dac")
)


def report(*tensors, line=None, causes=(), **parts) -> Report:
    if line or causes:
        parts["findings"] = [Finding(line, list(causes))]
    return Report("gru/step", list(tensors), parts.pop("faults", []), 0, "complex step", **parts)


def test_what_is_right_says_so_with_every_tensor():
    said = str(report(RIGHT)).splitlines()
    assert said[0] == "gru/step  right   seed 0, complex step" and len(said) == 2 and "agrees to 1e-13" in said[1]
    assert report(RIGHT).ok and report().ok


def test_what_could_not_be_checked_is_neither_right_nor_wrong():
    kinks = TensorReport("x", (3, 5), 0.0, (0, 1), 0.0, 0.5, 15, looked_at=(15, 0))
    for one in (report(kinks), report(kinks, RIGHT), report(RIGHT, unchecked=["it rounds"])):
        said = str(one)
        assert not one.ok and one.state == "not checked" == one.to_json()["state"]
        assert said.startswith("gru/step  not checked   seed 0") and "WRONG" not in said and "wrong" not in said
        assert "no known mistake" not in said
    assert "  it rounds" in str(report(RIGHT, unchecked=["it rounds"]))
    assert report(kinks, WRONG).state == "WRONG" and report(RIGHT, WRONG, unchecked=["it rounds"]).state == "WRONG"
    rows = str(report(kinks, WRONG)).splitlines()[-2:]
    assert rows[0].startswith("  wrong   p.W") and rows[1].startswith(
        "          x        (3, 5)       not checked: 15 of"
    )


def test_notes_stand_in_every_report():
    assert str(report(RIGHT, notes=["a note"])).endswith("\n  a note")
    assert str(report(WRONG, notes=["a note"])).endswith("\n  a note")


@pytest.mark.parametrize("parts", [{"faults": ["backward is odd"]}, {"forward": "another function"}])
def test_a_fault_or_a_wrong_forward_is_wrong_whatever_the_tensors_say(parts):
    assert (
        not report(RIGHT, **parts).ok
        and next(iter(parts))
        and ("odd" in str(report(RIGHT, **parts)) or "another" in str(report(RIGHT, **parts)))
    )


def test_the_line_comes_with_its_values_and_what_was_right_before():
    said = str(
        report(
            RIGHT,
            WRONG,
            line=LINE,
            causes=[
                Explanation(Cause.VARIABLE, "z stands where h_prev belongs", "dr = dq * h_prev"),
                Explanation(Cause.INDEX, "z stands where h_prev belongs"),
                Explanation(Cause.SIGN, "or a sign"),
            ],
        )
    ).splitlines()
    assert said[1] == "  line 41 in step_backward:   dr = dq * z"
    assert "dr[0, 2] at t = 3" in said[2] and "computed" in said[2] and "0.25" in said[2] and "3 of 6" in said[2]
    assert said[3].strip() == "right up to there: dz, dac"
    assert said[4].strip() == "probably wrong variable: z stands where h_prev belongs"
    assert said[5].strip() == "everything comes out right with:   dr = dq * h_prev"
    assert said[6].strip() == "or sign: or a sign", "a second cause with the same words is not repeated"
    assert said[7].startswith("  wrong   p.W") and said[8] == "  right   x"


FIXED = Explanation(Cause.SIGN, "it has the wrong sign", "dr = -dr")
UNFIXED = Explanation(Cause.CONSTANT, "it is 2 times the true one")
OTHER = replace(LINE, number=47, text="dx = 2 * dr")


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ([FIXED], "everything"),
        ([FIXED, FIXED], "with all of these together everything"),
        ([FIXED, UNFIXED], "this value"),
    ],
)
def test_a_fix_promises_what_it_holds(causes, words):
    findings = [Finding(line, [cause]) for line, cause in zip((LINE, OTHER), causes)]
    said = str(report(WRONG, findings=findings)).splitlines()
    assert f"      {words} comes out right with:   dr = -dr" in said
    assert sum(line.startswith("  line ") for line in said) == len(causes)


def test_line_and_causes_are_those_of_the_first_finding():
    found = report(WRONG, findings=[Finding(LINE, [FIXED]), Finding(OTHER, [UNFIXED])])
    assert found.line == LINE and found.causes == [FIXED]
    assert report(WRONG).line is None and report(WRONG).causes == []
    data = found.to_json()
    assert [f["line"]["number"] for f in data["findings"]] == [41, 47] and data["line"] == data["findings"][0]["line"]
    assert data["causes"] == [{"cause": "sign", "text": "it has the wrong sign", "fix": "dr = -dr"}]


def test_hints_come_one_by_one():
    found = report(WRONG, RIGHT, findings=[Finding(LINE, [FIXED])])
    pieces = ("WRONG", "p.W", "line 41", "probably sign", "comes out right with")
    assert [[piece in found.text(hints) for piece in pieces].count(True) for hints in range(5)] == [1, 2, 3, 4, 5]


def test_where_no_cause_is_known_that_is_said():
    assert "no known mistake fits" in str(report(WRONG)) and "no known mistake fits" in str(report(WRONG, line=LINE))
    assert "no known mistake fits" not in str(report(WRONG, causes=[FIXED])) and "no known mistake" not in str(
        report(RIGHT, faults=["odd"])
    )


def test_of_many_wrong_tensors_three_are_told_in_full():
    many = [TensorReport(f"w{n}", (2,), 0.5, (0,), 2.0, 1.0, 0, looked_at=(2, 0)) for n in range(5)]
    said = str(report(*many))
    assert said.count("backward says") == 3 and "w3, w4 as well" in said


def test_data_is_plain_and_holds_what_the_text_says():
    data = report(
        RIGHT, WRONG, line=LINE, causes=[Explanation(Cause.SIGN, "it has the wrong sign")], notes=["a note"]
    ).to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["name"] == "gru/step" and data["ok"] is False and data["forward"] == "" and data["faults"] == []
    assert (
        data["line"]["function"] == "step_backward"
        and data["line"]["number"] == 41
        and data["line"]["text"] == "dr = dq * z"
    )
    assert data["line"]["variable"] == "dr" and data["causes"][0]["cause"] == "sign"
    assert [tensor["ok"] for tensor in data["tensors"]] == [True, False] and data["notes"] == ["a note"]


def test_what_is_not_a_number_is_null():
    odd = TensorReport("x", (3,), math.inf, (), math.nan, np.float64("nan"), 0, "its gradient holds NaN or infinity")
    (tensor,) = report(odd, line=Line("backward", 3, "y = x")).to_json()["tensors"]
    assert tensor["error"] is None and tensor["analytic"] is None and tensor["numerical"] is None


def test_the_picture_is_of_the_worst_tensor(rng):
    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        return 1.001 * dx, {"W": -grads["W"], "b": grads["b"]}

    found = check(
        linear.forward, backward, rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64), diagnosis=False
    )
    assert found.arrays.keys() == {"x", "p.W"}
    np.testing.assert_allclose(found.arrays["p.W"][0], -found.arrays["p.W"][1], rtol=1e-9)
    figure = found.plot()
    assert isinstance(figure, Figure) and figure.get_suptitle().endswith("p.W")
    assert found.plot("x").get_suptitle().endswith(": x")


def test_where_nothing_is_wrong_there_is_nothing_to_draw(rng):
    good = check(
        gru.step_forward,
        gru.step_backward,
        rng.normal(size=(2, 3)),
        rng.normal(size=(2, 5)),
        gru.init(rng, 3, 5, dtype=np.float64),
    )
    with pytest.raises(ValueError, match="nothing to draw"):
        good.plot()


def test_colour_is_for_terminals_alone(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("MINIREID_COLOUR", "1")
    assert paint("right", True) == "\033[32mright\033[0m" and "\033[31m" in paint("WRONG", False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("right", True) == "right"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("MINIREID_COLOUR", "")
    assert paint("right", True) == "right"
