"""msp_src's high level, for persons who differ only in the order of their frames (see recipes/twins.toml).

F1, F2, H1 to H4 of minireid/networks/msp_src.py with one step between H2 and H3:

    H2a  c = temporal_centre(e)        every feature minus its mean over the clip

Why: at the start of training a recurrent unit is almost linear. The mean of a linear unit's states depends almost only
on the mean of its inputs: clothes, camera, background. For twins these are noise. If they stay in, training makes no
progress for hundreds of steps, until the gates find the order of the poses. With H2a, progress begins at once.
The mean in H2a does not depend on the order. For a clip of one frame, c is 0.
"""

from types import ModuleType

from minireid.layers import gru, temporal_centre, temporal_mean
from minireid.networks import msp_src, msp_src_high
from minireid.networks.euclidean import score
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = msp_src.FACTS
init = msp_src_high.init


def forward(x, p, *, unit: ModuleType = gru, pool: ModuleType = temporal_mean, **how):
    """x (N, T, H, W, C) -> {"high": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m2 = msp_src.shared_forward(run, x)  # F1, F2
    e = msp_src.frames_forward(run, m2)  # H1, H2 (N, T, 128)
    c = run("high.centre", temporal_centre, e, lengths=run.lengths)  # H2a (N, T, 128)
    return {"high": msp_src.sequence_forward(run, c, unit, pool)}, run.cache  # H3, H4


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dc = msp_src.sequence_backward(back, dembeddings["high"])  # H4, H3
    de = back("high.centre", dc)  # H2a
    dm2 = msp_src.frames_backward(back, de)  # H2, H1
    return msp_src.shared_backward(back, dm2, need_dx=need_dx), back.grads  # F2, F1
