"""What was found about one mistake: its line, the values there, and explanations."""

import math
from dataclasses import dataclass, field

from minireid.gradcheck.cause.causes import Cause


@dataclass(frozen=True)
class Line:
    """A line that is wrong.

    variable: what it computes. where: the loop variables, in words. index: the worst entry; computed, true: its values.
    wrong: how many entries are wrong, in words. before: variables that were right before this line.
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


@dataclass(frozen=True)
class Explanation:
    """cause: the name of the mistake. text: a sentence about this program. fix: the corrected line, or empty."""

    cause: Cause
    text: str
    fix: str = ""


@dataclass
class Finding:
    """One mistake. line: None where it is not known. causes: the likeliest first."""

    line: Line | None
    causes: list[Explanation] = field(default_factory=list)
