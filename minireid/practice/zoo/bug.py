"""What a planted bug is: one small edit of one function, and what there is to say about it."""

from typing import NamedTuple


class Bug(NamedTuple):
    """`old`, which occurs exactly once in `function` of the page `module` ("layers.gru"), becomes `new`.

    title: says where to look, not what is wrong. difficulty: 1 (reading is enough), 2 (a derivation or a check is
    needed), 3 (hidden from most checks). cause: the name of what is wrong; `also`: names that are as right an answer.
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
