"""From a student's name to choices: the same on every machine and in every version of Python and NumPy.

SHA-256 of kind, course word, student and attempt gives 256 bits. Each choice among n options takes the remainder by n.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from minireid.base.errors import InputError

LONGEST = 100


class Choices:
    """A stream of choices. `pick` takes the next one."""

    def __init__(self, *words: str) -> None:
        self.number = int.from_bytes(hashlib.sha256("\n".join(words).encode("utf-8")).digest(), "big")

    def pick(self, options: Sequence[Any]) -> Any:
        self.number, place = divmod(self.number, len(options))
        return options[place]


def tidy(name: str, option: str) -> str:
    """One spelling of a name: no spaces around it, small letters, composed accents. InputError if there is none."""
    tidied = re.sub(r"\s+", " ", unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())).strip()
    if not tidied or len(tidied) > LONGEST or not tidied.isprintable():
        raise InputError(
            f"expected {option} with a name or number of 1 to {LONGEST} signs, such as s1234567, got {name[:40]!r}"
        )
    return tidied
