"""The pictures of the notebooks as SVG, for slides: the notebooks are run, and `show` saves what it shows."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from minireid.base.errors import InputError
from minireid.base.files import make_folder
from minireid.practice.notebook import PICTURES

TUTORIALS = Path(__file__).parents[3] / "tutorials"
SECONDS = 600  # for one cell


def write_pictures(out: Path, *, only: int | None = None) -> int:
    """Run the notebooks and save each picture as NN_K.svg. Returns how many. InputError if `out` is there."""
    notebooks = [path for path in sorted(TUTORIALS.glob("*.ipynb")) if only in (None, int(path.name[:2]))]
    if out.exists():
        raise InputError(f"expected a new folder, but {out} is there: choose another name or remove it")
    if not notebooks:
        raise InputError(f"expected a notebook with the number {only} in the folder tutorials of a clone")
    make_folder(out)
    try:
        for path in notebooks:
            with TemporaryDirectory() as empty:
                notebook = nbformat.read(path, 4)
                client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": empty}})
                client.execute(env=os.environ | {PICTURES: str(out.resolve() / path.name[:2])})
    except BaseException as fault:  # all pictures or none
        shutil.rmtree(out, ignore_errors=True)
        if isinstance(fault, (CellExecutionError, CellTimeoutError, DeadKernelError)):
            why = f"{getattr(fault, 'ename', type(fault).__name__)}: {getattr(fault, 'evalue', '')}"[:160]
            raise InputError(f"{path.name} cannot be run to its end ({why}): check the disk and the packages") from None
        raise
    return len(list(out.glob("*.svg")))
