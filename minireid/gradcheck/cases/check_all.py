"""Checks every derivative of minireid: the cases, the check of one case, and the rows of the table."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minireid import networks
from minireid.base.errors import InputError
from minireid.gradcheck import Report, TensorReport, check
from minireid.gradcheck.cases.networks import network_cases
from minireid.gradcheck.cases.pages import COMPILED, USUAL, Case, Sizes, page_cases
from minireid.gradcheck.check import ENTRIES
from minireid.gradcheck.front import nearest

HEADER = f"{'layer':<32} {'tensor':<20} {'shape':<18} {'worst':>8}  {'at':<16} verdict"
SAMPLE = 12  # entries of each tensor of a network that are compared, besides random directions


def all_cases(seed: int = 0, sizes: Sizes = USUAL) -> Iterator[Case]:
    """A case for every layer, loss and network: pages first, then networks."""
    rng = np.random.default_rng(seed)
    yield from page_cases(rng, sizes)
    yield from network_cases(np.random.default_rng([5, seed]))


def chosen(names: tuple[str, ...], seed: int) -> list[Case]:
    """The cases of these names; all cases if there are no names. Raises InputError for an unknown name."""
    cases = list(all_cases(seed))
    known = {part for case in cases for part in (case.name, case.name.split("/")[0])}
    unknown = set(names) - known
    if unknown:
        raise InputError(nearest.unknown(min(unknown), sorted(known), "to check"))
    return [case for case in cases if not names or {case.name, case.name.split("/")[0]} & set(names)]


def check_case(case: Case, seed: int) -> Report:
    entries = SAMPLE if is_network(case) else ENTRIES
    how: dict[str, Any] = {"seed": seed, "name": case.name, "method": method(case), "entries": entries, "drawn": True}
    return check(case.forward, case.backward, *case.arrays, **how, **case.config)


def method(case: Case) -> str:
    """Central differences for compiled code: for complex numbers it would be compiled again, which takes seconds.

    The complex step for networks: they accept complex numbers, and differences fail because kinks are everywhere near.
    """
    return "central" if case.name in COMPILED else "complex" if is_network(case) else "auto"


def is_network(case: Case) -> bool:
    return case.name.partition("/")[0] in networks.NAMES


def lines(report: Report, hints: int = 4) -> list[str]:
    """A row for each tensor; if something is wrong, the whole report after them."""
    return [*(row(report, tensor) for tensor in report.tensors), *([] if report.ok else [report.text(hints)])]


def row(report: Report, tensor: TensorReport) -> str:
    verdict = "ok" if tensor.ok else tensor.verdict if tensor.unchecked else f"WRONG  {tensor.verdict}"
    difference = max(tensor.difference, tensor.error)
    kinks = f"  ({tensor.kinks} on kinks)" if tensor.kinks and tensor.ok else ""
    at = str(tensor.index) if tensor.index else ""
    return f"{report.name:<32} {tensor.name:<20} {tensor.shape!s:<18} {difference:8.1e}  {at:<16} {verdict}{kinks}"
