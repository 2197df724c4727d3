"""Which layout a raw folder has, and what is in it: the same for `prepare` and for `verify`."""

import os
import re
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from data_tools import ilids_vid, mars, own, prid2011
from data_tools.formats import foreign
from data_tools.raw import Fault, RawTrack, entries, folders
from data_tools.walkers import description
from minireid.base.errors import InputError

# The module that reads a dataset's layout. Walkers have one of three layouts (see layout_of).
LAYOUTS: dict[str, ModuleType] = {
    "prid2011": prid2011,
    "walkers": prid2011,
    "ilids_vid": ilids_vid,
    "mars": mars,
    "own": own,
}
FREE_SIZES = ("own",)  # crops of a detector have any size
HARMLESS = ("gap", "unlisted")  # faults that `prepare` does not stop at: nothing wrong is taken, nothing is left out
MARKET = re.compile(r"(-?[0-9]+)_(c[0-9]+)(?:s[0-9]+)?_f?[0-9]+(?:_[0-9]+)?\.(?:jpg|png)", re.IGNORECASE)
NAMES_EVERY_FAULT = "python -m data_tools.verify names every fault"


class Survey(NamedTuple):
    """What is in a raw folder, before any image is read: tracks in order, and what is wrong with folders and names."""

    raw: Path
    layout: ModuleType
    tracks: list[RawTrack]
    faults: list[Fault]


def survey(dataset: str, raw: Path) -> Survey:
    """Look at every folder and name below `raw`. InputError if there is no such folder or dataset."""
    check_dataset(dataset)
    if not os.path.isdir(raw):
        named = foreign(raw)
        raise InputError(
            f"{raw} {named}" if named else f"expected a dataset folder, found none at {raw}: check the path"
        )
    layout = layout_of(dataset, raw)
    wrong = layout.wrong_folder(raw)
    if wrong:
        return Survey(raw, layout, [], [Fault("wrong folder", raw, recognised(raw, layout) or wrong)])
    faults: list[Fault] = []
    tracks = layout.survey(raw, faults)
    if dataset == "walkers":
        faults += description.faults(raw, {track.person for track in tracks if track.person > 0}, layout is mars)
    return Survey(raw, layout, tracks, faults)


def check_dataset(dataset: str) -> None:
    if dataset not in LAYOUTS:
        raise InputError(f"expected a dataset out of {', '.join(LAYOUTS)}, got {dataset!r}: choose one of them")


def usable(dataset: str, raw: Path) -> Survey:
    """The survey of `raw`, or of the dataset's folder in it. InputError of its first fault, unless all are harmless."""
    check_dataset(dataset)
    found = survey(dataset, root(layout_of(dataset, raw), raw))
    serious = [fault for fault in found.faults if fault.kind not in HARMLESS]
    if not serious:
        return found
    kind, path, text = serious[0]
    if kind == "wrong folder":
        raise InputError(f"{path} {text}")
    count = len(serious) - 1
    more = f"and {count:,} more {'faults' if count > 1 else 'fault'}; " if count else ""
    raise InputError(f"{path}: {text} ({more}{NAMES_EVERY_FAULT})")


def layout_of(dataset: str, raw: Path) -> ModuleType:
    """The module that reads the layout of `raw`. For walkers, the layout is recognised by the folders in `raw`."""
    if dataset == "walkers":
        fitting = [layout for layout in (ilids_vid, mars) if layout.wrong_folder(root(layout, raw)) is None]
        return fitting[0] if fitting else prid2011
    return LAYOUTS[dataset]


def root(layout: ModuleType, raw: Path) -> Path:
    """RAW, or the only folder in it with the layout of the dataset: an archive unpacks into a folder of its own.

    Any folder three deep fits `own`, so there it must be the only folder.
    """
    if os.path.isdir(raw) and layout.wrong_folder(raw) is not None:
        inside = folders(raw)
        fitting = [folder for folder in inside if layout.wrong_folder(folder) is None]
        if len(fitting) == 1 and (layout is not own or len(inside) == 1):
            return fitting[0]
    return raw


def recognised(raw: Path, asked: ModuleType) -> str | None:
    """What a folder holds that does not have the layout `asked`, and what to do. None if that is not known."""
    for dataset, layout in LAYOUTS.items():
        if layout not in (asked, own) and layout.wrong_folder(raw) is None:
            return (
                f"is laid out like {layout.PUBLISHED_AS.partition(' ')[0]}: say {dataset} (or walkers, if it is theirs)"
            )
    level = [raw]
    for _ in range(5):  # a look at the first hundred entries of a hundred folders is enough
        inside = [entry for folder in level[:100] for entry in entries(folder)[:100]]
        named = [match for match in (MARKET.fullmatch(entry.name) for entry in inside) if match]
        if named:
            market = max(named, key=lambda match: int(match[1]))  # -1 and 0 are no persons
            place = f"{market[1]}/{market[2]}/1/{market[0]}"
            return (
                f"has single pictures as in Market-1501 or DukeMTMC, such as {market[0]}, and no tracks: copy them to "
                f"person/camera/track ({place}), say own and --no-flow, and train with --recipe stills"
            )
        if any(own.IMAGE.fullmatch(entry.name) for entry in inside):
            return None
        for entry in inside:
            what = foreign(entry)
            if what:
                return f"has no images such as {own.LAYOUT}; {entry.relative_to(raw)} {what}"
        level = [entry for entry in inside if os.path.isdir(entry)]
    return None
