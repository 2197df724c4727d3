"""A process is struck at a random moment; what it leaves is judged; the same command, or --resume, goes on."""

import signal
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tests.faults import contents, judge, processes
from tests.faults.expected import Expected, Undisturbed
from tests.faults.processes import Ended, Moment
from tests.faults.world import PARTS, Part, World

SIGNALS = {"KILL": signal.SIGKILL, "INT": signal.SIGINT, "TERM": signal.SIGTERM}


@dataclass
class Result:
    """A case: its name (part/kind/number), what happened, and its faults, each of which begins with its kind."""

    name: str
    story: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def random_for(seed: int, name: str) -> np.random.Generator:
    """A generator for this case alone, so that it can be repeated without the others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def moment(rng: np.random.Generator, kind: str, part: Part, undisturbed: Undisturbed) -> Moment:
    """Half of the moments are times, half are file operations. Who is struck: the parent, a worker or both."""
    who = "parent"
    if kind == "KILL" and part.workers:
        who = str(rng.choice(["parent", "worker", "both"]))
    elif kind in ("INT", "TERM"):  # a terminal's Ctrl-C reaches all; a cluster ends one process or all
        who = str(rng.choice(["parent", "both"]))
    many = undisturbed.operations["w" if who == "worker" else "p"]
    if rng.random() < 0.5:
        return Moment(SIGNALS[kind], who, at=int(rng.integers(1, many + 1)))
    return Moment(SIGNALS[kind], who, seconds=float(rng.random() * undisturbed.seconds))


def strike(expected: Expected, name: str, seed: int) -> Result:
    """One case, such as train/KILL/17."""
    which, kind, _ = name.split("/")
    world = expected.world
    part, undisturbed, rng = PARTS[which], expected.of(which), random_for(seed, name)
    result, folder = Result(name), world.new(name, part.given)
    words = part.words
    for _ in range(2 if rng.random() < 1 / 3 else 1):
        when = moment(rng, kind, part, undisturbed)
        ended = processes.run(world, world.words(words), folder, strike=when)
        result.story.append(f"{' '.join(words)} [{when if ended.struck else 'not struck: it ended before'}]")
        result.faults += after_strike(part, when, ended, folder, undisturbed)
        words = next_command(rng, part, folder)
    result.faults += to_the_end(world, part, words, folder, undisturbed, result)
    return result


def next_command(rng: np.random.Generator, part: Part, folder: Path) -> tuple[str, ...]:
    """The same command; in half of the cases --resume, where there is a run that says what it is."""
    resume = rng.random() < 0.5
    return part.again if part.again and resume and (folder / "out" / "run.json").exists() else part.words


def after_strike(part: Part, when: Moment, ended: Ended, folder: Path, undisturbed: Undisturbed) -> list[str]:
    """The faults of a process that was struck, and of what it left."""
    broken = contents.broken(folder)
    found = {} if broken else contents.content(folder)
    faults = judge.on_disk(part, found, undisturbed, broken)
    if not ended.struck:  # it ended before; whether all is there, the last command shows
        wrong = [] if ended.code in (0, 2) else [f"exit code: {ended.code}: {judge.last(ended.err)}"]
        return [*faults, *judge.any_end(ended), *wrong]
    if when.signal != signal.SIGKILL:
        return [*faults, *judge.stopped(ended, when, undisturbed), *judge.cleared_up(found)]
    if when.who == "worker" and ended.code == 0:
        return [*faults, *judge.done(ended, found, undisturbed)]
    if when.who == "worker":
        return [*faults, *judge.refuses(ended), *judge.cleared_up(found)]
    return [*faults, *judge.any_end(ended)]


def to_the_end(
    world: World, part: Part, words: tuple[str, ...], folder: Path, undisturbed: Undisturbed, result: Result
) -> list[str]:
    """Go on with this command: exit code 0, the bits of an undisturbed run, no litter.

    A run with a checkpoint is continued by --resume alone: the command that began it names that one, in one line.
    Where the work was done already, a command may also say so in one line, with exit code 2.
    """
    complete = not contents.broken(folder) and not contents.other(undisturbed.content, contents.content(folder))
    faults = []
    ended = processes.run(world, world.words(words), folder)
    result.story.append(f"{' '.join(words)} [to the end: exit code {ended.code}]")
    begun = (folder / "out" / "checkpoint.npz").exists()
    if begun and words != part.again and part.again and ended.code == 2 and "train --resume out" in ended.err:
        faults = judge.refuses(ended)
        ended = processes.run(world, world.words(part.again), folder)
        result.story.append(f"{' '.join(part.again)} [to the end: exit code {ended.code}]")
    if broken := contents.broken(folder):
        return [*faults, *judge.any_end(ended), *broken]
    if complete and ended.code == 2:
        faults, ended = [*faults, *judge.refuses(ended)], replace(ended, code=0)
    return [*faults, *judge.done(ended, contents.content(folder), undisturbed)]
