"""A full disk at every write: the command says so in one line, leaves nothing half-written, and goes on with room.

FULL: the command's folder is a small file system in memory, with a little more room each time (as root, on Linux).
LIMIT: the system refuses files of more than some bytes (RLIMIT_FSIZE): one below the size of each file in turn.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import contents, judge, processes
from tests.faults.expected import Expected, Undisturbed
from tests.faults.processes import Ended
from tests.faults.strikes import Result, next_command, random_for, to_the_end
from tests.faults.world import PARTS, Part, World

PAGE = 4096  # bytes: a file system in memory gives room in pages
GOLDEN = (5**0.5 - 1) / 2  # the fractions of its multiples spread evenly, however many there are


def fill(expected: Expected, name: str, seed: int) -> Result:
    """One case, such as train/FULL/3."""
    which, kind, number = name.split("/")
    world, part, undisturbed = expected.world, PARTS[which], expected.of(which)
    result, rng = Result(name), random_for(seed, name)
    bytes_ = room(undisturbed, kind, int(number))
    with folder_of(world, name, part, bytes_ if kind == "FULL" else 0) as folder:
        ended = processes.run(world, world.words(part.words), folder, largest=bytes_ if kind == "LIMIT" else 0)
        limit = f"{bytes_:,} bytes are free" if kind == "FULL" else f"no file above {bytes_:,} bytes"
        result.story.append(f"{' '.join(part.words)} [{limit}: exit code {ended.code}]")
        result.faults += after_full(part, ended, folder, undisturbed)
        if kind == "FULL":
            resize(folder, 2**30)
        result.faults += to_the_end(world, part, next_command(rng, part, folder), folder, undisturbed, result)
    return result


def room(undisturbed: Undisturbed, kind: str, number: int) -> int:
    """Bytes for this case. FULL: between a page and all that is written. LIMIT: below each file's size, in turn."""
    written = [bytes_ for name, bytes_ in undisturbed.sizes.items() if undisturbed.given.get(name) != bytes_]
    if kind == "FULL":
        pages = -(-sum(written) // PAGE) + len(undisturbed.content)
        return PAGE * (1 + int(pages * (number * GOLDEN % 1)))
    different = sorted(set(written))
    return max(1, different[number % len(different)] - 1)


def after_full(part: Part, ended: Ended, folder: Path, undisturbed: Undisturbed) -> list[str]:
    """Exit code 0 with all bits, or 2 (a sweep: 1, it names the trials) with one line and nothing half-written."""
    if broken := contents.broken(folder):
        return [*judge.any_end(ended), *broken]
    found = contents.content(folder)
    if ended.code == 0:
        return judge.done(ended, found, undisturbed)
    faults = [*judge.on_disk(part, found, undisturbed, []), *judge.cleared_up(found)]
    failed_trials = ended.code == 1 and "failed: " in ended.out
    return [*faults, *(judge.any_end(ended) if failed_trials else judge.refuses(ended))]


@contextmanager
def folder_of(world: World, name: str, part: Part, bytes_: int) -> Iterator[Path]:
    """The case's folder, with so many bytes free; 0: on the ordinary disk."""
    folder = world.new(name, "" if bytes_ else part.given)
    if not bytes_:
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "faults", str(folder)], check=True)
    try:
        world.give(folder, part.given)
        resize(folder, used(folder) + bytes_)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def resize(folder: Path, bytes_: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={bytes_}", str(folder)], check=True)


def can_mount(world: World) -> bool:
    """Whether this process may mount a file system in memory."""
    try:
        with folder_of(world, "mount", PARTS["train"], PAGE):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
