"""Which cases there are, by name (part/kind/number), and how each is done."""

from tests.faults.contests import CONTESTS, contest
from tests.faults.expected import Expected
from tests.faults.full import fill
from tests.faults.strikes import SIGNALS, Result, strike
from tests.faults.world import PARTS


def planned(kills: int, signals: int, full: int, two: int, *, mount: bool) -> list[str]:
    """The names of all cases. Kills and signals are shared out among the parts. mount: whether FULL is possible."""
    names = []
    for kind, many in (("KILL", kills), ("INT", -(-signals // 2)), ("TERM", signals // 2)):
        names += [f"{part}/{kind}/{k}" for part, n in shares(many).items() for k in range(n)]
    for part in PARTS:
        kinds = [*(["FULL"] if mount else []), *([] if part == "sweep" else ["LIMIT"])]  # Dask writes files too
        names += [f"{part}/{kind}/{k}" for kind in kinds for k in range(full)] + [f"{part}/SYNC/0"]
    return names + [f"{part}/TWO/{k}" for part in CONTESTS for k in range(two)]


def shares(many: int) -> dict[str, int]:
    """So many, shared out by the parts' shares; together they are exactly that many."""
    whole, given, found = sum(part.share for part in PARTS.values()), 0, {}
    for name, part in PARTS.items():
        upto = given + part.share
        found[name] = many * upto // whole - many * given // whole
        given = upto
    return found


def case(expected: Expected, name: str, seed: int) -> Result:
    """Do one case, such as train/KILL/17. It depends on its name and the seed alone."""
    kind = name.split("/")[1]
    if kind == "SYNC":
        return synced(expected, name)
    way = strike if kind in SIGNALS else contest if kind == "TWO" else fill
    result = way(expected, name, seed)
    expected.world.forget(name)
    return result


def synced(expected: Expected, name: str) -> Result:
    """The undisturbed run once more: a power cut after a file has its name must not find it empty."""
    part = name.split("/")[0]
    files = expected.of(part).unsynced
    return Result(name, [" ".join(PARTS[part].words)], [f"not synced: {file} before it got its name" for file in files])
