"""`python -m data_tools.prepare`: from a raw dataset folder to a prepared folder (write_prepared.py)."""

import sys

from data_tools.commands import started

if __name__ == "__main__":
    sys.exit(started("prepare"))
