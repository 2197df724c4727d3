"""The parser of the command lines: a wrong option is one line, like every other fault of the input."""

import argparse
from typing import NoReturn

from minireid.base.errors import InputError

LONGEST = 240  # letters of a message that are shown: an argument can have thousands


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        shown = message if len(message) <= LONGEST else f"{message[:LONGEST]}..."
        raise InputError(f"{' '.join(shown.split())}; see {self.prog} --help")
