"""The grades of a class: a table to read, CSV for a spreadsheet, JUnit XML for a build server."""

import csv
import io
from collections.abc import Sequence
from xml.etree import ElementTree as xml

from minireid.practice.grading.classes import Work
from minireid.practice.grading.grade import points


def by_student(works: Sequence[Work]) -> dict[str, list[Work]]:
    students: dict[str, list[Work]] = {}
    for work in works:
        students.setdefault(work.student, []).append(work)
    return students


def exercises(works: Sequence[Work]) -> dict[str, float]:
    """{exercise: its points}, in the order of the works."""
    return {work.grade.exercise: work.grade.of for work in works}


def table(works: Sequence[Work]) -> str:
    """A row for each student, a column for each exercise, the sum."""
    asked = exercises(works)
    head = ["", *asked, "sum"]
    rows = [head, ["points", *(points(of) for of in asked.values()), points(sum(asked.values()))]]
    for student, mine in by_student(works).items():
        got = {work.grade.exercise: work.grade.points for work in mine}
        rows.append([student, *(points(got[name]) if name in got else "" for name in asked), points(sum(got.values()))])
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths)))
             for row in rows]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def as_csv(works: Sequence[Work]) -> str:
    """A line for each student and exercise."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["student", "exercise", "points", "of", "right", "word", "seed", "seconds"])
    for work in works:
        g = work.grade
        right = f"{sum(row.ok for row in g.rows)}/{len(g.rows)}"
        writer.writerow([shown(work.student), g.exercise, g.points, g.of, right, shown(g.word), g.seed, g.seconds])
    return stream.getvalue()


def shown(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def junit(works: Sequence[Work]) -> str:
    """A suite for each student, a case for each tensor."""
    top = xml.Element("testsuites", name="minireid grade")
    for student, mine in by_student(works).items():
        untried = [work.grade for work in mine if not work.grade.rows]
        rows = [(work.grade, row) for work in mine for row in work.grade.rows]
        suite = xml.SubElement(
            top, "testsuite", name=printable(student), tests=str(len(rows) + len(untried)),
            failures=str(sum(not row.ok for _, row in rows) + len(untried)), errors="0",
            time=str(round(sum(work.grade.seconds for work in mine), 2)),
        )  # fmt: skip
        for grade in untried:
            case = xml.SubElement(suite, "testcase", classname=f"{printable(student)}.{grade.exercise}", name="file")
            xml.SubElement(case, "failure", message=printable(grade.word))
        for grade, row in rows:
            name = f"{row.part}: {row.tensor}"
            case = xml.SubElement(suite, "testcase", classname=f"{printable(student)}.{grade.exercise}", name=name)
            if not row.ok:
                fault = xml.SubElement(case, "failure", message=printable(row.said))
                fault.text = printable(grade.word)
    xml.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(top, encoding="unicode") + "\n"


def printable(text: str) -> str:
    """XML has no sign for control characters."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
