"""One file for each subcommand of `minireid`.

A command has a docstring (its first line is its help text), `add_arguments(command)` and `run(arguments)`. `run` may
return an exit code. It reads its arguments, calls the library and prints. The library is imported inside `run`, so that
`minireid --help` is quick. No command imports another one.
"""
