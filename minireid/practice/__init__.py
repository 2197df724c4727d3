"""To practise: exercises with a grader, planted bugs, derivatives on paper."""

from typing import Any


def check_exercise(*arguments: Any, **options: Any) -> Any:
    """In a notebook: check_exercise("gru_step", step_forward, step_backward). See grading/direct.py."""
    from minireid.practice.grading.direct import check_exercise as check

    return check(*arguments, **options)


def check_cell(*arguments: Any, **options: Any) -> Any:
    """In a notebook: check_cell("ada", step_forward, step_backward), for the cell of ada. See grading/direct.py."""
    from minireid.practice.grading.direct import check_cell as check

    return check(*arguments, **options)
