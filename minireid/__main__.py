"""`python -m minireid` is the command `minireid`."""

import sys

from minireid.cli import main

sys.exit(main())
