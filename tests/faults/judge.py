"""What a process says and leaves, judged. Every judgement is a list of faults; each begins with its kind."""

import re
import signal

from tests.faults import contents
from tests.faults.contents import UNFINISHED
from tests.faults.expected import Undisturbed
from tests.faults.processes import Ended, Moment
from tests.faults.world import Part

BAR = re.compile(r"\d+%\||\d+it \[|\d+/\d+ \[")  # a progress bar
LONGEST = 400  # letters of the line
STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143}
NEARLY_DONE = 0.8  # share of the file operations after which a command may end as if nothing had come


def said(text: str) -> list[str]:
    """The lines without progress bars and empty ones."""
    return [line for line in re.split(r"[\r\n]+", text) if line.strip() and not BAR.search(line)]


def any_end(ended: Ended) -> list[str]:
    """What holds for each process, however it ends: no traceback, no hang, nobody outlives it."""
    faults = []
    for name, text in (("stderr", ended.err), ("stdout", ended.out)):
        if "Traceback" in text or "Exception ignored" in text:
            faults.append(f"traceback: on {name}: {last(text)}")
    if ended.hangs:
        faults.append("hangs: still there after five minutes")
    if ended.left:
        faults.append(f"orphans: {len(ended.left)}, such as {ended.left[0][:120]}")
    return faults


def last(text: str) -> str:
    lines = said(text)
    return lines[-1][:160] if lines else "(nothing)"


def one_line(ended: Ended) -> list[str]:
    """Exactly one line, of a sane length, on stderr; after Ctrl-C it may be the last one of stdout instead."""
    lines = said(ended.err) or said(ended.out)[-1:]
    if len(lines) != 1:
        return [f"not one line: {len(lines)} of them: {' / '.join(lines[:3])[:200]}"]
    if len(lines[0]) > LONGEST:
        return [f"not one line: {len(lines[0])} letters"]
    return []


def refuses(ended: Ended) -> list[str]:
    """Exit code 2, and one line on stderr."""
    faults = any_end(ended)
    if ended.code != 2:
        faults.append(f"exit code: {ended.code} instead of 2: {last(ended.err)}")
    elif not any(fault.startswith("traceback") for fault in faults):
        faults += one_line(ended)
    return faults


def done(ended: Ended, found: contents.Content, undisturbed: Undisturbed) -> list[str]:
    """Exit code 0 and the bits of an undisturbed run, nothing else beside them."""
    if ended.code:
        return [*any_end(ended), f"cannot go on: exit code {ended.code}: {last(ended.err)}"]
    return [*any_end(ended), *contents.other(undisturbed.content, found)]


def stopped(ended: Ended, moment: Moment, undisturbed: Undisturbed) -> list[str]:
    """After SIGINT or SIGTERM: one line and its exit code, or the end that was near."""
    faults = any_end(ended)
    wanted = STOPS[signal.Signals(moment.signal)]
    if ended.code == wanted:
        return faults if any(fault.startswith("traceback") for fault in faults) else [*faults, *one_line(ended)]
    if ended.code == 0:
        share = progress(ended, undisturbed)
        return faults if share > NEARLY_DONE else [*faults, f"not heard: it goes on, struck after {share:.0%}"]
    return [*faults, f"exit code: {ended.code} instead of {wanted}: {last(ended.err)}"]


def progress(ended: Ended, undisturbed: Undisturbed) -> float:
    """The share of its file operations that the first process had done when it was struck."""
    return ended.before.count("p") / max(1, undisturbed.operations["p"])


def on_disk(part: Part, found: contents.Content, undisturbed: Undisturbed, faults_found: list[str]) -> list[str]:
    """Nothing under a final name is half-written, at any moment."""
    faults = list(faults_found)
    if part.once:
        faults += [
            f"half-written: {name} is not what stands there at the end"
            for name, value in found.items()
            if name in undisturbed.content and undisturbed.content[name] != value
        ]
    if part.whole and any(name.startswith("out/") and name != "out/" for name in found):
        missing = [name for name in undisturbed.content if name not in found]
        faults += [f"half-written: out stands there without {name}" for name in missing[:1]]
    return faults


def cleared_up(found: contents.Content) -> list[str]:
    """A process that could clear up has left nothing unfinished beside its work."""
    return [f"litter: {name} after the end" for name in found if UNFINISHED.search(name)][:1]
