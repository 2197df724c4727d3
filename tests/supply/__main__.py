"""Install minireid anew, with other versions of what it needs, and see it work.

    python -m tests.supply oldest        the lowest versions that pyproject.toml allows (oldest.txt), and the core tests
    python -m tests.supply newest        the newest ones, and the same tests
    python -m tests.supply sdist         build the sdist, install from it, run three commands
    python -m tests.supply audit         pip-audit: known weaknesses of what the wheel installs

--python PYTHON takes another interpreter, for example python3.14. All of it happens in a temporary folder, on a copy of
the project's files. It needs a package index; audit needs an advisory service too. Exit code 0: it works; 1: it does
not.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.supply import tree
from tests.supply.environment import Environment

OLDEST = Path(__file__).parent / "oldest.txt"
EXTRAS = ("distributed", "scipy")  # of sweep and mars
TOOLS = ("pytest", "pytest-xdist", "hypothesis")
CORE = ("base", "data", "experiments", "layers", "losses", "kernels", "plots", "training", "commands")
OURS = ("minireid", "pip", "setuptools", "wheel")  # not what users get from an index


def main() -> int:
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(prog="python -m tests.supply", description=lines[0])
    parser.add_argument("what", choices=("oldest", "newest", "sdist", "audit"))
    parser.add_argument("--python", default=sys.executable, help="the interpreter (default: this one)")
    parser.add_argument("--tests", nargs="+", default=CORE, help=f"folders below tests (default: {' '.join(CORE)})")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        away = Path(folder)
        copy, environment = tree.copy(away / "project"), Environment(away / "venv", given.python)
        try:
            if given.what == "sdist":
                from_sdist(copy, environment, away)
            elif given.what == "audit":
                audit(copy, environment, away)
            else:
                core(copy, environment, given.tests, OLDEST if given.what == "oldest" else None)
        except subprocess.CalledProcessError as fault:
            print(f"{given.what}: failed: {' '.join(map(str, fault.cmd))[:300]}", file=sys.stderr)
            return 1
    print(f"{given.what}: works")
    return 0


def core(copy: Path, environment: Environment, tests: tuple[str, ...], constraints: Path | None) -> None:
    """Install the project with these versions, say which they are, and run the tests."""
    environment.install("-e", copy, *EXTRAS, *TOOLS, constraints=constraints)
    print("  ".join(environment.frozen(OURS)), flush=True)
    folders = [f"tests/{name}" for name in tests]
    environment.run("python", "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *folders, cwd=copy)


def from_sdist(copy: Path, environment: Environment, away: Path) -> None:
    """Build the sdist, install from it, and run commands that read files of the package."""
    subprocess.run([sys.executable, "-m", "build", "--sdist", "--outdir", away / "dist", copy], check=True)
    (sdist,) = (away / "dist").iterdir()
    environment.install(sdist)
    for words in (
        ("minireid", "--help"),
        ("minireid", "recipe", "show", "msp_src"),
        ("python", "-m", "data_tools.walkers", "--help"),
    ):
        environment.run(*words, cwd=away)


def audit(copy: Path, environment: Environment, away: Path) -> None:
    """pip-audit on what an installation brings. --strict: a package that no service knows is a failure, not a skip."""
    environment.install(copy)
    wanted = away / "installed.txt"
    wanted.write_text("\n".join(environment.frozen(OURS)) + "\n", encoding="utf-8")
    print(wanted.read_text(encoding="utf-8"), flush=True)
    auditor = Environment(away / "auditor")
    auditor.install("pip-audit")
    words = ("--strict", "--no-deps", "--disable-pip", "--requirement", str(wanted))
    try:
        auditor.run("pip-audit", *words)
    except subprocess.CalledProcessError:
        auditor.run("pip-audit", "--vulnerability-service", "osv", *words)


if __name__ == "__main__":
    sys.exit(main())
