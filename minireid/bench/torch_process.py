"""PyTorch's side of `minireid bench`, in its own process: its threads and numba's must not compete for the cores.

In one process, PyTorch with two threads lost a sixth of its speed: threads stay awake for some milliseconds after their
work, and numba's threads occupied the cores. The child reads a line of JSON, measures, and answers with a line of JSON.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from minireid.base.memory import keep_freed_memory
from minireid.bench import layers, steps
from minireid.bench.measure import burst


class TorchProcess:
    """seconds(what, ...) is the median of a burst of calls in the child; about: its version and allocator."""

    def __init__(self, threads: int) -> None:
        command = [sys.executable, "-m", "minireid.bench.torch_process", str(threads)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self.answer()

    def seconds(self, *key: Any) -> float:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(key) + "\n")
        self.child.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError("bench: PyTorch's process ended; its error message is above")
        return json.loads(line)

    def close(self) -> None:
        self.child.communicate()  # closes the child's input, so the child ends


def installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def serve(threads: int) -> None:
    """The child's loop: for each line of JSON, measure and print the seconds."""
    from minireid.bench import torch_step

    allocator = keep_freed_memory()
    torch_step.torch.set_num_threads(threads)
    print(json.dumps({"version": torch_step.torch.__version__, "allocator": allocator}), flush=True)
    made: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        if line not in made:
            made.clear()  # one at a time in memory
            made[line] = function(*json.loads(line))
        torch_step.assert_threads(threads)
        print(json.dumps(burst(made[line])), flush=True)


def function(what: str, *key: Any) -> Callable[[], Any]:
    """The function that this key names.

    Keys: ("training step" or "embedding", height, width, layout), or ("block", layer, direction, layout).
    """
    from minireid.bench import torch_step

    if what == "block":
        layer, direction, layout = key
        x, p, dy = layers.draw(layers.Layer(*layer))
        return torch_step.block_ways(x, p, dy, layout)[direction]
    height, width, layout = key
    params, batch = steps.draw(steps.CLIPS, steps.LENGTH, height, width)
    if what == "embedding":
        return torch_step.embedding(params, batch["x"], layout)
    return torch_step.training_step(params, batch, layout, steps.LEARNING_RATE)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
