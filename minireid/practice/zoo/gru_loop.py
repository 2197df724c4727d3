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
        cause="nothing carried back",
        also=("term missing",),
        hint="The state after frame t is used in two places.",
        explanation=(
            "dh_next is computed and never used: each frame gets the gradient of its own output alone, and nothing "
            "travels back in time. The old state is treated as a constant: this is not BPTT. It is exact at the last "
            "frame, and with T = 1: check with at least three frames."
        ),
    ),
    Bug(
        title="Parameters that learn from one frame",
        module="layers.gru",
        function="backward",
        old="grads[name] += step_grads[name]",
        new="grads[name] = step_grads[name]",
        difficulty=1,
        cause="= for +=",
        also=("term missing",),
        hint="How often is Wz used in a clip of T frames?",
        explanation=(
            "The same parameters are used at every frame, so their gradient is the sum over frames. Here each frame "
            "overwrites the one before. What remains is the last one visited, frame 0, whose h' is 0: the gradients of "
            "Uz, Ur and Uc are all zero, and the recurrence never learns."
        ),
    ),
    Bug(
        title="The order of the frames",
        module="layers.gru",
        function="backward",
        old="for t in reversed(range(len(steps))):",
        new="for t in range(len(steps)):",
        difficulty=1,
        cause="wrong order",
        also=(),
        hint="When frame t is visited, has everything that depends on its state been visited?",
        explanation=(
            "A gradient needs all of its terms before it goes on, so the frames are visited from the last to the "
            "first. Here frame 0 is finished before the gradient from frame 1 is known, and dh_next goes to the frame "
            "after instead of the frame before. Every frame is wrong as soon as there are two."
        ),
    ),
    Bug(
        title="A cache for every frame",
        module="layers.gru",
        function="backward",
        old="step_backward(dh[:, t] + dh_next, steps[t])",
        new="step_backward(dh[:, t] + dh_next, steps[t - 1])",
        difficulty=2,
        cause="wrong step",
        also=("wrong index", "old value"),
        hint="What is steps[-1] in Python?",
        explanation=(
            "The gradient of frame t meets the cache of frame t - 1, because 'h' comes from the previous step'. But "
            "each cache already holds its own h'. At t = 0 Python takes steps[-1], the last frame, and raises no "
            "error. With clips of one frame the mistake cannot be seen."
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
            "The gradient of a shared parameter is a sum over its uses. A mean belongs to the loss, not to the layer. "
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
        cause="old value",
        also=("wrong step", "wrong variable"),
        hint="When the loop has ended, what does h_prev in the cache of the first frame hold?",
        explanation=(
            "h_t[:] = writes into the same memory at every frame, and each cache holds that memory as its h_prev. At "
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
        also=("wrong variable",),
        hint="PyTorch's documentation and this page write F5 differently.",
        explanation=(
            "This is PyTorch's F5, where an open update gate keeps the old state. On this page it lets the new one in. "
            "Both are the same unit with Wz, Uz and bz negated, but a forward of one needs the backward of the same "
            "one. Loading PyTorch's weights without the change of sign makes the same mistake."
        ),
    ),
    Bug(
        title="The gradient of Uc and the reset",
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
            "the result. So r stays with dac: dq = dac r. The shapes are the same, but r meets the other index of Uc: "
            "only numbers show the mistake."
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
            "vc is inside the bracket that r multiplies, bc is outside. So vc gets the sum of dq = dac r, and bc the "
            "sum of dac. Two biases in one tanh look interchangeable. If two parameters always get equal gradients, "
            "one of them is superfluous or one gradient is wrong."
        ),
    ),
    Bug(
        title="The gradient of the reset gate",
        module="layers.gru_reset_after",
        function="step_backward",
        old="dr = dac * q  # F4",
        new="dr = dac * h_prev  # F4",
        difficulty=2,
        cause="wrong variable",
        also=("factor missing",),
        hint="What stands beside r in F4?",
        explanation=(
            "In the other variant r multiplies h'. Here it multiplies q = h' Uc + vc, so dr = dac q. The line was "
            "copied from the other page, and h' and q have the same shape. In a single step the check finds Wr, Ur and "
            "br wrong, Wc, Uc and bc right: the mistake lies between ac and ar."
        ),
    ),
    Bug(
        title="The candidate's memory",
        module="layers.gru_reset_after",
        function="step_backward",
        old='dh * (1 - z) + dq @ p["Uc"].T + dar',
        new="dh * (1 - z) + dar",
        difficulty=2,
        cause="term missing",
        also=(),
        hint="Four equations use h'. The comment at the end of the line names them.",
        explanation=(
            "h' reaches the candidate through q, and that term is left out. It is easily forgotten that q is computed "
            "from h'. In a single step all parameters come out right and h_prev alone is wrong. In the loop every "
            "frame before the last is wrong."
        ),
    ),
    Bug(
        title="What the input of the unit feeds",
        module="layers.gru_reset_after",
        function="step_backward",
        old='dx = dac @ p["Wc"].T + dar @ p["Wr"].T + daz @ p["Wz"].T  # F4, F2, F1',
        new='dx = dac @ p["Wc"].T  # F4',
        difficulty=1,
        cause="term missing",
        also=(),
        hint="Search the forward for x.",
        explanation=(
            "x feeds both gates and the candidate, so its gradient is the sum over all three. The candidate is easily "
            "taken for 'the input', and the gates for switches. The unit's own gradients are right, and it trains "
            "well: only the layers below get too little."
        ),
    ),
)
