"""`python -m tests.bad_input.worker FOLDER`: judges the cases whose numbers it reads, one JSON line for each.

It builds a world in FOLDER/world, and gives every case a fresh one. A case that hangs ends it: the parent begins
another, which finds the world there (FOLDER/pristine).
"""

import ctypes
import json
import os
import resource
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

MEMORY = 8 * 2**30  # bytes: a claim of more must not reach the machine
LINUX_CAPABILITY_VERSION_3, BOUNDING_SET_DROP = 0x20080522, 24
RIGHTS = (0, 1, 2, 3)  # CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER


def main(folder: Path) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    as_any_user()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(folder / "tmp")
    world, pristine = folder / "world", folder / "pristine"
    if not pristine.exists():
        build(world, pristine)
    known: dict[Path, tuple[int, ...]] = {}

    def again() -> None:
        os.chdir(folder)
        fresh(world, pristine, known)
        os.chdir(world)

    again()
    from tests.bad_input.cases import cases
    from tests.bad_input.judge import Result, faults, run

    every = cases()
    unharmed: dict[tuple[str, ...], Result] = {}
    say(answers, {"cases": [(case.part, str(case)) for case in every]})
    for line in sys.stdin:
        asked = json.loads(line)
        case = every[asked["number"]]

        def of_unharmed(case: Any = case) -> Result:
            if case.words not in unharmed:
                again()
                unharmed[case.words] = run(type(case)("", "", case.words, lambda: None))
            return unharmed[case.words]

        again()
        result = run(case, alone=asked["alone"])
        found = faults(case, result, of_unharmed)
        say(
            answers,
            {
                "number": asked["number"],
                "faults": found,
                "code": result.code,
                "seconds": result.seconds,
                "err": result.err[-500:],
            },
        )


def build(world: Path, pristine: Path) -> None:
    from tests.bad_input.world import build as build_world

    for made in (world, world.parent / "tmp"):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
    os.chdir(world)
    build_world()
    os.chdir(world.parent)
    partial = pristine.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(world, partial, symlinks=True)
    partial.rename(pristine)


def fresh(world: Path, pristine: Path, known: dict[Path, tuple[int, ...]]) -> None:
    """The world as it was built. known: what each path was after the last call; only what has changed is made anew."""
    clear(world, known)
    for source in (pristine, *sorted(pristine.rglob("*"))):
        path = world / source.relative_to(pristine)
        if path in known and os.path.lexists(path):
            continue
        if source.is_symlink():
            path.symlink_to(os.readlink(source))
        elif source.is_dir():
            path.mkdir(exist_ok=True)
        else:
            shutil.copy2(source, path)
        known[path] = state(path)
    for source in pristine.rglob("*"):
        if source.is_dir() and not source.is_symlink():
            shutil.copymode(source, world / source.relative_to(pristine))
    shutil.rmtree(world.parent / "tmp", ignore_errors=True)
    (world.parent / "tmp").mkdir()


def clear(folder: Path, known: dict[Path, tuple[int, ...]]) -> None:
    """Remove what is not known, or is not as it was."""
    if not folder.is_dir() or folder.is_symlink():
        return
    folder.chmod(0o700)
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            clear(path, known)
            if path not in known or not stat.S_ISDIR(known[path][0]):
                path.rmdir()
        elif state(path) != known.get(path):
            path.unlink()


def state(path: Path) -> tuple[int, ...]:
    """What changes when a file does. Of a folder: that it is one."""
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        return (stat.S_IFDIR,)
    return found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def say(answers: Any, what: dict[str, Any]) -> None:
    print(json.dumps(what), file=answers, flush=True)


def as_any_user() -> None:
    """Root may read and write everywhere. Without these rights it meets the same refusals as anybody."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same of the upper 32 rights
    libc.capget(head, sets)
    for right in RIGHTS:
        libc.prctl(BOUNDING_SET_DROP, right, 0, 0, 0)
        for k in range(3):
            sets[k] &= ~(1 << right)
    if libc.capset(head, sets) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up root's rights")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
