"""Well-known wrong implementations, as they go round: caught, the line shown and the cause named first."""

from pathlib import Path

import pytest

from minireid.base.threads import threads
from minireid.gradcheck.cases.like import reports_on

FILES = [  # file, what it should be, the wrong lines, names that the mistake can have
    ("softmax_divided_twice", "softmax", [19, 20], ["factor too many", "constant factor"]),
    ("relu_mask_of_dy", "relu", [11], ["wrong mask", "wrong variable"]),
    ("dropout_drawn_anew", "dropout", [16], ["wrong mask", "old value", "wrong variable", "wrong operation"]),
    ("dropout_unscaled", "dropout", [16, 17], ["constant factor", "factor missing", "wrong mask"]),
    ("tanh_one_minus_y", "tanh", [10], ["wrong activation", "wrong operation", "factor missing"]),
    ("contrastive_twice_the_pull", "contrastive_squared", [18], ["constant factor"]),
    ("contrastive_labels_reversed", "contrastive_squared", [20], ["wrong mask", "wrong variable", "wrong variable"]),
    ("linear_bias_axes", "linear", [16], ["wrong axes"]),
    ("pair_distance_repeated_rows", "pair_distance", [16], ["= for +=", "wrong index", "term missing"]),
    ("gru_reset_after_is_before", "gru_reset_after", [11, 12], ["forward differs"]),
    ("elman_untransposed", "elman", [28], ["transposed", "transposed"]),
    ("temporal_max_all_frames", "temporal_max", [23], ["term too many", "wrong mask", "wrong index"]),
    ("softmax_sum_for_mean", "softmax", [9, 10], ["forward differs", "constant factor"]),
]


@pytest.mark.parametrize(("name", "like", "lines", "causes"), FILES, ids=[name for name, *_ in FILES])
def test_it_is_diagnosed(name: str, like: str, lines: list[int], causes: list[str]) -> None:
    path = Path(__file__).parent / "outside" / f"{name}.py"
    with threads(1):
        wrong = next(report for report in reports_on(path, like, 0) if not report.ok)
    assert wrong.causes[0].cause in causes, str(wrong)
    assert wrong.line is not None and wrong.line.number in lines, str(wrong)
