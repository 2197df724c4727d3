"""`python -m data_tools.verify`: is a raw dataset folder complete? (find_faults.py)"""

import sys

from data_tools.commands import started

if __name__ == "__main__":
    sys.exit(started("verify"))
