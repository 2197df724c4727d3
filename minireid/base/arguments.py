"""A command line's parser whose faults are one line, and the types of its options.

What is wrong is told as in "expected --top of 1 or more, got 0; see minireid search --help".
"""

import argparse
import math
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from minireid.base.errors import InputError

LARGEST = 2**63 - 1


class Parser(argparse.ArgumentParser):
    """Raises InputError in place of leaving the process."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        for word in sys.argv[1:] if args is None else args:
            if "\0" in word:
                raise InputError(f"expected options without null characters, got {shown(word)}: leave it out")
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        told = re.sub(r"^argument (\S+): (?=of |from |as )", r"expected \1 ", message)
        raise InputError(f"{told}; see {self.prog} --help")

    def print_help(self, file: Any = None) -> None:
        (file or sys.stdout).write(self.format_help())  # argparse would not say that the disk is full


def whole(first: int, last: int = LARGEST) -> Callable[[str], int]:
    """The type of an option that takes a whole number from `first` to `last`."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = first - 1
        if not first <= value <= last:
            span = f"of {first} or more" if last == LARGEST else f"from {first} to {last}"
            raise argparse.ArgumentTypeError(f"{span}, got {shown(text)}")
        return value

    return number


def seconds(longest: float) -> Callable[[str], float]:
    """The type of an option that takes a time limit: above 0, at most `longest` seconds."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= longest:  # false for NaN too
            raise argparse.ArgumentTypeError(f"as a number of seconds above 0, at most {longest:g}, got {shown(text)}")
        return value

    return number


def shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"
