"""One explanation of a mistake, as reports show it."""

from dataclasses import dataclass

from minireid.gradcheck.cause.causes import Cause


@dataclass(frozen=True)
class Explanation:
    """cause: its name. text: a sentence about this program. fix: the corrected line, or empty."""

    cause: Cause
    text: str
    fix: str = ""
