"""`python -m data_tools.walkers`: draw synthetic walking people as image files."""

import sys

from data_tools.commands.walkers import main

if __name__ == "__main__":
    sys.exit(main())
