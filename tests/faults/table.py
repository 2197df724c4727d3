"""What was found: a line for each failure, with what repeats it, and two tables."""

from collections import Counter

from tests.faults.strikes import Result

LONGEST = 3  # faults of one case that are shown


def failure(result: Result, seed: int) -> str:
    """What went wrong, what was done, and the command that does it again."""
    lines = [f"FAILED {result.name}: {fault}" for fault in result.faults[:LONGEST]]
    if len(result.faults) > LONGEST:
        lines.append(f"  and {len(result.faults) - LONGEST} more")
    lines += [f"  {step}" for step in result.story]
    return "\n".join([*lines, f"  again: python -m tests.faults --seed {seed} {result.name}"])


def tables(results: list[Result]) -> str:
    """How many cases there were and how many failed, by part and kind; then what failed, by part."""
    kinds = sorted({result.name.split("/")[1] for result in results})
    parts = list(dict.fromkeys(result.name.split("/")[0] for result in results))
    many: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    what: Counter[tuple[str, str]] = Counter()
    for result in results:
        part, kind, _ = result.name.split("/")
        for key in ((part, kind), (part, "all"), ("all", kind), ("all", "all")):
            many[key] += 1
            failed[key] += bool(result.faults)
        for label in {fault.partition(":")[0] for fault in result.faults}:
            what[part, label] += 1
            what["all", label] += 1
    cells = [["failed of cases", *kinds, "all"]]
    for part in [*parts, "all"]:
        cells.append(
            [part, *(f"{failed[part, k]} of {many[part, k]}" if many[part, k] else "" for k in [*kinds, "all"])]
        )
    labels = sorted({label for _, label in what})
    found = [["what failed", *parts, "all"]]
    found += [[label, *(str(what[part, label] or "") for part in [*parts, "all"])] for label in labels]
    return aligned(cells) + ("\n\n" + aligned(found) if labels else "")


def aligned(lines: list[list[str]]) -> str:
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    shown = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]) for line in lines
    ]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:]])
