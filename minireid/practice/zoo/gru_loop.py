"""Planted bugs in the gated recurrent units: the loop over a clip, and the variant that resets after the product."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    # The loop.
    Bug(
        title="A clip whose early frames hardly learn",
        module="layers.gru",
        function="backward",
        old="step_backward(dh[:, t] + dh_next, steps[t])",
        new="step_backward(dh[:, t], steps[t])",
        difficulty=1,
        cause="last step only",
        also=("path missing", "detached branch"),
        hint="The state after frame t is used in two places.",
        explanation=(
            "dh_next is computed and never used: each frame hears only of its own output, and nothing travels back "
            "in time. That is a feed-forward network with a strange input, not BPTT. It is exact at the last frame, "
            "and with T = 1: check with at least three frames."
        ),
    ),
    Bug(
        title="Parameters that hear of one frame",
        module="layers.gru",
        function="backward",
        old="grads[name] += step_grads[name]",
        new="grads[name] = step_grads[name]",
        difficulty=1,
        cause="= for +=",
        also=("path missing",),
        hint="How often is Wz used in a clip of T frames?",
        explanation=(
            "The same parameters are used at every frame, so their gradient is the sum over frames; here each frame "
            "overwrites the one before. What survives is the last one visited, frame 0, whose h' is 0: the gradients "
            "of Uz, Ur and Uc are all zeros, and the recurrence never learns."
        ),
    ),
    Bug(
        title="The way through the frames",
        module="layers.gru",
        function="backward",
        old="for t in reversed(range(len(steps))):",
        new="for t in range(len(steps)):",
        difficulty=1,
        cause="wrong order",
        also=(),
        hint="When frame t is dealt with, has everything that depends on its state been dealt with?",
        explanation=(
            "A gradient needs all of its terms before it goes on, so the frames are visited from the last to the "
            "first. Forwards, frame 0 is finished before frame 1 has said anything, and dh_next is carried to frames "
            "that the state never came from. Wrong at every frame as soon as there are two."
        ),
    ),
    Bug(
        title="A drawer for every frame",
        module="layers.gru",
        function="backward",
        old="step_backward(dh[:, t] + dh_next, steps[t])",
        new="step_backward(dh[:, t] + dh_next, steps[t - 1])",
        difficulty=2,
        cause="shifted by one step",
        also=("wrong index", "stale value"),
        hint="What is steps[-1] in Python?",
        explanation=(
            "The gradient of frame t meets the cache of frame t - 1, because 'h' comes from the previous step'. But "
            "each cache holds its own h' already. At t = 0 Python takes steps[-1], the last frame, and raises "
            "nothing; with clips of one frame the mistake cannot be seen."
        ),
    ),
    Bug(
        title="A fair share for every frame",
        module="layers.gru",
        function="backward",
        old="return dx, grads",
        new="return dx, {name: grad / len(steps) for name, grad in grads.items()}",
        difficulty=1,
        cause="constant factor",
        also=(),
        hint="Is there a mean over frames anywhere in the forward?",
        explanation=(
            "The gradient of a shared parameter is a sum over its uses; a mean belongs to a loss, if anywhere. "
            "Dividing 'so that long clips do not count more' changes the learning rate with the length of the clips. "
            "The check shows the same ratio, T, for every parameter, and dx right."
        ),
    ),
    Bug(
        title="One buffer for the state",
        module="layers.gru",
        function="forward",
        old="h_t, step = step_forward(x[:, t], h_t, p)",
        new="h_t[:], step = step_forward(x[:, t], h_t, p)",
        difficulty=3,
        cause="stale value",
        also=("shifted by one step", "wrong variable"),
        hint="What does step['h_prev'] of the first frame hold when the loop has ended?",
        explanation=(
            "h_t[:] = writes into the same memory at every frame, and each cache holds that memory as its h_prev: at "
            "the end all of them show the last state. The outputs are right, because every frame is read before it is "
            "overwritten. A cache must keep values, not views of a buffer: the first frame's h_prev should be 0."
        ),
    ),
    # The variant that resets after the product.
    Bug(
        title="A unit that holds on to its state",
        module="layers.gru_reset_after",
        function="step_forward",
        old="h = (1 - z) * h_prev + z * c  # F5 (N, S)",
        new="h = (1 - z) * c + z * h_prev  # F5 (N, S)",
        difficulty=2,
        cause="forward differs",
        also=("gates swapped",),
        hint="PyTorch's documentation and this page do not write F5 alike.",
        explanation=(
            "This is PyTorch's F5, where an open update gate keeps the old state; here it lets the new one in. Both "
            "are the same unit, Wz, Uz and bz negated, but a forward of one with a backward of the other is "
            "neither. Loading PyTorch's weights without the change of sign does the same."
        ),
    ),
    Bug(
        title="How Uc hears of the reset",
        module="layers.gru_reset_after",
        function="step_backward",
        old='"Uc": h_prev.T @ dq',
        new='"Uc": (r * h_prev).T @ dac',
        difficulty=2,
        cause="wrong variable",
        also=("wrong operation", "wrong index"),
        hint="Does r multiply the rows of Uc here, or its columns?",
        explanation=(
            "(r h')^T dac is right where the reset comes before the product. Here h' Uc comes first, and r multiplies "
            "the result: the r stays with dac, in dq = dac r. Shapes and sizes are the same in both, and r meets the "
            "other index of Uc: only numbers can tell."
        ),
    ),
    Bug(
        title="A bias that only this variant has",
        module="layers.gru_reset_after",
        function="step_backward",
        old='"vc": dq.sum(axis=0)',
        new='"vc": dac.sum(axis=0)',
        difficulty=1,
        cause="factor missing",
        also=("wrong variable",),
        hint="If bc and vc had the same gradient, one of them would not be needed.",
        explanation=(
            "vc is inside the bracket that r multiplies, bc outside: their gradients are the sums of dq = dac r and of "
            "dac. Two biases in one tanh look interchangeable. If two parameters always get equal gradients, one is "
            "superfluous or one gradient is wrong."
        ),
    ),
    Bug(
        title="How the reset gate is told",
        module="layers.gru_reset_after",
        function="step_backward",
        old="dr = dac * q  # F4",
        new="dr = dac * h_prev  # F4",
        difficulty=2,
        cause="wrong variable",
        also=("factor missing",),
        hint="What stands beside r in F4?",
        explanation=(
            "In the other variant r multiplies h'; here it multiplies q = h' Uc + vc, so dr = dac q. The line was "
            "taken from the other page, and h' and q have the same shape. The check finds Wr, Ur and br wrong in a "
            "single step, Wc, Uc and bc right: the mistake lies between ac and ar."
        ),
    ),
    Bug(
        title="The candidate's memory",
        module="layers.gru_reset_after",
        function="step_backward",
        old='dh * (1 - z) + dq @ p["Uc"].T + dar',
        new="dh * (1 - z) + dar",
        difficulty=2,
        cause="path missing",
        also=("detached branch",),
        hint="Four equations use h'. The comment at the end of the line names them.",
        explanation=(
            "h' reaches the candidate through q, and that term is left out. q is remembered as 'something of the "
            "candidate's', no longer as made of h'. All parameters of a single step come out right, h_prev alone is "
            "wrong; in the loop everything before the last frame suffers."
        ),
    ),
    Bug(
        title="Inputs of a unit with three doors",
        module="layers.gru_reset_after",
        function="step_backward",
        old='dx = dac @ p["Wc"].T + dar @ p["Wr"].T + daz @ p["Wz"].T  # F4, F2, F1',
        new='dx = dac @ p["Wc"].T  # F4',
        difficulty=1,
        cause="path missing",
        also=("detached branch",),
        hint="Search the forward for x.",
        explanation=(
            "x feeds both gates as well as the candidate; its gradient is the sum over all three. One thinks of the "
            "candidate as 'the input' and of the gates as switches. The unit itself trains perfectly, since no "
            "parameter is touched: only the layers below get too little."
        ),
    ),
)
