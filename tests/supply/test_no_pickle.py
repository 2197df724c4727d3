"""Nothing that is read can run code: no pickle and its kin; eval and exec only where they are listed, with a reason."""

import ast
import io
import os
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data.prepared import open_prepared
from minireid.training import checkpoint
from tests import small_data
from tests.supply.tree import PROJECT

UNSAFE = {  # modules whose readers run code that a file asks for
    "pickle", "_pickle", "cPickle", "pickletools", "marshal", "shelve", "dbm", "dill", "cloudpickle", "joblib",
    "jsonpickle", "yaml", "ruamel", "pandas", "torch.load", "imp", "code", "codeop",
}  # fmt: skip
# Files that run text as code, and why that text cannot come from a data file.
RUNS_CODE = {
    "minireid/base/exits.py": "an empty text: it makes Python forget a Ctrl-C that was answered",
    "minireid/gradcheck/cause/scope.py": "parts of the checked function's own source, with its own values",
    "minireid/gradcheck/line/bench.py": "statements of the checked function's own source",
    "minireid/gradcheck/line/follow.py": "the checked function's own source, with a call added behind each line",
    "minireid/gradcheck/tensor/raises.py": "names in the line of the checked function that raised; nothing is called",
    "minireid/practice/cells/reference.py": "equations that this package wrote",
    "minireid/practice/exercises/known.py": "a page of this package with a mistake that this package planted",
    "minireid/practice/grading/wire.py": "the grader's own text, in the student's process",
    "minireid/practice/pencil/problem.py": "lines of a problem that this package wrote",
    "minireid/practice/zoo/plant.py": "a page of this package with a mistake that this package planted",
    "minireid/reading/expressions.py": "parts of the source of the page that is read",
}
# Files that import a module by a name that is computed, and what the name is.
IMPORTS_BY_NAME = {
    "data_tools/commands/__init__.py": "one of the commands beside it, which each __main__ names",
    "minireid/commands/parser.py": "one of the commands listed in cli.py",
    "minireid/gradcheck/cases/pages.py": "pages listed there",
    "minireid/gradcheck/cases/user_module.py": "the user's own file, which `gradcheck FILE` is asked to run",
    "minireid/networks/__init__.py": "one of NAMES: recipes are checked against it",
    "minireid/networks/facts.py": "a setting whose choices the network declares",
    "minireid/practice/exercises/known.py": "modules listed there",
    "minireid/practice/grading/child.py": "the student's own file, in a process of its own",
    "minireid/training/model.py": "losses: recipes are checked against their choices",
}
# Files whose processes send each other Python objects, which Python itself pickles. Nobody else's bytes are read.
OWN_PROCESSES = {
    "data_tools/walkers/write.py": "a pool that draws",
    "minireid/base/processes.py": "only waits for the end of the parent",
    "minireid/experiments/workers.py": "Dask: this machine's workers, or a cluster that the user names",
    "minireid/practice/course/reading_pages.py": "its pages, given to the pool of site.py",
    "minireid/practice/course/site.py": "a pool that writes pages",
    "minireid/reading/site.py": "a pool that writes pages",
}
NUMBERS = ["load", "save", "savez", "savez_compressed"]


