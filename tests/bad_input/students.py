"""Files of students that are wrong in every way that people and accidents find, and the commands that run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.practice.grading.cheats import RIGHT, START, inside

if TYPE_CHECKING:
    from tests.bad_input.cases import Case

FILES = {
    "nothing": "",
    "no functions": "x = 3\n",
    "a syntax error": "def forward(x, p:\n",
    "tabs and spaces": "def forward(x, p):\n\tif 1:\n        return x\n",
    "words": "this is my homework\n",
    "raises": "raise ValueError('no')\n",
    "raises a text of many lines": "raise ValueError('a\\n' * 999)\n",
    "raises something of its own": "class E(BaseException): pass\nraise E\n",
    "exits": "import sys\nsys.exit(3)\n",
    "exits at once": "import os\nos._exit(0)\n",
    "kills itself": "import os\nos.kill(os.getpid(), 9)\n",
    "stops itself": "import os\nos.kill(os.getpid(), 15)\n",
    "recursion": "def f(): f()\nf()\n",
    "imports what is not there": "import torchvision_of_mine\n",
    "asks": "x = input('how many? ')\n",
    "prints bytes": "import sys\nsys.stdout.buffer.write(bytes(range(256)))\n" + START + RIGHT,
    "prints much": "print('x' * 10**6)\n" + START + RIGHT,
    "closes its output": "import sys\nsys.stdout.close()\nsys.stderr.close()\n" + START + RIGHT,
    "Latin-1": "# Übung\n" + START + RIGHT,
    "functions are numbers": "forward = backward = 3\n",
    "other arguments": "def forward(): return 1\ndef backward(a, b, c, d, e): return 2\n",
    "gives nothing": "def forward(x, p): pass\ndef backward(dy, cache): pass\n",
    "gives texts": "def forward(x, p): return 'y', 'c'\ndef backward(dy, cache): return 'dx', 'dp'\n",
    "gives objects": "class A:\n    def __getattr__(self, n): raise KeyError\n\n\ndef forward(x, p): return A(), A()\n",
    "exits in backward": START + inside("sys.exit(2)"),
    "raises in backward": START + inside("raise KeyboardInterrupt"),
    "needs 400 GB": START + inside("np.ones(10**11 // 2)"),
    "runs for ever": "while True: pass\n",
}
COMMANDS = (
    "minireid exercise check linear.py --seed 1",
    "minireid gradcheck linear.py --like linear --time-limit 10",
    "minireid gradcheck linear.py --shapes x:3,5 --time-limit 10",
    "minireid read linear.py --like linear --no-open --out r.html --time-limit 10",
    "minireid grade class --seed 1",
    "minireid exercise cell check linear.py --student ada",
)


def cases() -> Iterator[Case]:
    """Every file with three of the commands."""
    from tests.bad_input.cases import Case, words

    for number, (name, text) in enumerate(FILES.items()):
        for command in (COMMANDS[(number + k) % len(COMMANDS)] for k in (0, 1, 3)):
            yield Case("students' files", name, words(command), lambda t=text: write(t), "any", "grade" not in command)
    for name in ("linear", "linear.txt", "linear.ipynb", "ö漢.py", "a b.py", "-.py"):
        for command in (
            f"minireid exercise check {name} --exercise linear",
            f"minireid gradcheck {name} --like linear",
        ):
            filled = tuple(word.replace("?", " ") for word in command.replace("a b", "a?b").split())
            yield Case("students' files", f"named {name}", filled, lambda n=name: rename(n), "any", True)


def write(text: str) -> None:
    for path in (Path("linear.py"), Path("class/ada/linear.py")):
        path.unlink()
        path.write_bytes(text.encode("latin-1"))


def rename(name: str) -> None:
    Path("linear.py").rename(name)
