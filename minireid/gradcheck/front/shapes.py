"""What to draw for an argument, as people write it: --shapes "x:3,5 w:5,7 y:int3<7 p.W:5,7 stride=2".

    x:3,5        floats of the shape (3, 5), drawn from a normal distribution
    x:           one float, an array without axes
    x:+3,5       positive floats, between 0.1 and 0.9
    y:int3<7     integers of the shape (3,), from 0 to 6
    m:bool3,5    True and False
    p.W:5,7      the array W of the dict p
    stride=2     a Python value as it stands
    Linear=5,7   what the class Linear is made with: Linear(5, 7)
    relu/x:3,5   only for relu_forward

The same in a file: shapes = {"x": (3, 5), "y": "int3<7", "p": {"W": (5, 7)}, "stride": "=2", "relu": {"x": (3, 5)}}.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import put

EXPECTED = "expected NAME:SIZES or NAME=VALUE, such as x:3,5 or y:int3<7 or p.W:5,7 or stride=2"


@dataclass(frozen=True)
class Wish:
    """kind: float, positive, int, bool or value. shape; below: the bound of integers; value: of kind value."""

    kind: str
    shape: tuple[int, ...] = ()
    below: int = 0
    value: Any = None

    def draw(self, rng: np.random.Generator) -> Any:
        if self.kind == "int":
            numbers = np.arange(int(np.prod(self.shape))) % self.below  # every label, as far as there is place
            return rng.permutation(numbers).reshape(self.shape)
        if self.kind == "bool":
            return rng.random(self.shape) < 0.5
        if self.kind == "value":
            return self.value
        return rng.uniform(0.1, 0.9, self.shape) if self.kind == "positive" else np.array(rng.normal(size=self.shape))

    def __str__(self) -> str:
        words = {"float": "", "positive": "positive ", "int": "integers ", "bool": "booleans "}
        if self.kind == "value":
            return repr(self.value)
        return f"{words[self.kind]}{self.shape}{f' below {self.below}' if self.kind == 'int' else ''}"


def parsed(text: str) -> dict[str, Wish]:
    """{name: wish} of the text after --shapes. Raises InputError, one line, with the part that cannot be read."""
    return dict(pair(word) for word in words(text))


def words(text: str) -> Iterator[str]:
    """The text cut at spaces, but not inside brackets or quotation marks."""
    word, depth, quote = "", 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        depth += (sign in "([{") - (sign in ")]}") if not quote else 0
        if sign.isspace() and not depth and not quote:
            if word:
                yield word
            word = ""
        else:
            word += sign
    if word:
        yield word


def pair(word: str) -> tuple[str, Wish]:
    match = re.fullmatch(r"([\w./]+)([:=])(.*)", word)
    if not match:
        raise InputError(f"--shapes: {EXPECTED}; got {word}")
    name, sign, rest = match.groups()
    return name, value_of(rest, word) if sign == "=" else wish(rest, word)


def wish(text: str, whole: str) -> Wish:
    match = re.fullmatch(r"(int|bool|\+|)((?:\d+(?:,\d+)*,?)?)(?:<(\d+))?", text.strip().strip("()").replace(" ", ""))
    if not match or (match[3] is not None) != (match[1] == "int") or match[3] == "0":
        raise InputError(f"--shapes: {EXPECTED}; got {whole}")
    kind = {"": "float", "+": "positive"}.get(match[1], match[1])
    return Wish(kind, tuple(int(size) for size in match[2].split(",") if size), int(match[3] or 0))


def value_of(text: str, whole: str) -> Wish:
    try:
        return Wish("value", value=ast.literal_eval(text))
    except (SyntaxError, ValueError):
        if re.fullmatch(r"\w+", text):  # a word without quotation marks
            return Wish("value", value=text)
        raise InputError(f"--shapes: expected a Python value after =, such as 2 or 'relu'; got {whole}") from None


def from_dict(shapes: dict[Any, Any], prefix: str = "") -> dict[str, Wish]:
    """The wishes of a dict `shapes` in a file; a dict inside is a dict of parameters, or belongs to a function."""
    found: dict[str, Wish] = {}
    for key, value in shapes.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found |= from_dict(value, f"{name}.")
        elif isinstance(value, str):
            found[name] = value_of(value[1:], value) if value.startswith("=") else wish(value, f"{name}:{value}")
        elif isinstance(value, int):
            found[name] = Wish("float", (value,))
        elif isinstance(value, (tuple, list)) and all(isinstance(size, int) for size in value):
            found[name] = Wish("float", tuple(value))
        else:
            raise InputError(
                f'shapes: expected a tuple of sizes, or a text such as "int3<7", for {name}; got {value!r}'
            )
    return found


def only_for(function: str, wishes: dict[str, Wish]) -> dict[str, Wish]:
    """The wishes that hold for this function: those for all, then those with its name in front."""
    found = {name: one for name, one in wishes.items() if "/" not in name}
    for sign in ("/", "."):
        start = f"{function}{sign}"
        found |= {name.removeprefix(start): one for name, one in wishes.items() if name.startswith(start)}
    return found


def tree_of(name: str, wishes: dict[str, Wish]) -> Any:
    """The wish for an argument; a dict of wishes for a dict of parameters; None if there is none."""
    if name in wishes:
        return wishes[name]
    tree: dict[str, Any] = {}
    for path, one in wishes.items():
        if path.startswith(f"{name}."):
            put(tree, path.removeprefix(f"{name}."), one)
    return tree or None


def drawn(tree: Any, rng: np.random.Generator) -> Any:
    return {key: drawn(part, rng) for key, part in tree.items()} if isinstance(tree, dict) else tree.draw(rng)


def told(name: str, tree: Any) -> str:
    """`x (3, 5)`; `p.W (5, 7), p.b (7,)` for a dict."""
    if isinstance(tree, dict):
        return ", ".join(told(f"{name}.{key}", part) for key, part in tree.items())
    return f"{name}{' = ' if tree.kind == 'value' else ' '}{tree}"
