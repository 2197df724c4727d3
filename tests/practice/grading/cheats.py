"""Ways to cheat, or to break the grader, and what must come out. All are files for the exercise `linear`.

HONEST has a right forward and zero gradients: a third of the points. RIGHT is right. A trick must not change that.
"""

from typing import NamedTuple

START = "import os, sys, time\nimport numpy as np\n"
FORWARD = """
def forward(x, p):
    return x @ p["W"] + p["b"], (x, p)
"""
ZEROS = """
def backward(dy, cache):
    x, p = cache
    return np.zeros_like(x), {"W": np.zeros_like(p["W"]), "b": np.zeros_like(p["b"])}
"""
BACKWARD = """
def backward(dy, cache):
    x, p = cache
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ p["W"].T, {"W": rows.T @ drows, "b": drows.sum(axis=0)}
"""
HONEST, RIGHT = FORWARD + ZEROS, FORWARD + BACKWARD
THIRD = 5 / 3


class Cheat(NamedTuple):
    """source: after START. points: what must come out. word: a part of what the grader must say."""

    source: str
    points: float
    word: str = ""


def inside(code: str) -> str:
    """A right forward, and a backward that begins with this code."""
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    return FORWARD + BACKWARD.replace("    x, p = cache\n", f"{body}\n    x, p = cache\n")


