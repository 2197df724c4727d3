"""A problem in exact fractions: what is given, the lines that solve it, and the mistakes that change a line.

A line is Python text, such as dz = dh * (c - h_prev). A mistake replaces one or more lines; the answer that it leads to
is found by computing everything again with those in place, so no mistake needs a formula for each quantity. Values are
Fractions, or NumPy arrays of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isqrt
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

LONGEST = 500  # no numerator or denominator on the way to the answer is above: it is to be done by hand
WIDEST = 100  # characters of a line of a solution


class Line(NamedTuple):
    """The right side of `name = text`, and the equation of the page that it belongs to."""

    text: str
    equation: str


class Mistake(NamedTuple):
    """A cause, one sentence, and the lines as somebody writes them who makes it: {name: text}."""

    cause: str
    why: str
    lines: dict[str, str]


@dataclass(frozen=True)
class Problem:
    """asks: what may be asked, with the entry of it that is meant, () where it is a number."""

    kind: str
    given: dict[str, Any]
    lines: dict[str, Line]
    mistakes: Sequence[Mistake]
    asks: Mapping[str, tuple[int, ...]]

    def values(self, wrong: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What is given, and the value of every line, in order; `wrong` lines in place of ours."""
        values = dict(self.given)
        for name, line in self.lines.items():
            code = compiled((wrong or {}).get(name, line.text))
            value = eval(code, {"norm": norm}, values)  # its text stands in this package, none comes from the user
            values[name] = Fraction(value) if isinstance(value, int) else value
        return values

    def entry(self, ask: str, values: dict[str, Any]) -> Fraction:
        """The entry of `ask` that is asked for."""
        return values[ask][self.asks[ask]] if self.asks[ask] else values[ask]

    def answer(self, ask: str) -> Fraction:
        return self.entry(ask, self.values())

    def needed(self, ask: str) -> list[str]:
        """The lines on the way to `ask`, itself the last, in order."""
        found = {ask}
        for name in reversed(self.lines):
            if name in found:
                found.update(names(self.lines[name].text))
        return [name for name in self.lines if name in found]

    def outcomes(self, ask: str) -> list[tuple[Mistake, Fraction]]:
        """Every mistake on the way to `ask`, with the answer that it leads to."""
        way = set(self.needed(ask))
        on_the_way = [mistake for mistake in self.mistakes if way & set(mistake.lines)]
        return [(mistake, self.entry(ask, self.values(mistake.lines))) for mistake in on_the_way]

    def fits(self) -> bool:
        """Numbers short enough for a hand; no two mistakes, nor the right answer, meet, whatever is asked."""
        right = self.values()
        numbers = [number for name in self.lines for number in np.ravel(right[name])]
        if max(max(abs(number.numerator), number.denominator) for number in numbers) > LONGEST:
            return False
        ways = {ask: set(self.needed(ask)) for ask in self.asks}
        seen = {ask: {self.entry(ask, right)} for ask in self.asks}
        for mistake in self.mistakes:
            values = self.values(mistake.lines)
            for ask in self.asks:
                if ways[ask] & set(mistake.lines):
                    end = self.entry(ask, values)
                    if end in seen[ask]:
                        return False
                    seen[ask].add(end)
        return True

    def name(self, ask: str) -> str:
        """dUc[0, 1], or dUc where it is a number."""
        return f"{ask}[{', '.join(map(str, self.asks[ask]))}]" if self.asks[ask] else ask

    def solution(self, ask: str) -> str:
        """Line by line: the equation, the rule, the numbers in it, the value."""
        values = self.values()
        width = max(len(line.equation) for line in self.lines.values())
        rows = []
        for name in self.needed(ask):
            text, equation = self.lines[name]
            parts = [*dict.fromkeys([name, text, put_in(text, values), shown(values[name])])]  # P = 3 stands there once
            row = " = ".join(parts)
            if len(row) > WIDEST:
                row = f"{name} = " + f"\n{' ' * (4 + width + 2 + len(name))} = ".join(parts[1:])
            rows.append(f"    {equation:<{width}}  {row}")
        if self.asks[ask]:
            rows.append(f"    {'':<{width}}  {self.name(ask)} = {self.answer(ask)}")
        return "\n".join(rows)


@cache
def compiled(text: str) -> CodeType:
    """Once for each text: until a problem fits, dozens are drawn and thousands of lines computed."""
    return compile(text, "line", "eval")


def names(text: str) -> list[str]:
    """The names in a line, each once, in order."""
    return list(dict.fromkeys(re.findall(r"(?<!\.)\b[a-zA-Z]\w*", text)))


def put_in(text: str, values: dict[str, Any]) -> str:
    """The line with numbers for names, in brackets where they could be misread."""

    def number(found: re.Match[str]) -> str:
        value = values.get(found[0], found[0])
        brackets = isinstance(value, Fraction) and (value < 0 or (" / " in text and value.denominator > 1))
        return f"({value})" if brackets else shown(value)

    return re.sub(r"(?<!\.)\b[a-zA-Z]\w*", number, text)


def shown(value: Any) -> str:
    """3/5, [1/2, 3] (also of shape (1, 2): the one row of N = 1), or [[1, 2], [3, 4]]."""
    if not isinstance(value, np.ndarray):
        return str(value)
    rows = value[0] if value.ndim == 2 and len(value) == 1 else value
    return f"[{', '.join(shown(row) for row in rows)}]"


def norm(v: np.ndarray) -> Fraction:
    """sqrt(v . v), exactly; ValueError where that is no fraction."""
    square = Fraction(v @ v)
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    if root * root != square:
        raise ValueError(f"the root of {square} is no fraction")
    return root


def pick(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    """One of them, as it is: rng.choice would make an array of them."""
    return options[int(rng.integers(len(options)))]
