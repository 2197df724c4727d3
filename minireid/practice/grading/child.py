"""The process in which a student's file runs. process.py starts it; the two talk as wire.py says.

It is asked to call functions of the file with arrays, and answers with arrays. It never sees a seed of the grader, a
right answer or a verdict. What the file prints is thrown away. The cache that forward returns stays here.

Requests are dicts; "do" is one of

    load       file                                     import the file: {"functions": their names}
    call       function, arguments, config, slot        {"results", "arguments" after the call}; with a slot, the last
                                                        result is a cache: it is kept in the slot
    backward   function, upstream, slot, config         {"results"}: of function(*upstream, the cache of the slot)
    watch      on                                       count calls from now on; {"watched": what was seen since}

Every answer may be {"error": {"kind", "text", "line", "function"}} instead.

This file is copied into a folder without minireid. It needs the standard library and NumPy alone.
"""

import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fence
import numpy as np
import numpy.fft
import numpy.linalg
import numpy.random
import wire
from listening import listened


class Watch:
    """Counts the calls of functions of the student's file, and says whether complex numbers came along.

    calls: {name: {size of the largest array among the arguments: how often}}; size -1 means no arguments.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.calls: dict[str, dict[str, int]] = {}
        self.complex = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if code.co_filename != self.path:
            return
        if event == "call":
            count = code.co_argcount + code.co_kwonlyargcount
            values = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
            size = str(max(map(size_of, values), default=-1))
            counts = self.calls.setdefault(code.co_name, {})
            counts[size] = counts.get(size, 0) + 1
            self.complex |= has_complex(values) or takes_imaginary(code)
        elif event == "return":
            self.complex |= has_complex([argument])


def size_of(value: Any, depth: int = 0) -> int:
    """The entries of the largest array in a value, also in dicts and lists."""
    if isinstance(value, np.ndarray):
        return value.size
    parts = list(value.values()) if type(value) is dict else value if type(value) in (list, tuple) else []
    return max((size_of(part, depth + 1) for part in parts[:50] if depth < 3), default=0)


def has_complex(values: list[Any]) -> bool:
    flat = [part for value in values for part in (value if type(value) in (list, tuple) else [value])]
    return any(isinstance(value, (complex, np.ndarray)) and np.iscomplexobj(value) for value in flat)


def takes_imaginary(code: Any) -> bool:
    return "imag" in code.co_names and any(isinstance(constant, complex) for constant in code.co_consts)


class Student:
    """The student's file, and the caches of its calls."""

    def __init__(self, let: Any) -> None:
        self.module = ModuleType("nothing")
        self.slots: dict[str, Any] = {}
        self.path = ""
        self.let = let
        self.watching: Watch | None = None

    def load(self, file: str) -> dict[str, Any]:
        name = os.path.splitext(os.path.basename(file))[0]
        self.path = os.path.abspath(file)
        spec = importlib.util.spec_from_file_location(name, self.path)
        assert spec is not None and spec.loader is not None
        self.module = importlib.util.module_from_spec(spec)
        sys.modules[name] = self.module
        spec.loader.exec_module(self.module)
        return {"functions": [str(name) for name, value in list(vars(self.module).items()) if callable(value)]}

    def call(self, function: str, arguments: Any, config: Any, slot: str = "") -> dict[str, Any]:
        arguments, config = revived(arguments), revived(config)
        results, warned = listened(getattr(self.module, function), *arguments, **config)
        if slot:
            if type(results) not in (tuple, list) or len(results) < 2:
                raise TypeError(f"{function} returned {described(results)}; expected results and a cache")
            *results, self.slots[slot] = results
            results = tuple(results)
        after = [plain(value) if isinstance(value, (np.ndarray, dict)) else None for value in arguments]
        return {"results": plain(results), "arguments": after, "warned": warned}

    def backward(self, function: str, upstream: Any, slot: str, config: Any) -> dict[str, Any]:
        given = [np.array(one) for one in upstream]
        results, warned = listened(getattr(self.module, function), *upstream, self.slots[slot], **config)
        changed = not all(np.array_equal(one, other) for one, other in zip(given, upstream))
        return {"results": plain(results), "warned": warned, "changed": changed}

    def watch(self, on: bool) -> dict[str, Any]:
        seen, self.watching = self.watching, Watch(self.path) if on else None
        self.let(True)
        threading.setprofile(self.watching)
        sys.setprofile(self.watching)
        self.let(False)
        return {"watched": {"calls": seen.calls, "complex": bool(seen.complex)} if seen else {}}


def revived(value: Any) -> Any:
    """The value with generators and functions in place of their descriptions."""
    if isinstance(value, wire.Seed):
        return np.random.default_rng(value.value)
    if isinstance(value, wire.Code):
        return value.function()
    if isinstance(value, dict):
        return {key: revived(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(revived(part) for part in value)
    return value


def plain(value: Any, depth: int = 0) -> Any:
    """Arrays, numbers, and lists, tuples and dicts of them. TypeError for anything else."""
    if depth > 5:
        raise TypeError("it returned lists in lists, too deep")
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, dict):
        return {str(key): plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(plain(part, depth + 1) for part in value)
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.char not in wire.DTYPES:
            raise TypeError(f"it returned an array of dtype {value.dtype}; expected numbers")
        return np.asarray(value)
    raise TypeError(f"it returned {described(value)}; expected arrays")


def described(value: Any) -> str:
    return "nothing" if value is None else f"an object of type {type(value).__name__}"


def error_of(fault: BaseException, path: str) -> dict[str, Any]:
    """What happened, and the last line of the student's file that took part."""
    line, function, step = None, "", fault.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == path:
            line, function = step.tb_lineno, step.tb_frame.f_code.co_name
        step = step.tb_next
    if isinstance(fault, SyntaxError) and fault.filename == path:
        line = fault.lineno
    try:
        text = str(fault)[:300]
    except BaseException:  # an exception whose text raises
        text = ""
    return {"kind": type(fault).__name__, "text": text, "line": line, "function": function}


def serve(student: Student, requests: Any, answers: Any) -> None:
    work: dict[str, Callable[..., dict[str, Any]]] = {
        "load": student.load,
        "call": student.call,
        "backward": student.backward,
        "watch": student.watch,
    }
    while True:
        try:
            request = wire.receive(requests)
        except EOFError:
            return
        try:
            answer = work[request.pop("do")](**request)
            wire.send(answers, answer)
        except BaseException as fault:  # also SystemExit, KeyboardInterrupt: whatever the file raises
            wire.send(answers, {"error": error_of(fault, student.path)})


def main() -> None:
    """Arguments: own folder, seconds, bytes of memory, bytes of a file."""
    folder, (seconds, memory, size) = sys.argv[1], map(int, sys.argv[2:5])
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.argv[:] = [""]
    os.chdir(folder)
    fence.nobody(folder)
    fence.limits(seconds, memory, size)
    libraries = [os.path.dirname(os.__file__), os.path.dirname(os.path.abspath(__file__))]
    libraries += [np.__path__[0], os.path.join(os.path.dirname(os.path.realpath(np.__path__[0])), "numpy.libs")]
    let = fence.close(folder, libraries)
    serve(Student(let), requests, answers)
    os._exit(0)  # without waiting for what the file left behind


if __name__ == "__main__":
    main()
