"""A planted bug: one small edit of one function, with a hint and an explanation."""

from typing import NamedTuple


class Bug(NamedTuple):
    """In `function` of the page `module` ("layers.gru"), `old` is replaced by `new`. `old` occurs there exactly once.

    title: says where to look, not what is wrong. difficulty: 1 (reading is enough), 2 (a derivation or a check is
    needed), 3 (hidden from most checks). cause: the name of the mistake. also: other names that are right too.
    """

    title: str
    module: str
    function: str
    old: str
    new: str
    difficulty: int
    cause: str
    also: tuple[str, ...]
    hint: str
    explanation: str
