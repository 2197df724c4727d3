"""Ctrl-C (SIGINT), and SIGTERM, which a cluster, a container and `timeout` send: both stop a command in one way."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

heard: list[int] = []  # the signals that came since the command began: exits.py makes the exit code of them


class Stopped(KeyboardInterrupt):
    """SIGTERM came."""


def stopped_code() -> int:
    """130 after Ctrl-C, 143 after SIGTERM: what a shell says of a program that they ended."""
    return 128 + (heard[-1] if heard else signal.SIGINT)


@contextmanager
def signals_raise() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt and SIGTERM Stopped, and `heard` knows of it.

    For a library that is just being imported can make an ImportError of them. A signal that is ignored stays so: a
    parent wanted it.
    """
    heard.clear()
    mine = os.getpid()

    def stop(number: int, frame: Any) -> None:
        if os.getpid() != mine:  # a copy of this process that has only begun
            os._exit(128 + number)
        heard.append(number)
        raise Stopped if number == signal.SIGTERM else KeyboardInterrupt

    both = (signal.SIGINT, signal.SIGTERM)
    with answered(stop, *(number for number in both if signal.getsignal(number) != signal.SIG_IGN)), sent_again(stop):
        yield


def ignored_from_now_on() -> None:
    """The command has ended. A signal that comes now, while Python takes itself down, must not make it look stopped."""
    with suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def sent_again(stop: Callable[[int, Any], None]) -> Iterator[None]:
    """Inside, what `stop` raised in a place where Python drops exceptions (__del__, a weakref's callback) is not lost:
    the signal is sent again, a moment later."""
    before = sys.unraisablehook

    def send() -> None:
        if signal.getsignal(heard[-1]) is stop:
            signal.raise_signal(heard[-1])

    def dropped(found: Any) -> None:
        if not (heard and isinstance(found.exc_value, KeyboardInterrupt)):
            return before(found)
        later = threading.Timer(0.01, send)
        later.daemon = True
        later.start()

    sys.unraisablehook = dropped
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def waiting(*numbers: int) -> Iterator[list[int]]:
    """Inside, these signals only append to the yielded list, so that what is done inside is never interrupted."""
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        heard.append(number)
        came.append(number)

    with answered(note, *numbers):
        yield came


@contextmanager
def answered(handler: Callable[[int, Any], None], *numbers: int) -> Iterator[None]:
    """Inside, `handler` is called for these signals. Only in the main thread: no signal arrives in others."""
    before: dict[int, Any] = {}
    try:
        for number in numbers:
            before[number] = signal.signal(number, handler)
    except ValueError:  # not in the main thread
        pass
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
