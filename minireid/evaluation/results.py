"""Results: every number together with its protocol, printed, and saved as JSON and CSV.

A row is a dict with the keys of COLUMNS:

    method             "msp_src", "mean colour", ...
    dataset            "prid2011", ...
    protocol           "200", "halves" or the split file's name; then, in words, what else is special (FILTERED)
    split              number of the split, from 0
    seed               of the training; None for a method without training
    clip length        frames of a training clip; None for a method without training
    frames             of a track that were compared; 0: all
    views              number of crops and mirrors that are averaged; None for whole frames
    probes, gallery    number of probes, and of the gallery entries that each is compared with
    rank-1 ... rank-20 CMC, shares from 0 to 1
    mAP                share from 0 to 1

Several rows of one method are averaged: first over the seeds of a split, then over the splits. The number after
the sign ± is the standard error of that mean, s / sqrt(n) over the n splits. With only one split it is over its
seeds.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import numpy as np
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.base.records import Count, Head, Share, read_ours
from minireid.evaluation.ranking import RANKS

Row = dict[str, Any]
MEASURES = (*(f"rank-{k}" for k in RANKS), "mAP")
FACTS: dict[str, Any] = {
    "method": str,
    "dataset": str,
    "protocol": str,
    "split": Count,
    "seed": Count | None,
    "clip length": Count | None,
    "frames": Count,
    "views": Count | None,
    "probes": Count,
    "gallery": Count,
}
COLUMNS = (*FACTS, *MEASURES)
FILTERED = ", same person in same camera left out"  # in a protocol: not camera A against camera B, but as in MARS
SHUFFLED = ", frames shuffled"  # in a protocol, at its end
FORMAT = "minireid-results"
VERSION = 1
# A row, as it is read from a file.
Stored = TypedDict("Stored", {**FACTS, **dict.fromkeys(MEASURES, Share)})  # type: ignore[misc]  # mypy wants it written out


class File(Head, forbid_unknown_fields=True, kw_only=True):
    """results.json."""

    caption: str
    means: list[Any]
    rows: Annotated[tuple[Stored, ...], Meta(min_length=1)]


def caption(rows: Sequence[Row]) -> str:
    """One line that states the protocol of all these rows. Raises InputError if they cannot be compared.

    If frames is None, the caption does not state the frames.
    """
    check(rows)
    frames = rows[0]["frames"]
    filtered = FILTERED in rows[0]["protocol"]
    whole = "whole tracks" if frames == 0 else ""
    known = {key: listed(column(rows, key)) for key in ("seed", "clip length", "views", "probes", "gallery")}
    probes = f"{known['probes']} probes, each against "
    compared = f"{probes}up to " if filtered else f"camera A against camera B, {probes}"
    parts = [
        f"{rows[0]['dataset']}, protocol {rows[0]['protocol']}",
        counted("split", rows) + (f", {counted('seed', rows)}" if known["seed"] else ""),
        f"trained on clips of {known['clip length']} frames" if known["clip length"] else "",
        f"{compared}{known['gallery']} in the gallery",
        f"a probe's first {frames} frames against a gallery track's last {frames}" if frames else whole,
        f"{known['views']} view{'' if known['views'] == '1' else 's'} averaged" if known["views"] else "",
    ]
    return "; ".join(part for part in parts if part)


def table(rows: Sequence[Row]) -> str:
    """Aligned text: a line for each method, in order of first appearance; % with one decimal."""
    return aligned(cells(rows))


def table_of_splits(rows: Sequence[Row]) -> str:
    """Aligned text: a line for every single row, with its split and seed."""
    check(rows)
    lines = [["split", "seed", "method", *MEASURES]]
    for row in sorted(unique(rows), key=lambda r: (r["split"], -1 if r["seed"] is None else r["seed"])):
        seed = "-" if row["seed"] is None else str(row["seed"])
        lines.append([str(row["split"]), seed, row["method"], *(f"{100 * row[m]:.1f}" for m in MEASURES)])
    return aligned(lines)


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """The table as texts, header first: to print, and for the report."""
    lines = [["%", *MEASURES]]
    for method, measured in means(rows).items():
        lines.append([method, *(with_error(*measured[m]) for m in MEASURES)])
    return lines


def means(rows: Sequence[Row]) -> dict[str, dict[str, tuple[float, float | None]]]:
    """{method: {measure: (mean, its standard error, or None if there is only one number)}}, shares from 0 to 1."""
    check(rows)
    found: dict[str, dict[str, tuple[float, float | None]]] = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        by_split: dict[int, list[Row]] = {}
        for row in unique(rows):
            if row["method"] == method:
                by_split.setdefault(row["split"], []).append(row)
        found[method] = {m: mean_and_error([[row[m] for row in of] for of in by_split.values()]) for m in MEASURES}
    return found


def mean_and_error(by_split: list[list[float]]) -> tuple[float, float | None]:
    """The values of every split (one for each seed) -> their mean and its standard error."""
    values = np.array([np.mean(seeds) for seeds in by_split] if len(by_split) > 1 else by_split[0])
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return float(values.mean()), error


def with_error(mean: float, error: float | None) -> str:
    """0.623, 0.014 -> "62.3 ± 1.4"."""
    return f"{100 * mean:.1f}" + ("" if error is None else f" ± {100 * error:.1f}")


def save(folder: Path, rows: Sequence[Row]) -> None:
    """folder/results.json (caption, means and rows) and folder/results.csv (rows), each written whole or not at all."""
    averaged = [
        {"method": method, **{m: {"mean": mean, "standard error": error} for m, (mean, error) in of.items()}}
        for method, of in means(rows).items()
    ]
    content = {"format": FORMAT, "version": VERSION, "caption": caption(rows), "means": averaged, "rows": list(rows)}
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "results.json", json.dumps(content, indent=1, allow_nan=False) + "\n")
    write_text(folder / "results.csv", lines.getvalue())


def load(path: Path) -> list[Row]:
    """The rows of a results.json, every value checked. InputError if it is missing or damaged."""
    remedy = "remove its folder, then make it again"
    found = read_ours(path, File, format=FORMAT, versions=(VERSION,), what="results", remedy=remedy)
    return [dict(row) for row in found.rows]


def check(rows: Sequence[Row]) -> None:
    """ValueError for a row with other keys; InputError for rows of different protocols: they must not be averaged."""
    if not rows or any(set(row) != set(COLUMNS) for row in rows):
        raise ValueError(f"results: expected rows with the keys {', '.join(COLUMNS)}")
    for key in ("dataset", "protocol", "frames"):
        values = dict.fromkeys(column(rows, key))
        if len(values) > 1:
            raise InputError(f"expected results of one {key} in a table, got {listed(values)}: they are not comparable")


def unique(rows: Sequence[Row]) -> list[Row]:
    """The rows without repetitions: a baseline has the same row for every seed, and counts once."""
    kept: list[Row] = []
    for row in rows:
        if row not in kept:
            kept.append(row)
    return kept


def column(rows: Sequence[Row], key: str) -> list[Any]:
    return [row[key] for row in rows]


def counted(name: str, rows: Sequence[Row]) -> str:
    """ "split 3", "splits 0 to 9", "seeds 1, 2, 5"."""
    numbers = sorted({row[name] for row in rows} - {None})
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{name}s {numbers[0]} to {numbers[-1]}"
    return f"{name}{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def listed(values: Any) -> str:
    """[16, None, 8, 16] -> "8 or 16"."""
    return " or ".join(str(value) for value in sorted({value for value in values if value is not None}, key=str))


def aligned(lines: list[list[str]]) -> str:
    """Columns of text: those of MEASURES to the right, all others to the left, the header underlined."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    text_columns = len(widths) - len(MEASURES)
    padded = [
        [cell.ljust(w) if k < text_columns else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths))]
        for line in lines
    ]
    rule = ["-" * width for width in widths]
    return "\n".join("  ".join(line).rstrip() for line in [padded[0], rule, *padded[1:]])
