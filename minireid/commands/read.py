"""Read a page in the browser: its lines, the values of a run, the proof."""

import argparse
from pathlib import Path

from minireid.base.arguments import seconds, whole
from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME", help="a layer, loss, network or kernel (gru); or FILE.py")
    command.add_argument("--like", metavar="NAME", help="FILE.py: the page of minireid that it is like")
    command.add_argument("--bug", type=whole(1), metavar="N", help="bug N of `minireid zoo`, to find in the browser")
    command.add_argument("--all", type=Path, metavar="OUT", help="every page, as a site in a new folder")
    command.add_argument("--out", type=Path, metavar="HTML", help="where to write the page (default: NAME.html)")
    command.add_argument("--no-open", action="store_true", help="write only, open no browser")
    command.add_argument(
        "--time-limit", type=seconds(3600), default=60, metavar="SECONDS", help="of FILE.py (default: 60)"
    )


def run(arguments: argparse.Namespace) -> None:
    chosen = [arguments.name is not None, arguments.bug is not None, arguments.all is not None]
    if sum(chosen) != 1:
        raise InputError("expected a page: minireid read gru; or FILE.py --like gru, --bug 17, --all FOLDER")
    if arguments.all is not None:
        return read_all(arguments)
    target = arguments.out or Path(f"{default_name(arguments)}.html")
    from minireid.base.files import check_target, write_text

    check_target(target, ".html")
    write_text(target, html_of(arguments))
    print(f"written: {target}")
    if not arguments.no_open:
        open_in_browser(target)


def default_name(arguments: argparse.Namespace) -> str:
    return f"bug{arguments.bug}" if arguments.bug is not None else Path(arguments.name).stem


def html_of(arguments: argparse.Namespace) -> str:
    from minireid.commands.read_clip import real_clip

    if arguments.bug is not None:
        from minireid.practice.zoo.reading import bug_page

        return bug_page(arguments.bug)
    if arguments.name.endswith(".py"):
        if not arguments.like:
            raise InputError(f"expected --like with a page: minireid read {arguments.name} --like gru")
        from minireid.reading.own import own_page

        return own_page(Path(arguments.name), arguments.like, arguments.time_limit)
    if Path(arguments.name).is_file():
        raise InputError(f"expected a file whose name ends in .py, got {arguments.name}: rename it")
    from minireid.reading.library import library_page

    return library_page(arguments.name, lambda name: None, real_clip)


def read_all(arguments: argparse.Namespace) -> None:
    from minireid.commands.read_clip import real_clip
    from minireid.reading.site import write_site

    count = write_site(arguments.all, real_clip)
    start = arguments.all / "index.html"
    print(f"written: {count} pages, {start}")
    if not arguments.no_open:
        open_in_browser(start)


def open_in_browser(path: Path) -> None:
    """Without a screen nothing is opened; the path is printed already."""
    import webbrowser

    webbrowser.open(path.resolve().as_uri())
