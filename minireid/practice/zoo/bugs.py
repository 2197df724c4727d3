"""All planted bugs, the easy ones first. Bug number n of the commands is BUGS[n - 1]."""

from minireid.practice.zoo import elementary, elman, gru_loop, gru_step, losses, maps, pools
from minireid.practice.zoo.bug import Bug

BUGS: tuple[Bug, ...] = tuple(
    sorted(
        elementary.BUGS + elman.BUGS + gru_step.BUGS + gru_loop.BUGS + pools.BUGS + maps.BUGS + losses.BUGS,
        key=lambda bug: bug.difficulty,
    )
)
