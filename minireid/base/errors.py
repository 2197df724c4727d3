"""The exception for bad input: the input is wrong, not the program.

Raise it with a single line that says what was expected, what came (with the path or the name in it) and what to do.
Command-line programs print that line to standard error and exit with code 2; a user never sees a traceback for it.
"""

import re


class InputError(Exception):
    """Bad input from the user: a file, a folder, a recipe, an option. Its text is one line, whatever names it holds."""

    def __str__(self) -> str:
        return without_controls(super().__str__())


def without_controls(text: str) -> str:
    """Line ends and other control characters as in a Python string: \\n, \\x1b."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: ascii(found[0])[1:-1], text)