@cache
def trees() -> list[tuple[str, ast.Module]]:
    files = [file for package in ("minireid", "data_tools") for file in sorted((PROJECT / package).rglob("*.py"))]
    return [(file.relative_to(PROJECT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in files]


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, and every name out of one: "numpy", "concurrent.futures.ProcessPoolExecutor"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def files_that(found: Callable[[ast.Module], bool]) -> set[str]:
    return {name for name, tree in trees() if found(tree)}


def test_no_module_that_unpickles_is_imported() -> None:
    kin = {(file, module) for file, tree in trees() for module in imported(tree) if is_below(module, UNSAFE)}
    assert kin == set()


def is_below(module: str, others: set[str]) -> bool:
    return any(module == other or module.startswith(other + ".") for other in others)


def test_arrays_are_read_without_pickle() -> None:
    """The package has a reader of its own, base/npz.py, which knows no objects. np.load would have to say so."""
    loads = [(f, c) for f, tree in trees() for name, c in called(tree) if name.endswith(("np.load", "numpy.load"))]
    for file, call in loads:
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert given.get("allow_pickle") == "False", f"{file}, line {call.lineno}"
    renamed = {(f, m) for f, t in trees() for m in imported(t) if m in [f"numpy.{name}" for name in NUMBERS]}
    assert renamed == set()
    matlab = {f for f, t in trees() for name, _ in called(t) if name.rpartition(".")[2] in ("loadmat", "read_array")}
    assert matlab == {"data_tools/mars.py"}, "SciPy's loadmat: it makes arrays and cells, and runs nothing"


def test_text_is_run_as_code_only_where_it_is_listed() -> None:
    assert files_that(lambda tree: any(name in ("eval", "exec", "compile") for name, _ in called(tree))) == set(
        RUNS_CODE
    )


def test_modules_are_imported_by_name_only_where_it_is_listed() -> None:
    def by_name(tree: ast.Module) -> bool:
        names = ("import_module", "__import__", "spec_from_file_location", "run_path", "run_module")
        return any(name.rpartition(".")[2] in names for name, _ in called(tree))

    assert files_that(by_name) == set(IMPORTS_BY_NAME)


def test_objects_go_between_own_processes_only_where_it_is_listed() -> None:
    kin = ("multiprocessing", "distributed", "dask", "concurrent.futures.ProcessPoolExecutor", "xmlrpc", "socketserver")
    assert files_that(lambda tree: any(is_below(m, set(kin)) for m in imported(tree))) == set(OWN_PROCESSES)


# Arrays of objects, which NumPy writes as pickles.


class Trap:
    """Whoever unpickles it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[np.ndarray]:
    """An array of objects. At the end of the test nobody must have unpickled it."""
    sprung = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(sprung)))
    sprung.rmdir()  # it works
    yield np.array([Trap(sprung)], dtype=object)
    assert not sprung.exists()


@pytest.mark.parametrize("entry", ["params/W", "header", "optimiser/W/m", "another"])
def test_a_checkpoint_with_objects_is_refused(tmp_path: Path, trap: np.ndarray, entry: str) -> None:
    path, params = tmp_path / "checkpoint.npz", {"W": np.zeros(3, np.float32)}
    checkpoint.save(path, checkpoint.Checkpoint(1, params, {"W": {"m": params["W"]}}, {}))
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{**arrays, entry: trap})  # type: ignore[arg-type]
    with pytest.raises(InputError) as fault:
        checkpoint.load(path, params)
    assert str(path) in str(fault.value) and "\n" not in str(fault.value)


def test_a_checkpoint_that_is_a_bare_pickle_is_refused(tmp_path: Path, trap: np.ndarray) -> None:
    """np.load would take a pickle without any array, were it allowed to."""
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(pickle.dumps(trap[0]))
    with pytest.raises(InputError):
        checkpoint.load(path, {"W": np.zeros(3, np.float32)})


@pytest.mark.parametrize("form", ["array", "archive", "pickle"])
def test_prepared_frames_with_objects_are_refused(tmp_path: Path, trap: np.ndarray, form: str) -> None:
    prepared = small_data.write_prepared(tmp_path / "prepared")
    content = io.BytesIO()
    if form == "array":
        np.save(content, trap)
    elif form == "archive":
        np.savez(content, frames=trap)
    else:
        pickle.dump(trap[0], content)
    (prepared.path / "frames.npy").write_bytes(content.getvalue())
    with pytest.raises(InputError) as fault:
        open_prepared(prepared.path)
    assert "frames.npy" in str(fault.value) and "\n" not in str(fault.value)


def test_a_list_of_mars_with_objects_is_refused(tmp_path: Path) -> None:
    """A cell array, which SciPy reads as an array of objects: numbers and texts, never code."""
    io_of_scipy = pytest.importorskip("scipy.io", reason="needs SciPy: pip install -e '.[mars]'")
    from data_tools.mars import read_mat

    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = np.arange(3), "text"
    io_of_scipy.savemat(tmp_path / "a.mat", {"query_IDX": cells})
    with pytest.raises(InputError, match="expected one matrix of numbers"):
        read_mat(tmp_path / "a.mat")
