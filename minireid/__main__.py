"""`python -m minireid` is the command `minireid`."""

import sys

from minireid.cli import main

if __name__ == "__main__":
    sys.exit(main())
