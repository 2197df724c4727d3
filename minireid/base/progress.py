"""Progress bars: drawn often on a terminal, rarely in a log file, because a log keeps every drawing."""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def bar(
    things: Iterable | None = None,
    *,
    unit: str,
    desc: str | None = None,
    total: int | None = None,
    initial: int = 0,
    shown: bool = True,
) -> tqdm:
    """A tqdm bar over `things`, or over `total` of them that the caller counts with update(). desc: its title.

    For `with`: it then ends its line before an error is told.
    """
    return tqdm(
        things,
        desc=desc,
        unit=unit,
        total=total,
        initial=initial,
        disable=not shown,
        mininterval=0.5 if sys.stderr.isatty() else 20.0,
        dynamic_ncols=True,
    )