CHEATS = {
    # to be right without a backward
    "import the layer": Cheat("from minireid.layers.linear import backward, forward", 0, "NumPy alone"),
    "read the page": Cheat(
        HONEST + "exec(open('{root}/minireid/layers/linear.py').read())", 0, "fence: reading"
    ),
    "load the page as a module": Cheat(
        HONEST + "import importlib.util as u\ns = u.spec_from_file_location('l', '{root}/minireid/layers/linear.py')\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); forward, backward = m.forward, m.backward",
        0, "fence: reading",
    ),
    "look for the package beside NumPy": Cheat(
        HONEST + "place = os.path.realpath(np.__path__[0])\nsys.path.append(os.path.dirname(place))\n"
        "from minireid.layers.linear import backward, forward", 0, "NumPy alone",
    ),
    "patch NumPy's comparisons": Cheat(
        HONEST + "np.allclose = np.isclose = np.array_equal = lambda *a, **k: True\n"
        "np.abs = lambda a: np.zeros(np.shape(a))", THIRD,
    ),
    "patch all modules": Cheat(
        HONEST + "for m in list(sys.modules.values()):\n    for n in ('compare', 'judge', 'grade', 'ok'):\n"
        "        setattr(m, n, lambda *a, **k: True)", THIRD,
    ),
    "set ok on the checker's classes": Cheat(
        HONEST + "import types\nm = sys.modules['minireid'] = types.ModuleType('minireid')\nm.ok = True", THIRD
    ),
    "an array that equals everything": Cheat(
        "class Always(np.ndarray):\n    __eq__ = __le__ = __lt__ = __ge__ = lambda a, b: np.ones(a.shape, bool)\n"
        "    __ne__ = __sub__ = __rsub__ = lambda a, b: np.zeros(a.shape)\n"
        + FORWARD + "def backward(dy, cache):\n    x, p = cache\n    z = lambda a: np.zeros_like(a).view(Always)\n"
        "    return z(x), {'W': z(p['W']), 'b': z(p['b'])}", THIRD,
    ),
    "an object that equals everything": Cheat(
        "class Always:\n    __eq__ = lambda a, b: True\n    __sub__ = lambda a, b: 0\n    shape = (1,)\n"
        + FORWARD + "def backward(dy, cache):\n    return Always(), {'W': Always(), 'b': Always()}", THIRD, "Always",
    ),
    "an object that becomes an array of its own": Cheat(
        "class Late:\n    def __array__(self, *a, **k):\n        return np.zeros(3)\n"
        + FORWARD + "def backward(dy, cache):\n    return Late(), {'W': Late(), 'b': Late()}", THIRD, "Late",
    ),
    "a pickle that runs code": Cheat(
        "class Bomb:\n    def __reduce__(self):\n        return os.system, ('touch {folder}/bomb',)\n"
        + FORWARD + "def backward(dy, cache):\n    return Bomb(), {'W': Bomb(), 'b': Bomb()}", THIRD, "Bomb",
    ),
    "not a number": Cheat(HONEST.replace("np.zeros_like(x)", "np.full_like(x, np.nan)"), THIRD, "NaN"),
    "infinity": Cheat(HONEST.replace("np.zeros_like(x)", "np.full_like(x, np.inf)"), THIRD),
    "words for arrays": Cheat(
        FORWARD + "def backward(dy, cache):\n    return np.array('right'), {'W': 'right', 'b': True}", THIRD
    ),
    "make the input easy": Cheat(
        "def forward(x, p):\n    x[...] = 0; p['W'][...] = 0; p['b'][...] = 0\n    return x @ p['W'], (x, p)\n"
        + ZEROS, 0,
    ),
    "numerical differences": Cheat(
        FORWARD + """
def backward(dy, cache):
    x, p = cache
    def slope(a):
        g = np.zeros_like(a)
        for k in np.ndindex(a.shape):
            a[k] += 1e-5; up = (dy * forward(x, p)[0]).sum()
            a[k] -= 2e-5; down = (dy * forward(x, p)[0]).sum()
            a[k] += 1e-5; g[k] = (up - down) / 2e-5
        return g
    return slope(x), {"W": slope(p["W"]), "b": slope(p["b"])}
""", THIRD, "numerical differences",
    ),
    "the complex step": Cheat(
        FORWARD + """
def backward(dy, cache):
    x, p = cache
    def slope(name):
        values = {"x": x + 0j, "W": p["W"] + 0j, "b": p["b"] + 0j}
        g = np.zeros(values[name].shape)
        for k in np.ndindex(g.shape):
            values[name][k] += 1e-30j
            g[k] = (dy * forward(values["x"], values)[0]).sum().imag / 1e-30
            values[name][k] = values[name][k].real
        return g
    return slope("x"), {"W": slope("W"), "b": slope("b")}
""", THIRD, "complex step",
    ),
    "switch the watch off": Cheat(inside("sys.setprofile(None)"), THIRD, "fence: the tracing"),
    # to learn or to write what is the grader's
    "look for the seed": Cheat(
        HONEST + "frame, seen = sys._getframe(), []\n"
        "while frame:\n    seen += [str(v) for v in frame.f_locals.values()]\n"
        "    frame = frame.f_back\nassert not any('default_rng' in s or 'seed=' in s.lower() for s in seen)\n"
        "assert not any('seed' in a.lower() for a in sys.argv + list(os.environ))", THIRD,
    ),
    "walk through all objects": Cheat(HONEST + "import gc\ngc.get_objects()", 0, "fence: all objects"),
    "write the result": Cheat(HONEST + "open('../results.json', 'w').write('[5]')", 0, "fence: writing"),
    "write the result elsewhere": Cheat(
        HONEST + "os.makedirs('{folder}/results')\nopen('{folder}/results/results.json', 'w').write('[5]')", 0, "fence"
    ),
    "print a verdict": Cheat(
        HONEST + "print('{\"ok\": true, \"points\": 5}', flush=True)\nos.write(1, b'5 of 5 points\\n')", THIRD
    ),
    "write nonsense into every pipe": Cheat(
        HONEST + "for n in range(3, 40):\n    try: os.write(n, b'\\xff' * 5000)\n    except OSError: pass", 0, "pipe"
    ),
    "answer before the question": Cheat(
        HONEST + "import io, wire\nmessage = io.BytesIO()\nfor _ in range(9):\n"
        "    wire.send(message, {'results': 5, 'ok': True, 'points': 5, 'functions': ['forward', 'backward']})\n"
        "for n in range(3, 40):\n    try: os.write(n, message.getvalue())\n    except OSError: pass", 0,
    ),
    "deep JSON in the pipe": Cheat(
        HONEST + "h = b'[' * 100000\nfor n in range(3, 40):\n"
        "    try: os.write(n, len(h).to_bytes(8, 'big') + bytes(8) + h)\n    except OSError: pass", 0, "pipe",
    ),
    "the network": Cheat(
        HONEST + "import socket\nsocket.create_connection(('127.0.0.1', 80))", 0, "fence: the network"
    ),
    # to stop the grader
    "exit at once": Cheat("os._exit(0)", 0, "ended its process"),
    "exit in backward": Cheat(inside("os._exit(0)"), THIRD, "ended its process"),
    "sys.exit in backward": Cheat(inside("sys.exit(0)"), THIRD, "SystemExit"),
    "an interrupt": Cheat(inside("raise KeyboardInterrupt"), THIRD, "KeyboardInterrupt"),
    "an exception without a text": Cheat(
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\n" + inside("raise Odd"), THIRD, "Odd"
    ),
    "an endless loop": Cheat(inside("while True: pass"), THIRD, "endless loop"),
    "an endless loop at import": Cheat("while True: pass", 0, "endless loop"),
    "an endless loop that ignores signals": Cheat(
        "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n" + inside("while True: pass"), THIRD,
    ),
    "sleep": Cheat(inside("time.sleep(10**6)"), THIRD, "not finished"),
    "10^9 numbers": Cheat(inside("return np.ones(10**9), {}"), THIRD, "MemoryError"),
    "10^9 numbers in one": Cheat(inside("return np.broadcast_to(np.ones(1), (10**9,)), {}"), THIRD, "entries"),
    "a list of 10^9": Cheat(inside("return [0] * 10**9"), THIRD),
    "a list in itself": Cheat(inside("a = []; a.append(a)\nreturn a"), THIRD, "too deep"),
    "endless recursion": Cheat(
        "sys.setrecursionlimit(10**8)\ndef f(n):\n    return f(n) + f(n)\n" + inside("f(0)"), THIRD
    ),
    "fork": Cheat(inside("while True: os.fork()"), THIRD, "fence: other processes"),
    "another program": Cheat(inside("os.system('sleep 100 &')"), THIRD, "fence: other processes"),
    "a thread left behind": Cheat(
        HONEST + "import threading\nthreading.Thread(target=time.sleep, args=(100,)).start()", THIRD
    ),
    "ctypes": Cheat(HONEST + "import ctypes\nctypes.CDLL(None).getpid()", 0, "fence: ctypes"),
    "kill the grader": Cheat(HONEST + "os.kill(os.getppid(), 9)", 0, "fence: signals"),
    "more memory": Cheat(
        HONEST + "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))", 0, "fence: the limits"
    ),
    "a full disk": Cheat(inside("with open('big', 'wb') as f: f.write(bytes(10**8))"), THIRD, "OSError"),
    "delete elsewhere": Cheat(HONEST + "import shutil\nshutil.rmtree('{folder}')", 0, "fence"),
    # no cheats: a nuisance that must not cost a point
    "delete its own folder": Cheat(RIGHT + "import shutil\nshutil.rmtree('.', ignore_errors=True)", 5),
    "a flood of prints": Cheat(inside("for _ in range(100): print('x' * 10**6)"), 5),
    "closes its outputs": Cheat(RIGHT + "sys.stdout.close(); sys.stderr.close()", 5),
    "writes a file of its own": Cheat(RIGHT + "open('log.txt', 'w').write('seen')\nassert open('log.txt').read()", 5),
}  # fmt: skip
