"""What a check found, like a good compiler error: the line, the values, the likely cause, and what is right."""

import json
import math
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.finding import Explanation, Finding, Line
from minireid.gradcheck.tensor.compare import TensorReport, told_apart

FIX = " comes out right with:"  # the line that gives the answer away


@dataclass
class Report:
    """Everything about one pair of functions. `ok` is the verdict, str(report) the text, to_json() the data.

    There are three states. "right": nothing is wrong, and everything was checked. "WRONG": something is wrong. "not
    checked": nothing wrong was found, but something could not be checked. `ok` is true for the first only: a test must
    not pass where nothing was checked.
    unchecked: what could not be checked and why, as sentences, besides what the tensors say themselves.
    findings: the mistakes, in the order of execution. line, causes: those of the first.
    """

    name: str
    tensors: list[TensorReport]
    faults: list[str]
    seed: int
    method: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    forward: str = ""  # what is wrong with the forward, if it was compared with a reference
    arrays: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)
    unchecked: list[str] = field(default_factory=list)
    sources: list[Any] = field(default_factory=list, repr=False)  # what to_html shows: front/html.py
    alive: str = ""  # the command that shows the run of these functions in a browser, where there is one

    @property
    def line(self) -> Line | None:
        return self.findings[0].line if self.findings else None

    @property
    def causes(self) -> list[Explanation]:
        return self.findings[0].causes if self.findings else []

    @property
    def ok(self) -> bool:
        return self.state == "right"

    @property
    def state(self) -> str:
        if self.faults or self.forward or any(not tensor.ok and not tensor.unchecked for tensor in self.tensors):
            return "WRONG"
        return "not checked" if self.unchecked or not all(tensor.ok for tensor in self.tensors) else "right"

    def __str__(self) -> str:
        return self.text()

    def text(self, hints: int = 4) -> str:
        """The report. hints: 0 the verdict, 1 also the tensors, 2 also the line, 3 also the cause, 4 also the fix."""
        head = f"{self.name}  {paint(self.state, self.ok)}   seed {self.seed}, {self.method}"
        parts = [[head.removesuffix(", ")]]
        if hints >= 1:
            parts += [self.about_forward(), self.about_faults()]
        for finding in self.findings or [Finding(None)]:
            if hints >= 2:
                parts.append(about_line(finding.line))
            if hints >= 3:
                parts.append([line for line in self.about_causes(finding) if hints > 3 or FIX not in line])
        if hints >= 1:
            parts.append(self.about_tensors())
        parts.append([f"  {note}" for note in self.notes if hints >= 1 or note.startswith("UNCHECKED")])
        return "\n".join(line for part in parts for line in part)

    def about_forward(self) -> list[str]:
        return [f"  {self.forward}"] if self.forward else []

    def about_faults(self) -> list[str]:
        return [f"  {fault}" for fault in [*self.faults, *self.unchecked]]

    def about_causes(self, finding: Finding) -> list[str]:
        if self.ok:
            return []
        if not finding.causes:
            # a tensor with a fault says itself what is wrong
            unexplained = any(t.error > t.tolerance and not t.fault for t in self.tensors) and not self.unchecked
            return ["  no known mistake fits"] if unexplained else []
        first, *rest = finding.causes
        lines = [f"  probably {paint(first.cause, False)}: {first.text}"]
        if first.fix:
            lines.append(f"      {self.fixed()}{FIX}   {first.fix}")
        return lines + [f"      or {c.cause}: {c.text}" for c in rest if c.text != first.text]

    def fixed(self) -> str:
        """What comes out right with the fix of a finding."""
        if not all(finding.causes and finding.causes[0].fix for finding in self.findings):
            return "this value"
        return "everything" if len(self.findings) == 1 else "with all of these together everything"

    def about_tensors(self) -> list[str]:
        if self.ok:
            return [f"  {tensor}" for tensor in self.tensors]
        wrong = sorted((tensor for tensor in self.tensors if not tensor.ok), key=lambda tensor: tensor.unchecked)
        right = [tensor.name for tensor in self.tensors if tensor.ok]
        lines = [
            f"  {'' if tensor.unchecked else 'wrong':<7} {tensor.name:<8} {tensor.shape!s:<12} {tensor.verdict}"
            for tensor in wrong[:3]
        ]
        if len(wrong) > 3:
            label = "" if wrong[3].unchecked else "wrong"
            lines.append(f"  {label:<7} {', '.join(tensor.name for tensor in wrong[3:])} as well")
        return [*lines, f"  right   {', '.join(right)}"] if right else lines

    def to_json(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, numbers and strings; NaN and infinity become None."""
        data = {
            key: getattr(self, key)
            for key in ("name", "ok", "state", "forward", "faults", "unchecked", "seed", "method", "notes")
        }
        data["tensors"] = [{**asdict(tensor), "ok": tensor.ok, "verdict": tensor.verdict} for tensor in self.tensors]
        data["line"] = asdict(self.line) if self.line else None
        data["causes"] = [asdict(cause) for cause in self.causes]
        data["findings"] = [asdict(finding) for finding in self.findings]
        return json.loads(json.dumps(plain(data), allow_nan=False))

    def to_html(self, hints: int = 4) -> str:
        """The report as a part of a web page, with the source and the wrong line marked. It needs no other file.

        hints: as of text().
        """
        from minireid.gradcheck.front.html import to_html

        return to_html(self, hints)

    _repr_html_ = to_html  # notebooks show this

    def plot(self, tensor: str | None = None) -> Any:
        """A matplotlib Figure: backward's gradient, the numerical one and their difference.

        tensor: its name; the worst one by default. Raises ValueError if there is no wrong tensor to draw.
        """
        try:
            from minireid.plots.gradients import three_gradients
        except ImportError:
            raise ImportError("report.plot() needs matplotlib: pip install matplotlib") from None
        if not self.arrays:
            raise ValueError("nothing to draw: backward returned no gradient of the right shape")
        worst = tensor or max((t for t in self.tensors if t.name in self.arrays), key=lambda t: t.error).name
        return three_gradients(*self.arrays[worst], title=f"{self.name}: {worst}")


def about_line(line: Line | None) -> list[str]:
    if line is None:
        return []
    lines = [f"  line {line.number} in {line.function}:   {line.text}"]
    if line.variable and not math.isnan(line.true):
        place = f"{line.variable}{list(line.index) if line.index else ''}"
        at = f" {line.where}" if line.where else ""
        computed, true = told_apart(line.computed, line.true, 6)
        lines.append(f"      {place}{at}   computed {computed:>12}   true {true:>12}   {line.wrong}")
    if line.before:
        lines.append(f"      right up to there: {', '.join(line.before[-8:])}")
    return lines


def paint(text: str, good: bool) -> str:
    """Coloured on a terminal; plain elsewhere, or if NO_COLOR is set."""
    coloured = os.environ.get("MINIREID_COLOUR", "1" if sys.stdout.isatty() else "")
    if not coloured or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{32 if good else 31}m{text}\033[0m"


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
