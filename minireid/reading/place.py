"""A place of a page: a piece of a line that has a value. And what a whole run has shown."""

from dataclasses import dataclass, field

import numpy as np

from minireid.gradcheck.tensor.problem import Problem

ONCE = ""  # the round of what stands in no loop
TRUE = 1e-6  # relative error up to which a gradient is called right: far above rounding, far below a mistake


@dataclass
class Place:
    """A piece of a line. side: forward or backward. kind: name, expression, term or argument.

    text: as it is written; name: the variable, p.Wz for p["Wz"]. values, true, errors: by round. claim: the name of the
    forward's variable that it is the derivative by, and its function. uses: the numbers of the places in the forward
    that it belongs to. live: whether the loss depends on it. rule: of a use, how its gradient comes about. wrong:
    rounds in which it is not the true derivative.
    """

    number: int
    side: str
    kind: str
    line: int
    columns: tuple[int, int]
    text: str
    function: str
    name: str = ""
    values: dict[str, np.ndarray] = field(default_factory=dict)
    true: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    claim: tuple[str, str] | None = None
    uses: list[int] = field(default_factory=list)
    live: bool = False
    rule: str = ""

    @property
    def label(self) -> str:
        """What a reader calls it: a name, dx for what is returned as the derivative by x, the text of an expression."""
        if self.name.startswith("returned") and self.kind == "name":
            return f"d{self.claim[0].rpartition('.')[2]}" if self.claim else "returned"
        own = self.name.rpartition(".")[2] if self.kind == "name" else self.text
        same = self.side == "backward" and self.claim is not None and self.claim[0].rpartition(".")[2] == own
        return f"d{own}" if same else own  # the entry "Wz" of grads is dWz

    @property
    def by(self) -> str:
        """The variable that it is the derivative by, as a reader calls it."""
        name = self.claim[0].rpartition(".")[2] if self.claim else ""
        return "the output" if name.startswith("returned") else name

    @property
    def wrong(self) -> list[str]:
        return [key for key, error in self.errors.items() if not error <= TRUE]


@dataclass
class Followed:
    """What a run has shown. loop: the name of the loop variable, empty without a loop; rounds: of each side, in the
    order of execution. reads: the names that are read to compute a name, as (name, read name, line) of the forward."""

    places: list[Place]
    loop: str
    rounds: dict[str, list[str]]
    reads: list[tuple[str, str, int]]
    problem: Problem
    gradients: dict[str, np.ndarray]
    error: str = ""
