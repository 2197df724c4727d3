"""A file `glob.py` in the current folder: `python -m` looks there first, so it would be run in place of Python's glob.

What is run then fails anywhere, with a message about something else. So such a file is told in one line when its name
is imported, before it is run. The console script `minireid` does not look into the current folder.
"""

import os
import sys

from minireid.base.errors import InputError

NEEDED = frozenset({"PIL", "dask", "distributed", "matplotlib", "msgspec", "numba", "numpy", "scipy", "threadpoolctl",
                    "torch", "tqdm"})  # fmt: skip


class Shadowed:
    """Asked before the folders of sys.path are. names: what would be found in the current folder."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if path is None and name in self.names:
            raise InputError(
                f"the file {os.path.join(os.getcwd(), name)}.py hides a module that is needed: rename it, or start "
                "from another folder"
            )


def told_when_imported() -> None:
    """From now on InputError at the import of a module that a file in the current folder replaces."""
    here = os.path.realpath(os.getcwd()) if os.path.isdir(os.curdir) else ""
    places = [os.path.realpath(place) for place in sys.path]  # "" is the current folder as well
    if not here or places[:1] != [here] or here in places[1:]:
        return
    try:
        files = os.listdir(here)
    except OSError:
        return
    names = {file.removesuffix(".py") for file in files if file.endswith(".py")}
    shadowing = frozenset(names & (NEEDED | sys.stdlib_module_names))
    finders = [finder for finder in sys.meta_path if not isinstance(finder, Shadowed)]
    if shadowing:
        kinds = [getattr(finder, "__name__", "") for finder in finders]
        finders.insert(kinds.index("PathFinder") if "PathFinder" in kinds else 0, Shadowed(shadowing))
    sys.meta_path[:] = finders
