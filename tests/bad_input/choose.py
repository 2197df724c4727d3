"""Which cases are judged: all, or a sample of every part; some of them in a process of their own. Seeded."""

import random
from collections.abc import Sequence

PROCESSES = 40  # cases that are judged in a process of their own too: what is said must not depend on a warm one


def everything(cases: Sequence[tuple[str, str]], seed: int = 0) -> list[tuple[int, bool]]:
    """[(number, in a process of its own)]: every case in a warm process, and PROCESSES of them once more."""
    return [*((number, False) for number in range(len(cases))), *alone(cases, PROCESSES, seed)]


def sample(cases: Sequence[tuple[str, str]], size: int, seed: int = 0, processes: int = 4) -> list[tuple[int, bool]]:
    """About `size` cases: at least two of every part, more of a part with more."""
    draw = random.Random(seed)
    parts: dict[str, list[int]] = {}
    for number, (part, _) in enumerate(cases):
        parts.setdefault(part, []).append(number)
    found = []
    for numbers in parts.values():
        count = max(2, round(size * len(numbers) / len(cases)))
        found += draw.sample(numbers, min(count, len(numbers)))
    return [*((number, False) for number in sorted(found)), *alone(cases, processes, seed)]


def alone(cases: Sequence[tuple[str, str]], size: int, seed: int) -> list[tuple[int, bool]]:
    """Without those whose words no process can be given (a zero byte)."""
    possible = [number for number, (_, name) in enumerate(cases) if "\0" not in name]
    return [(number, True) for number in sorted(random.Random(seed).sample(possible, min(size, len(possible))))]
