"""Two processes on one folder: one goes on to the right bits, the other says so in one line and stops with code 2."""

import time

from tests.faults import contents, judge
from tests.faults.expected import Expected
from tests.faults.processes import Ended, Running
from tests.faults.strikes import Result, random_for
from tests.faults.world import PARTS, PREPARE

CONTESTS = {
    "train": (PARTS["train"].words,) * 2,
    "resume": (PARTS["resume"].words,) * 2,
    "prepare": (PREPARE, (*PREPARE, "--no-flow")),
    "walkers": (PARTS["walkers"].words, (*PARTS["walkers"].words, "--seed", "1")),
    "sweep": (PARTS["sweep"].words,) * 2,
}
LATEST = 0.25  # share of the usual time after which the second one begins, at the latest


def contest(expected: Expected, name: str, seed: int) -> Result:
    """One case, such as train/TWO/3: two commands at nearly the same moment."""
    which, world = name.split("/")[0], expected.world
    given, both = PARTS[which].given, CONTESTS[which]
    undisturbed = [expected.undisturbed(words, given) for words in both]
    rng, folder = random_for(seed, name), world.new(name, given)
    order = [0, 1] if rng.random() < 0.5 else [1, 0]
    later = float(rng.random() ** 3 * LATEST * min(of.seconds for of in undisturbed))  # most are nearly at once
    first = Running(world, world.words(both[order[0]]), folder, strike=None)
    time.sleep(later)
    second = Running(world, world.words(both[order[1]]), folder, strike=None)
    ended = [first.end(), second.end()]
    result = Result(name, [f"{' '.join(both[order[0]])} [{later:.3f} s later:] {' '.join(both[order[1]])}"])
    result.story.append(f"[exit codes {ended[0].code} and {ended[1].code}]")
    winners = [k for k in (0, 1) if ended[k].code == 0]
    if broken := contents.broken(folder):
        result.faults += broken
    elif len(winners) == 1:
        found = contents.content(folder)
        result.faults += judge.done(ended[winners[0]], found, undisturbed[order[winners[0]]])
    result.faults += who_goes_on(ended)
    return result


def who_goes_on(ended: list[Ended]) -> list[str]:
    """The faults of those who did not go on, and of how many did."""
    losers = [one for one in ended if one.code != 0]
    faults = [fault for one in losers for fault in judge.refuses(one)]
    if len(losers) == 0:
        return [*faults, *(fault for one in ended for fault in judge.any_end(one)), "both go on"]
    return faults if len(losers) == 1 else [*faults, "none goes on"]
