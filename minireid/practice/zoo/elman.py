"""Planted bugs in the plain recurrences: Elman's unit and the baseline's."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    # The step.
    Bug(
        title="What the step leaves for the way back",
        module="layers.elman",
        function="step_forward",
        old="return h, Step(x, h_prev, h, p)",
        new="return h, Step(x, h_prev, ah, p)",
        difficulty=2,
        cause="pre-activation",
        also=("old value", "wrong variable"),
        hint="tanh's derivative can be written with its input or with its output, and the two formulas differ.",
        explanation=(
            "The backward computes 1 - h^2 and expects the output h, but the cache holds the pre-activation ah. "
            "Textbooks have both formulas, 1 - tanh(a)^2 and 1 - h^2, and a mixture of the two is wrong. Where |ah| > "
            "1 the 'slope' becomes negative: tanh never has such a slope."
        ),
    ),
    Bug(
        title="Through the squashing function, backwards",
        module="layers.elman",
        function="step_backward",
        old="dah = dh * (1 - h * h)  # F2",
        new="dah = dh * h * (1 - h)  # F2",
        difficulty=1,
        cause="wrong activation",
        also=(),
        hint="Put h = 0 into the line: should nothing pass?",
        explanation=(
            "h (1 - h) is the derivative of the sigmoid, but F2 is a tanh. At h = 0, where tanh is steepest, nothing "
            "passes, and for negative h the gradient changes its direction. A new network, with all states near 0, "
            "hardly learns."
        ),
    ),
    Bug(
        title="The state's way back",
        module="layers.elman",
        function="step_backward",
        old='dh_prev = dah @ p["U"].T',
        new='dh_prev = dah @ p["U"]',
        difficulty=1,
        cause="transposed",
        also=(),
        hint="The line above does the same for x.",
        explanation=(
            "y = A B gives dA = dy B^T. A forgotten transposition raises an error for W, but not for U (S, S). The "
            "gradients of a single step's parameters are right; in the loop everything before the last frame is wrong. "
            "NumPy notices such a mistake only where the two sizes differ."
        ),
    ),
    Bug(
        title="A short cut into the past",
        module="layers.elman",
        function="step_backward",
        old='dh_prev = dah @ p["U"].T',
        new='dh_prev = dh @ p["U"].T',
        difficulty=1,
        cause="activation left out",
        also=("wrong variable", "factor missing"),
        hint="Which gradient belongs to the output of the tanh, and which to its input?",
        explanation=(
            "h' goes into ah, the input of the tanh, so its gradient starts from dah. From dh, the factor 1 - h^2 is "
            "missing once for every frame on the way back. Gradients of early frames come out too large, and the "
            "well-known vanishing gradients do not appear."
        ),
    ),
    Bug(
        title="Parameters of a whole batch",
        module="layers.elman",
        function="step_backward",
        old='return dx, dh_prev, {"W": x.T @ dah, "U": h_prev.T @ dah, "b": dah.sum(axis=0)}',
        new='return dx, dh_prev, {"W": x.T @ dah / len(x), "U": h_prev.T @ dah / len(x), "b": dah.mean(axis=0)}',
        difficulty=1,
        cause="constant factor",
        also=(),
        hint="Which part of a network divides by N, and how often may that be done?",
        explanation=(
            "The mean over clips belongs to the loss, whose gradients are already divided by N. A layer sums the "
            "gradients of its parameters over the clips. Dividing again makes them N times too small, and the best "
            "learning rate then depends on the batch size. The check shows the same ratio, N, everywhere in W, U, b."
        ),
    ),
    Bug(
        title="The state that U saw",
        module="layers.elman",
        function="step_backward",
        old='"U": h_prev.T @ dah',
        new='"U": h.T @ dah',
        difficulty=1,
        cause="wrong step",
        also=("wrong variable", "old value"),
        hint="Which state is multiplied by U in F1?",
        explanation=(
            "U maps the state before the frame. Here its gradient is formed with the state after it, one frame too "
            "late. In formulas both are called h and differ in an index. At the first frame h' is 0, so a clip of one "
            "frame must give U the gradient 0, and here it does not."
        ),
    ),
    Bug(
        title="One bias for every state",
        module="layers.elman",
        function="step_backward",
        old='"b": dah.sum(axis=0)}',
        new='"b": dah.sum()}',
        difficulty=1,
        cause="wrong axes",
        also=("term too many",),
        hint="What shape has b, and what shape has its gradient?",
        explanation=(
            "b (S,) was repeated over the N clips, so its gradient is the sum over axis 0 alone. Without an axis NumPy "
            "sums everything, and the loop's += broadcasts that one number over all of b without an error. A gradient "
            "always has the shape of its parameter: assert it."
        ),
    ),
    Bug(
        title="A step as on the blackboard",
        module="layers.elman",
        function="step_forward",
        old='h_prev @ p["U"] + p["b"]',
        new='h_prev @ p["U"].T + p["b"]',
        difficulty=2,
        cause="forward differs",
        also=("transposed",),
        hint="On a blackboard vectors are columns. What are they on this page?",
        explanation=(
            "Papers write U h with column vectors, which is h U^T for rows. But this page's U is stored for h U. "
            "Either is a good network if the backward agrees, and here it does not. The outputs of a network with "
            "random parameters do not show the mistake."
        ),
    ),
    # The loop.
    Bug(
        title="Where the way back ends",
        module="layers.elman",
        function="backward",
        old=(
            "    dx = np.empty((*dh.shape[:2], steps[0].x.shape[1]), dh.dtype)\n"
            "    dh_next = np.zeros_like(dh[:, 0])\n"
            "    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}\n"
            "    for t in reversed(range(len(steps))):"
        ),
        new=(
            "    dx = np.zeros((*dh.shape[:2], steps[0].x.shape[1]), dh.dtype)\n"
            "    dh_next = np.zeros_like(dh[:, 0])\n"
            "    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}\n"
            "    for t in range(len(steps) - 1, 0, -1):"
        ),
        difficulty=2,
        cause="wrong index",
        also=("term missing",),
        hint="Write down the values of t for a clip of three frames.",
        explanation=(
            "range(T - 1, 0, -1) ends at 1: the first frame is never visited. Its dx stays 0. W and b miss one term of "
            "T, which is not much in a long clip; U is right, because h' is 0 there. With reversed(range(T)) the "
            "mistake cannot happen."
        ),
    ),
    Bug(
        title="Clips first, frames second",
        module="layers.elman",
        function="backward",
        old=(
            "    for t in reversed(range(len(steps))):\n"
            "        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])"
        ),
        new=(
            "    N, T, S = dh.shape\n"
            "    dh = dh.reshape(T, N, S)  # frames first, as the loop goes over frames\n"
            "    for t in reversed(range(T)):\n"
            "        dx[:, t], dh_next, step_grads = step_backward(dh[t] + dh_next, steps[t])"
        ),
        difficulty=2,
        cause="transposed",
        also=("wrong index",),
        hint="Try it on an array of 2 x 3 numbers and compare it with .T.",
        explanation=(
            "reshape keeps the numbers in their order and only cuts them differently: clips and frames get mixed up. "
            "To swap axes, use transpose or swapaxes. With N = 1 or T = 1 both do the same, so a small test passes."
        ),
    ),
    Bug(
        title="A recurrence read by its last state",
        module="layers.elman",
        function="backward",
        old=(
            "    dh_next = np.zeros_like(dh[:, 0])\n"
            "    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}\n"
            "    for t in reversed(range(len(steps))):\n"
            "        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])"
        ),
        new=(
            "    dh_t = dh[:, -1]\n"
            "    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}\n"
            "    for t in reversed(range(len(steps))):\n"
            "        dx[:, t], dh_t, step_grads = step_backward(dh_t, steps[t])"
        ),
        difficulty=2,
        cause="nothing carried back",
        also=("term missing",),
        hint="How many states does the layer return?",
        explanation=(
            "The loop starts from the last state's gradient and passes it back correctly. But the gradients of the "
            "other states, dh[:, t], are never added. It is right for networks that read the last state only, and was "
            "probably tested with one. With a mean over time behind it, T - 1 of T terms are lost."
        ),
    ),
    Bug(
        title="Gradients always add up",
        module="layers.elman",
        function="backward",
        old="        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])",
        new=(
            "        dx[:, t], dh_prev, step_grads = step_backward(dh[:, t] + dh_next, steps[t])\n"
            "        dh_next += dh_prev"
        ),
        difficulty=2,
        cause="term too many",
        also=("factor too many", "old value", "+= for ="),
        hint="How many frames later is a state used directly?",
        explanation=(
            "Parameters are used at every frame and collect with +=. A state is used by the next frame only, so "
            "dh_next must be replaced at every step. With += frame t also gets what belongs to t + 1, t + 2 and so on. "
            "The last two frames are right, so test with three."
        ),
    ),
    # The baseline's recurrence.
    Bug(
        title="Caches of a recurrence that starts at the second frame",
        module="layers.elman_unsquashed",
        function="backward",
        old="d, tanh_cache, drop_cache = steps[t - 1]",
        new="d, tanh_cache, drop_cache = steps[-t]",
        difficulty=2,
        cause="wrong order",
        also=("wrong index", "wrong step"),
        hint="For T = 4, write down which entry of steps is read for t = 3, 2, 1.",
        explanation=(
            "t already runs backwards. Then steps[-t] counts from the end once more, and the last frame meets the "
            "cache of the first. 'Backwards, hence negative indices' is one reversal too many. With two frames there "
            "is one cache, and with four the middle one is right: the error depends on t."
        ),
    ),
    Bug(
        title="Noise on what is carried over",
        module="layers.elman_unsquashed",
        function="backward",
        old="dr = dropout.backward(dd, drop_cache)  # F3",
        new="dr = dd  # F3",
        difficulty=1,
        cause="factor missing",
        also=("wrong mask",),
        hint="Set the rate to 0 and check again.",
        explanation=(
            "What was dropped in the forward had no influence and gets no gradient. What was kept was scaled up, and "
            "so is its gradient. Dropout is often seen as added noise, but it is a factor of the formula. Without a "
            "generator it is the identity, and a check in evaluation mode passes."
        ),
    ),
    Bug(
        title="The bias and the first frame",
        module="layers.elman_unsquashed",
        function="backward",
        old='"b": db}',
        new='"b": db + ds}',
        difficulty=2,
        cause="term too many",
        also=(),
        hint="In which frames is b added, by F1 and F4?",
        explanation=(
            "b is in F4 only, from the second frame on; the first frame has s in its place. In every other recurrence "
            "the bias is there at every frame, so the first frame is added by habit. Check: for a clip of one frame "
            "the gradient of b must be 0."
        ),
    ),
    Bug(
        title="A learned start",
        module="layers.elman_unsquashed",
        function="backward",
        old="ds = do_t.sum(axis=0)",
        new="ds = do[:, 0].sum(axis=0)",
        difficulty=2,
        cause="term missing",
        also=("wrong variable", "nothing carried back"),
        hint="Does s have an influence on the second frame?",
        explanation=(
            "s is added to o_1, and o_1 goes on into every later frame. do[:, 0] is only what the output o_1 itself "
            "received; do_t contains the rest as well. The start then learns as if each clip had one frame, and only "
            "clips of one frame are right."
        ),
    ),
    Bug(
        title="The recurrent matrix and its input",
        module="layers.elman_unsquashed",
        function="backward",
        old="        dU += d.T @ do_t",
        new="        r = tanh_cache  # the output of tanh\n        dU += r.T @ do_t",
        difficulty=2,
        cause="old value",
        also=("wrong variable", "wrong mask", "factor missing"),
        hint="Follow o_(t-1) from F2 to F4: what is it called when it meets U?",
        explanation=(
            "U was multiplied by d, the state after dropout; r is the same state before dropout. In evaluation d and r "
            "are the same array, so only a check with dropout switched on shows the mistake. Averaged over masks the "
            "error is small, and training hides it."
        ),
    ),
    Bug(
        title="A linear layer in front of a recurrence",
        module="layers.elman_unsquashed",
        function="backward",
        old="de[:, t] = do_t  # F4, also the next three lines",
        new="de[:, t] = do[:, t]  # F4",
        difficulty=1,
        cause="nothing carried back",
        also=("term missing", "wrong variable"),
        hint="do and do_t differ by one term. Which?",
        explanation=(
            "e_t goes into o_t, and o_t is both an output and the input of the next frame. do[:, t] is only the first "
            "of the two gradients. The names do and do_t differ by little. The last frame has no next one, so there "
            "the line is right."
        ),
    ),
    Bug(
        title="An output that is not squashed",
        module="layers.elman_unsquashed",
        function="backward",
        old="do_t = do[:, t - 1] + tanh.backward(dr, tanh_cache)  # F2",
        new="do_t = tanh.backward(do[:, t - 1] + dr, tanh_cache)  # F2",
        difficulty=2,
        cause="factor too many",
        also=("wrong operation", "wrong activation"),
        hint="Which of the two ways out of o_t leads through a tanh?",
        explanation=(
            "In Elman's unit the output is the squashed state, and both gradients go back through the tanh together. "
            "Here the output is o itself, before tanh, so the line has a factor 1 - r^2 too many on do. The last "
            "frame, whose state is not carried on, is right."
        ),
    ),
)
