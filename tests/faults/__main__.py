"""Faults: processes are killed, stopped, run out of disk and meet each other; what is on disk stays whole.

    python -m tests.faults                                  all: some 450 cases
    python -m tests.faults --kills 30 --signals 6 train     fewer, of one command
    python -m tests.faults --seed 0 train/KILL/17           one case again, as a failure names it

walkers, prepare, train, train --resume ("resume"), evaluate, metric and sweep run as real processes on tiny data.
KILL, INT, TERM: struck at a random moment (strikes.py). FULL, LIMIT: a full disk (full.py). TWO: two at once on one
folder (contests.py). SYNC: files are handed to the disk before they get their names (cases.py). Linux only: processes
are looked for in /proc. The exit code is 1 if a case failed.
"""

import argparse
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.faults.cases import case, planned
from tests.faults.expected import Expected
from tests.faults.full import can_mount
from tests.faults.strikes import Result
from tests.faults.table import failure, tables
from tests.faults.world import PARTS, build


def main() -> int:
    arguments = parsed()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else the processes of a background job ignore Ctrl-C
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        world = build(Path(folder))
        expected = Expected(world)
        names = wished(arguments, mount=can_mount(world))
        for part in dict.fromkeys(name.split("/")[0] for name in names):
            undisturbed = expected.of(part)
            many = undisturbed.operations["p"] + undisturbed.operations["w"] * PARTS[part].workers
            print(f"{part}: {undisturbed.seconds:.1f} s undisturbed, {many} file operations", flush=True)
        results: list[Result] = []
        with suppress(KeyboardInterrupt), ThreadPoolExecutor(arguments.jobs) as pool:
            for result in pool.map(lambda name: case(expected, name, arguments.seed), names):
                results.append(result)
                tell(results, len(names), arguments.seed)
    print(
        f"\n{tables(results)}\n\n{len(results)} of {len(names)} cases in {(time.monotonic() - began) / 60:.1f} minutes"
    )
    return 1 if len(results) < len(names) or any(result.faults for result in results) else 0


def tell(results: list[Result], of: int, seed: int) -> None:
    """Print the last result if it failed, and how far we are after every 20."""
    if results[-1].faults:
        print(failure(results[-1], seed), flush=True)
    if len(results) % 20 == 0:
        print(f"{len(results)} of {of} cases: {sum(bool(result.faults) for result in results)} failed", flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("only", nargs="*", metavar="PART", help="parts, or cases such as train/KILL/17; default: all")
    parser.add_argument("--kills", type=int, default=300, metavar="N", help="SIGKILLs of all parts (default: 300)")
    parser.add_argument("--signals", type=int, default=60, metavar="N", help="SIGINT and SIGTERM (default: 60)")
    parser.add_argument(
        "--full", type=int, default=8, metavar="N", help="full disks, of each kind and part (default: 8)"
    )
    parser.add_argument("--two", type=int, default=5, metavar="N", help="pairs of processes, of each part (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="cases at a time (default: 1)")
    arguments = parser.parse_args()
    if unknown := {name.split("/")[0] for name in arguments.only} - PARTS.keys():
        parser.error(f"expected parts among {' '.join(PARTS)}, got {' '.join(sorted(unknown))}")
    return arguments


def wished(arguments: argparse.Namespace, *, mount: bool) -> list[str]:
    """The names of the cases: those that are named, or all planned ones of the wished parts."""
    if arguments.only and all(name.count("/") == 2 for name in arguments.only):
        return list(arguments.only)
    names = planned(arguments.kills, arguments.signals, arguments.full, arguments.two, mount=mount)
    return [name for name in names if any(name.startswith(wish + "/") for wish in arguments.only or PARTS)]


if __name__ == "__main__":
    sys.exit(main())
