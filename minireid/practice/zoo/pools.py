"""Planted bugs in what works over the frames of a clip: the temporal pools and the centring."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    Bug(
        title="Every frame counts",
        module="layers.temporal_mean",
        function="backward",
        old="np.broadcast_to(dy[:, None], h_shape) * weight",
        new="np.broadcast_to(dy[:, None], h_shape) * (weight > 0)",
        difficulty=1,
        cause="constant factor",
        also=("factor missing",),
        hint="Move all frames by 1: how far does y move?",
        explanation=(
            "The derivative of a mean by one of its n values is 1/n; this is the derivative of a sum. Real frames get "
            "a gradient and the padding gets none, so a picture looks right. The gradients of a clip's frames must add "
            "up to dy, and here they add up to lengths[n] times dy."
        ),
    ),
    Bug(
        title="The mean of clips of different lengths",
        module="layers.temporal_mean",
        function="backward",
        old="return np.broadcast_to(dy[:, None], h_shape) * weight",
        new="return np.repeat(dy[:, None] / h_shape[1], h_shape[1], axis=1)",
        difficulty=2,
        cause="wrong mask",
        also=("term too many", "constant factor"),
        hint="Which frames may have no gradient at all?",
        explanation=(
            "T is the length of the longest clip. In shorter ones the mean is over lengths[n] frames. The padding "
            "behind them has no influence: its gradient is 0. With clips of equal length nothing is wrong, and most "
            "tests use only such clips."
        ),
    ),
    Bug(
        title="Which frame wins",
        module="layers.temporal_max",
        function="forward",
        old="winner = np.where(valid, h.real, -np.inf).argmax(axis=1)[:, None]",
        new="winner = np.where(valid, h.real, 0).argmax(axis=1)[:, None]",
        difficulty=3,
        cause="forward differs",
        also=("wrong mask",),
        hint="Think of a feature that is negative in every frame.",
        explanation=(
            "Padding replaced by 0 still wins over real values that are all negative; only minus infinity never wins. "
            "Behind a ReLU nothing is negative and the line is right. The backward follows the wrong winner, so a "
            "gradient check of this page alone passes: compare the forward."
        ),
    ),
    Bug(
        title="The frame that won",
        module="layers.temporal_max",
        function="backward",
        old="np.put_along_axis(dh, winner, dy[:, None], axis=1)",
        new="np.put_along_axis(dh, winner[:, :, :1], dy[:, None], axis=1)",
        difficulty=2,
        cause="wrong index",
        also=("wrong mask",),
        hint="Is there one best frame of a clip?",
        explanation=(
            "The maximum is taken for each feature by itself, and each has its own winner. 'The best frame' suggests "
            "one for all. Here it is that of feature 0, and its index is broadcast over the others. Feature 0 is "
            "right: look at more than the first entry."
        ),
    ),
    Bug(
        title="A state for the whole clip",
        module="layers.temporal_last",
        function="backward",
        old="dh[clips, last] = dy",
        new="dh[:, -1] = dy",
        difficulty=1,
        cause="wrong index",
        also=("wrong mask", "padding border"),
        hint="Where is the end of a clip that is shorter than the others?",
        explanation=(
            "-1 is the last frame of the array, but a short clip ends before it. Its gradient then goes into the "
            "padding and is lost, so short clips do not train the recurrence. Clips of full length are right."
        ),
    ),
    Bug(
        title="Each clip has its own end",
        module="layers.temporal_last",
        function="backward",
        old="dh[clips, last] = dy",
        new="dh[:, last] = dy[:, None]",
        difficulty=2,
        cause="term too many",
        also=("wrong index",),
        hint="For N = 2, how many places does the index on the left select?",
        explanation=(
            "For every clip, dh[:, last] takes the ends of all clips: N x N places instead of N. To pick one frame for "
            "each clip, both indices must be arrays of equal length: dh[arange(N), last]. With equal lengths all ends "
            "coincide, and the line is right by accident."
        ),
    ),
    Bug(
        title="Taking away the mean",
        module="layers.temporal_centre",
        function="backward",
        old="return dvalid - weight * dvalid.sum(axis=1, keepdims=True)",
        new="return dvalid",
        difficulty=1,
        cause="term missing",
        also=(),
        hint="The mean is made of the same h.",
        explanation=(
            "The mean was treated as a constant, like a bias. But it moves with every frame: through it each h[n, u] "
            "is in all y[n, t]. The gradients of one clip must add up to 0 over time, because a constant added to all "
            "frames changes nothing."
        ),
    ),
    Bug(
        title="Gradients behind the end of a clip",
        module="layers.temporal_centre",
        function="backward",
        old="dvalid = dy * valid",
        new="dvalid = dy",
        difficulty=3,
        cause="wrong mask",
        also=("factor missing", "term too many"),
        hint="y is set to 0 in the padding, whatever h is there. What follows for dy there?",
        explanation=(
            "y is multiplied by valid, so the gradient of the padding must be dropped before it is used. Otherwise it "
            "goes to h in the padding and, through the mean, to the real frames too. Without padding the line is "
            "right. It is also right if a pool with lengths follows, because dy is then 0 in the padding."
        ),
    ),
)
