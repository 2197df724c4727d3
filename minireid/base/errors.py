"""The exception for bad input: the input is wrong, not the program.

Raise it with a single line that says what was expected, what came (with the path or the name in it) and what to do.
Command-line programs print that line to standard error and exit with code 2; a user never sees a traceback for it.
"""


class InputError(Exception):
    """Bad input from the user: a file, a folder, a recipe, an option. Its text is one line."""
