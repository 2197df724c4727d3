"""The undisturbed runs: what each command writes when nobody strikes it, how long it takes."""

from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from tests.faults import contents, processes
from tests.faults.contents import Content
from tests.faults.processes import Moment
from tests.faults.world import PARTS, PREPARE, TRAIN, World


@dataclass(frozen=True)
class Undisturbed:
    """content: of the case's folder at the end. seconds: from start to end. operations: of "p" and of one "w"."""

    content: Content
    seconds: float
    operations: dict[str, int]
    given: dict[str, int]  # bytes of each file that was there before
    sizes: dict[str, int]  # bytes of each file at the end
    unsynced: list[str]  # data files that were named before the disk had them


class Expected:
    """Undisturbed runs, each made when it is first asked for. times: 2, to see that both give the same."""

    def __init__(self, world: World, *, times: int = 2):
        self.world, self.times = world, times
        self.one_at_a_time = RLock()
        self.found: dict[tuple[str, ...], Undisturbed] = {}

    def of(self, part: str) -> Undisturbed:
        """Of this part. A run that is stopped and resumed must write what a run writes that is never stopped."""
        found = self.undisturbed(PARTS[part].words, PARTS[part].given)
        if part == "resume" and (differ := contents.other(self.of("train").content, found.content)):
            raise SystemExit(f"a run that was stopped and resumed differs: {differ[:3]}")
        return found

    def undisturbed(self, words: tuple[str, ...], given: str) -> Undisturbed:
        """Run the command, twice in general, and see that both write the same."""
        with self.one_at_a_time:
            if words not in self.found:
                self.ready(words, given)
                *others, found = (self.once(words, given) for _ in range(self.times))
                for other in others:
                    if differ := contents.other(other.content, found.content):
                        raise SystemExit(f"two undisturbed runs of {' '.join(words)} differ: {differ[:3]}")
                self.found[words] = found
            return self.found[words]

    def once(self, words: tuple[str, ...], given: str) -> Undisturbed:
        folder = self.world.new("undisturbed", given)
        before = sizes(folder)
        ended = processes.run(self.world, self.world.words(words), folder)
        if ended.code or ended.left:
            raise SystemExit(f"undisturbed, {' '.join(words)} ends with {ended.code}: {ended.err} {ended.left}")
        many = {"p": ended.counted.count("p"), "w": max(1, ended.counted.count("w") // 2)}  # two workers
        return Undisturbed(contents.content(folder), ended.seconds, many, before, sizes(folder), ended.unsynced)

    def ready(self, words: tuple[str, ...], given: str) -> None:
        """Make what the command is given, unless it is there."""
        if words[0] == PREPARE[0] and not (self.world.path / "raw").exists():
            (self.world.path / "raw").mkdir()
            made = ("data_tools.walkers", "walk", "--people", "6", "--frames", "5", "6", "--workers", "2")
            self.succeed(made, self.world.path / "raw")
        if given and not (self.world.path / given).exists():
            self.trained() if given == "trained" else self.stopped()

    def trained(self) -> None:
        folder = self.world.path / "trained"
        folder.mkdir()
        self.succeed(self.world.words(TRAIN), folder)

    def stopped(self) -> None:
        """A run that Ctrl-C stopped in its middle."""
        folder = self.world.path / "stopped"
        folder.mkdir()
        middle = Moment(2, "parent", at=self.of("train").operations["p"] // 3)
        ended = processes.run(self.world, self.world.words(TRAIN), folder, strike=middle)
        if ended.code != 130 or not (folder / "out" / "checkpoint.npz").exists():
            raise SystemExit(f"Ctrl-C in the middle of {' '.join(TRAIN)}: {ended.code} {ended.err}")

    def succeed(self, words: tuple[str, ...], folder: Path) -> None:
        ended = processes.run(self.world, words, folder)
        if ended.code:
            raise SystemExit(f"{' '.join(words)} ends with {ended.code}: {ended.err[-500:]}")


def sizes(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in contents.listing(folder) if not name.endswith("/")}
