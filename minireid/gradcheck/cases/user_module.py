"""A user's file as a module, and what an exception in it looks like in one line."""

import importlib.util
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from minireid.base.errors import InputError
from minireid.gradcheck.finding import Finding
from minireid.gradcheck.report import Line, Report


def imported(path: Path) -> ModuleType:
    name = f"file_{path.stem}"
    loader = SourceFileLoader(name, str(path))  # whatever the file's name ends in
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise InputError(f"{path} is no Python file: check the path")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))  # at the end: a file random.py must not replace the module random
    sys.modules[module.__name__] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""  # UTF-16 has no lines for Python
        raise InputError(f"{path}{where}: {error.msg}") from None
    except BaseException as error:  # a file can raise anything, also SystemExit
        raise InputError(f"{path} cannot be imported: {error_text(error, path)}") from None
    return module


def error_text(error: BaseException, path: Path) -> str:
    """An exception in one line: its type and message, the line number in the file, and the line's text."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    where = f" at line {own[-1].lineno}: {own[-1].line}" if own else ""
    message = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}{': ' + message if message else ''}{where}"


def line_of(error: BaseException, path: Path) -> Line | None:
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    return Line(own[-1].name, own[-1].lineno or 0, own[-1].line or "") if own else None


def failed(name: str, seed: int, error: Exception, path: Path) -> Report:
    """The report on functions of which one raised `error`, with the line; "not written yet" of a stub."""
    report = Report(name, [], [], seed, "")
    unwritten = "not written yet: " if isinstance(error, NotImplementedError) else ""
    report.faults = [unwritten + error_text(error, path)]
    report.findings = [Finding(line_of(error, path))]
    return report


def said_unwritten(report: Report) -> Report:
    """The same, where backward raises NotImplementedError as "not written yet"."""
    if any("raises NotImplementedError" in fault for fault in report.faults):
        report.faults = [f"not written yet: {fault}" for fault in report.faults]
    return report
