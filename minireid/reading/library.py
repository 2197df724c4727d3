"""The pages of the library that can be read: their files, what is run for each, and the finished HTML."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from minireid import networks
from minireid.base.errors import InputError
from minireid.gradcheck.cases.networks import network_cases
from minireid.gradcheck.cases.page_case import base, pages
from minireid.gradcheck.front import nearest
from minireid.gradcheck.tensor.problem import Problem
from minireid.kernels import im2col, loops
from minireid.reading import architecture
from minireid.reading.cases import problem_of
from minireid.reading.page import parse
from minireid.reading.place import Followed
from minireid.reading.run import follow
from minireid.reading.write import ALONE, Address, Around, page_html, style

PACKAGE = Path(__file__).parents[1]
ROOMS = ("layers", "losses", "networks", "kernels")
KERNELS: dict[str, ModuleType] = {"loops": loops, "im2col": im2col}
COMPILED = ("direct", "fused", "vectors", "conv_block_fused")
Clip = Callable[[int, int, bool], np.ndarray]  # (height, width, flow) -> one real clip (T, H, W, C)


def files() -> dict[str, Path]:
    """The file of every page, by name: layers first, then losses, networks, kernels."""
    return {path.stem: path for room in ROOMS for path in sorted((PACKAGE / room).glob("*.py")) if path.stem[0] != "_"}


def file_of(name: str) -> Path:
    """InputError for an unknown name, with the nearest one."""
    found = files()
    if name not in found:
        raise InputError(nearest.unknown(name, sorted(found), "to read"))
    return found[name]


def library_page(name: str, address: Address, clip: Clip, *, values: bool = True, around: Around = ALONE) -> str:
    """The HTML of a page of the library. values=False: nothing is followed, which takes seconds for some pages."""
    path = file_of(name)
    extra = ""
    if name in networks.NAMES:
        clips = architecture.recipe_of(name).clips
        extra = architecture.architecture(name, clip(*clips.crop, clips.flow), address)
    styles = style() + (architecture.style() if extra else "")
    page = parse(path.read_text("utf-8"))
    run = followed_page(name) if values else None
    return page_html(
        name, page, run, address=address, extra=extra, note=note(name, values), styles=styles, around=around
    )


def note(name: str, values: bool) -> str:
    """Why a page has no values."""
    if name in COMPILED:
        return "It is compiled, so its lines cannot report their values."
    has_run = name in networks.NAMES or name in KERNELS or name in pages()
    return "" if values or not has_run else f"For the values of a run: minireid read {name}"


def network_page(name: str, clip: Clip) -> str:
    """The page of a network that stands alone, in less than a second: what its layers make of a clip, no values."""
    return library_page(name, lambda name: None, clip, values=False)


def followed_page(name: str) -> Followed | None:
    """The run of a page; None where there is nothing to run."""
    problem = problem_for(name)
    return None if problem is None else follow(problem, str(file_of(name)), alone=name in networks.NAMES)


def problem_for(name: str) -> Problem | None:
    if name in KERNELS:
        problem = problem_of("conv2d")
        return replace(problem, config={**problem.config, "kernel": KERNELS[name]})
    if name in pages():
        return problem_of(name)
    for case in network_cases(np.random.default_rng(0)):
        if base(case.name) == name:
            return Problem(case.forward, case.backward, tuple(case.arrays), case.config, 0).drawn()
    return None
