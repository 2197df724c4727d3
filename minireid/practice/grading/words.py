"""One helpful sentence about a function, or about why it gave no answer."""

from minireid.practice.exercises.exercise import Asked
from minireid.practice.grading.found import Found
from minireid.practice.grading.process import Failure


def word(asked: Asked, parts: dict[str, Found], file: str) -> str:
    """One helpful sentence about a function or a pair."""
    told = [
        verdict(name, found, file, "d" if asked.backward and name == asked.backward_name else "")
        for name, found in parts.items()
        if not (asked.given and name == asked.name)
    ]
    first = next((found.failure for found in parts.values() if found.failure), None)
    if first and first.kind == "absent":
        return first.text
    failure = parts[asked.name].failure
    if failure and failure.kind == "NotImplementedError":  # then nothing can be said of backward
        return told[0]
    if asked.backward and not asked.given and another_function(parts[asked.name]):
        return f"{told[0]}. Mend {asked.name} first: {asked.backward_name} is compared with the right one's gradients"
    return "; ".join(told)


def another_function(forward: Found) -> bool:
    """Whether a forward ran, is wrong, and is no known variant."""
    return not forward.failure and not forward.extra and not all(c.ok for c in forward.tensors.values())


def verdict(name: str, found: Found, file: str, sign: str) -> str:
    """sign: "d" in front of the names of gradients."""
    if found.extra and not all(c.ok for c in found.tensors.values()):
        return f"{name}: {found.extra}"
    if found.failure:
        return sentence(found.failure, name, file)
    wrong = {f"{sign}{tensor}": c for tensor, c in found.tensors.items() if not c.ok}
    if not wrong:
        return f"{name} is right"
    first, c = next(
        ((tensor, c) for tensor, c in wrong.items() if not c.said.endswith("entries wrong")), next(iter(wrong.items()))
    )
    count = f"{len(found.tensors) - len(wrong)} of {len(found.tensors)} are right, " if len(found.tensors) > 1 else ""
    others = [tensor for tensor in wrong if tensor != first]
    more = f"; {', '.join(others)} too" if others else ""
    return f"{name}: {count}{first} is wrong ({c.said}){more}"


def sentence(failure: Failure, name: str, file: str) -> str:
    """Why there is no answer."""
    where = f" in line {failure.line} of {file}" if failure.line else ""
    if failure.kind == "NotImplementedError":
        return f"{name} is not written yet ({where.removeprefix(' in ') or file})"
    if failure.kind in ("before", "time", "ended", "nonsense", "absent", "TimeoutError"):
        return f"{name}: {failure.text}{where}"
    if failure.kind in ("ModuleNotFoundError", "ImportError"):
        return f"{name}: {failure.text}{where}; the grader has NumPy alone, and only this file"
    if failure.kind == "TypeError" and not failure.line:  # not raised in the file: what came back does not fit
        return failure.text if failure.text.startswith(name) else f"{name}: {failure.text}"
    return f"{name} raises {failure.kind}{where}: {failure.text}"


def absent(asked: Asked, names: list[str]) -> Failure | None:
    """The failure of a file without the function that is asked for. names: of the functions that it has."""
    names = [name for name in names if name.isidentifier()]
    for name in (asked.name, asked.backward_name):
        if name and name not in names:
            found = f"found {', '.join(names[:6])}" if names else "found none"
            return Failure("absent", f"expected a function {name}; {found}")
    return None
