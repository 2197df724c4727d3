"""minireid: recognising people in video, line by line. See README.md for the map."""

__version__ = "0.1.0"
