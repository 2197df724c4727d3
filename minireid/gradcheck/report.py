"""What a check found, like a good compiler error: the line, the values, the likely cause, and what is right."""

import json
import math
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.patterns import Cause
from minireid.gradcheck.tensor.compare import TensorReport, told_apart


@dataclass(frozen=True)
class Line:
    """The first line that is wrong.

    variable: what it computes. where: the loop variables, in words. index: the worst entry; computed, true: its values.
    wrong: how many entries are wrong, in words. before: variables that were right before this line. missing: which
    gradient the sum lacks, in words.
    """

    function: str
    number: int
    text: str
    variable: str = ""
    where: str = ""
    index: tuple[int, ...] = ()
    computed: float = math.nan
    true: float = math.nan
    wrong: str = ""
    before: tuple[str, ...] = ()
    missing: str = ""


@dataclass
class Report:
    """Everything about one pair of functions. `ok` is the verdict, str(report) the text, to_json() the data.

    There are three states. "right": nothing is wrong, and everything was checked. "WRONG": something is wrong. "not
    checked": nothing wrong was found, but something could not be checked. `ok` is true for the first only: a test must
    not pass where nothing was checked.
    unchecked: what could not be checked and why, as sentences, besides what the tensors say themselves.
    """

    name: str
    tensors: list[TensorReport]
    faults: list[str]
    seed: int
    method: str
    line: Line | None = None
    causes: list[Cause] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    forward: str = ""  # what is wrong with the forward, if it was compared with a reference
    arrays: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)
    unchecked: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.state == "right"

    @property
    def state(self) -> str:
        if self.faults or self.forward or any(not tensor.ok and not tensor.unchecked for tensor in self.tensors):
            return "WRONG"
        return "not checked" if self.unchecked or not all(tensor.ok for tensor in self.tensors) else "right"

    def __str__(self) -> str:
        head = f"{self.name}  {paint(self.state, self.ok)}   seed {self.seed}, {self.method}"
        parts = [[head], self.about_forward(), self.about_faults(), self.about_line(), self.about_causes()]
        parts += [self.about_tensors(), [f"  {note}" for note in self.notes]]
        return "\n".join(line for part in parts for line in part)

    def about_forward(self) -> list[str]:
        return [f"  {self.forward}"] if self.forward else []

    def about_faults(self) -> list[str]:
        return [f"  {fault}" for fault in [*self.faults, *self.unchecked]]

    def about_line(self) -> list[str]:
        line = self.line
        if line is None:
            return []
        lines = [f"  line {line.number} in {line.function}:   {line.text}"]
        if line.variable and not math.isnan(line.true):
            place = f"{line.variable}{list(line.index) if line.index else ''}"
            at = f" {line.where}" if line.where else ""
            computed, true = told_apart(line.computed, line.true, 6)
            lines.append(f"      {place}{at}   computed {computed:>12}   true {true:>12}   {line.wrong}")
        if line.missing:
            lines.append(f"      {line.missing}")
        if line.before:
            lines.append(f"      right up to there: {', '.join(line.before[-8:])}")
        return lines

    def about_causes(self) -> list[str]:
        if self.ok:
            return []
        if not self.causes:
            # a tensor with a fault says itself what is wrong
            return (
                ["  no known pattern fits"]
                if any(t.error > t.tolerance and not t.fault for t in self.tensors) and not self.unchecked
                else []
            )
        first, *rest = self.causes
        lines = [f"  probably {paint(first.cause, False)}: {first.text}"]
        if first.fix:
            lines.append(f"      everything comes out right with:   {first.fix}")
        others = [c for c in rest if c.text != first.text]
        also = dict.fromkeys(c.cause for c in rest if c.text == first.text)
        if also:
            lines.append(f"      in other words: {', '.join(also)}")
        return lines + [f"      or {c.cause}: {c.text}" for c in others]

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
        return json.loads(json.dumps(plain(data), allow_nan=False))

    def plot(self, tensor: str | None = None) -> Any:
        """A matplotlib Figure: backward's gradient, the numerical one and their difference.

        tensor: its name; the worst one by default. Raises ValueError if there is no wrong tensor to draw.
        """
        from minireid.plots.gradients import three_gradients

        if not self.arrays:
            raise ValueError("nothing to draw: backward returned no gradient of the right shape")
        worst = tensor or max((t for t in self.tensors if t.name in self.arrays), key=lambda t: t.error).name
        return three_gradients(*self.arrays[worst], title=f"{self.name}: {worst}")


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
