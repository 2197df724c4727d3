"""The course as a website, or its pictures for slides."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("site", "pictures"))
    command.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    command.add_argument("--copy", default="", metavar="URL", help="site: the address of your copy, for downloads")
    command.add_argument("--no-values", action="store_true", help="site: pages without a run's values, written sooner")
    command.add_argument("--only", type=whole(1), metavar="N", help="pictures: of this notebook alone")


def run(arguments: argparse.Namespace) -> None:
    if arguments.action == "site":
        from minireid.commands.read_clip import real_clip
        from minireid.practice.course.site import write_site

        count = write_site(arguments.out, real_clip, copy=arguments.copy, values=not arguments.no_values)
        print(f"written: {count} pages, {arguments.out / 'index.html'}")
    else:
        from minireid.practice.course.pictures import write_pictures

        print(f"written: {write_pictures(arguments.out, only=arguments.only)} pictures in {arguments.out}")
