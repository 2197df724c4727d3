"""`python -m data_tools.walkers`: draw synthetic walking people as image files."""

import sys

from data_tools.commands import started

if __name__ == "__main__":
    sys.exit(started("walkers"))
