"""How much memory a process may have, and freed memory that is kept.

Freed memory is kept, not given back to the system: every step allocates and frees the same arrays of some MB. By
default glibc returns large arrays to the system, and the next step gets new pages, which the system fills with zeros.
At 128 x 64 this takes a tenth to a fifth of the time. When freed memory is kept, the process stays as large as its
largest step. Nothing else changes.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def keep_freed_memory() -> str:
    """With glibc, set M_MMAP_THRESHOLD (-3) and M_TRIM_THRESHOLD (-1) of mallopt(3) to 1 GiB. Says what was done."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return "the system's allocator as it is"
    done = [mallopt(option, 1 << 30) for option in (-3, -1)]
    return "glibc keeps freed memory (mallopt)" if all(done) else "the system's allocator as it is"


@contextmanager
def no_more_than_there_is() -> Iterator[None]:
    """Inside, an array that is larger than the machine's memory raises MemoryError at once.

    Otherwise the system promises such memory, and ends this process, or another one, when it is used. For command
    lines, not for the library: the limit is one of the whole process. Nothing is done where there are no such limits.
    """
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    there = [bytes for bytes in (there_is(), soft, hard) if bytes not in (None, resource.RLIM_INFINITY)]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (min(there, default=resource.RLIM_INFINITY), hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def needed_so_far() -> int | None:
    """Bytes of memory that this process had at its largest. None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else 1024 * largest


def there_is() -> int | None:
    """Bytes: the machine's memory with its swap, or what its cgroup (a container, a job of a cluster) has of it."""
    found = of_cgroups()
    with suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + swap())
    return min(found, default=None)


def swap() -> int:
    for line in read("/proc/meminfo").splitlines():
        if line.startswith("SwapTotal:"):
            return 1024 * int(line.split()[1])
    return 0


def of_cgroups() -> list[int]:
    """The limits of this process's groups and of those around them: version 2 and version 1."""
    limits = []
    for line in read("/proc/self/cgroup").splitlines():  # 0::/user.slice or 4:memory:/docker/1f6a
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        place, name = (CGROUP / "memory", "memory.limit_in_bytes") if controllers else (CGROUP, "memory.max")
        group = place / path.lstrip("/")
        limits += [read(folder / name).strip() for folder in (group, *group.parents) if folder.is_relative_to(place)]
    return [int(limit) for limit in limits if limit.isdecimal()]  # "max": no limit


def read(file: str | Path) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
