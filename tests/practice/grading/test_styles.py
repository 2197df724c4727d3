"""Right solutions in other styles are right: 0 false accusations."""

from pathlib import Path

import pytest

from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.grading.grader import grade_file
from tests.practice.grading.styles import STYLES


def test_there_are_thirty() -> None:
    assert len(STYLES) >= 30


@pytest.mark.parametrize("name", STYLES)
def test_a_right_solution_is_not_accused(name: str, tmp_path: Path) -> None:
    exercise, source = STYLES[name]
    file = tmp_path / f"{exercise}.py"
    file.write_text("import numpy as np\n" + source)
    for seed in range(3):
        grade = grade_file(file, EXERCISES[exercise], seed)
        assert grade.ok and grade.points == grade.of, (grade.word, [row for row in grade.rows if not row.ok])
        noted = "float32" in name or "epsilon" in name or "tape" in name  # a tape adds up at every call
        assert noted or not any(row.note for row in grade.rows)
