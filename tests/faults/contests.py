"""Two processes on one folder: one goes on to the right bits, the other says so in one line and stops with code 2."""

import signal
import time
from pathlib import Path

from tests.faults import contents, judge, processes
from tests.faults.expected import Expected
from tests.faults.processes import Ended, Moment, Running
from tests.faults.strikes import Result, random_for
from tests.faults.world import PARTS, PREPARE, World

CONTESTS = {
    "train": (PARTS["train"].words,) * 2,
    "resume": (PARTS["resume"].words,) * 2,
    "prepare": (PREPARE, (*PREPARE, "--no-flow")),
    "walkers": (PARTS["walkers"].words, (*PARTS["walkers"].words, "--seed", "1")),
    "sweep": (PARTS["sweep"].words,) * 2,
}
LATEST = 0.25  # share of the usual time: in half of the cases, the second one begins so much later at most


def contest(expected: Expected, name: str, seed: int) -> Result:
    """One case, such as train/TWO/3: two commands at nearly the same moment."""
    which, world = name.split("/")[0], expected.world
    given, both = PARTS[which].given, CONTESTS[which]
    undisturbed = [expected.undisturbed(words, given) for words in both]
    rng, folder = random_for(seed, name), world.new(name, given)
    order = [0, 1] if rng.random() < 0.5 else [1, 0]
    first, second = (both[k] for k in order)
    if rng.random() < 0.5:
        at = int(rng.integers(1, undisturbed[order[0]].operations["p"] + 1))
        ended, how = one_stands_still(world, first, second, folder, at), f"stands still before its operation {at}:"
    else:  # most are nearly at once
        later = float(rng.random() ** 3 * LATEST * min(of.seconds for of in undisturbed))
        ended, how = one_after_the_other(world, first, second, folder, later), f"{later:.3f} s later:"
    result = Result(name, [f"{' '.join(first)} [{how}] {' '.join(second)}"])
    result.story.append(f"[exit codes {ended[0].code} and {ended[1].code}]")
    winners = [k for k in (0, 1) if ended[k].code == 0]
    if broken := contents.broken(folder):
        result.faults += broken
    elif len(winners) == 1:
        found = contents.content(folder)
        result.faults += judge.done(ended[winners[0]], found, undisturbed[order[winners[0]]])
    result.faults += who_goes_on(ended)
    return result


def one_after_the_other(
    world: World, first: tuple[str, ...], second: tuple[str, ...], folder: Path, later: float
) -> list[Ended]:
    one = Running(world, world.words(first), folder, strike=None)
    time.sleep(later)
    return [process.end() for process in (one, Running(world, world.words(second), folder, strike=None))]


def one_stands_still(
    world: World, first: tuple[str, ...], second: tuple[str, ...], folder: Path, at: int
) -> list[Ended]:
    """The first one stops before this file operation, and goes on when the second one has ended."""
    one = Running(world, world.words(first), folder, strike=Moment(signal.SIGSTOP, "parent", at=at))
    while one.process.poll() is None and "<" not in one.said("counted"):
        time.sleep(0.01)
    other = processes.run(world, world.words(second), folder)
    one.process.send_signal(signal.SIGCONT)
    return [one.end(), other]


def who_goes_on(ended: list[Ended]) -> list[str]:
    """The faults of those who did not go on, and of how many did."""
    losers = [one for one in ended if one.code != 0]
    faults = [fault for one in losers for fault in judge.refuses(one)]
    if len(losers) == 0:
        return [*faults, *(fault for one in ended for fault in judge.any_end(one)), "both go on"]
    return faults if len(losers) == 1 else [*faults, "none goes on"]
