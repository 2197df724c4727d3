"""Planted bugs in the small layers: activations, linear, dropout, unit length."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    Bug(
        title="A slope that is 1 in the middle",
        module="layers.sigmoid",
        function="backward",
        old="dy * y * (1 - y)",
        new="dy * (1 - y * y)",
        difficulty=1,
        cause="wrong activation",
        also=(),
        hint="How steep is this function at x = 0? Draw it.",
        explanation=(
            "1 - y^2 belongs to tanh. The sigmoid rises from 0 to 1 over a longer way and is never steeper than 1/4. "
            "Both curves have the same form, but at x = 0 the line gives 3/4: three times too much."
        ),
    ),
    Bug(
        title="An exponential that never overflows",
        module="layers.sigmoid",
        function="forward",
        old="y = np.where(positive, 1, e) / (1 + e)  # F1",
        new="y = 1 / (1 + e)  # F1",
        difficulty=2,
        cause="forward differs",
        also=(),
        hint="Compute the sigmoid of -2 and of 2.",
        explanation=(
            "e is e^-|x|, so 1 / (1 + e) is the sigmoid of |x|: never below 1/2. For negative x the stable form has e "
            "in the numerator too. Only half of the trick was copied. Any gate made with it is always more open than "
            "closed."
        ),
    ),
    Bug(
        title="One minus the square",
        module="layers.tanh",
        function="backward",
        old="dy * (1 - y * y)",
        new="dy * (1 - y) ** 2",
        difficulty=1,
        cause="wrong operation",
        also=("wrong activation",),
        hint="tanh(-x) is -tanh(x). What does that say of the slopes at x and at -x?",
        explanation=(
            "1 - y^2 is (1 - y)(1 + y), not (1 - y)^2. At y = 0 both give 1, so small activations look fine; at y = "
            "-1/2 it is 2.25 instead of 0.75. A slope above 1 shows the mistake: tanh never has one."
        ),
    ),
    Bug(
        title="Steeper and steeper",
        module="layers.tanh",
        function="backward",
        old="dy * (1 - y * y)",
        new="dy * (1 + y * y)",
        difficulty=2,
        cause="wrong activation",
        also=("sign",),
        hint="What should happen to the gradient of a saturated unit?",
        explanation=(
            "tan' = 1 + tan^2, but tanh' = 1 - tanh^2: formula collections print them side by side. With the wrong "
            "one, saturated units get twice the gradient instead of none, and the gradients of a recurrence explode "
            "where they should fade."
        ),
    ),
    Bug(
        title="Which units are switched off?",
        module="layers.relu",
        function="backward",
        old="dy * (y > 0)",
        new="dy * (y >= 0)",
        difficulty=2,
        cause="wrong mask",
        also=("activation left out",),
        hint="For which inputs is y >= 0?",
        explanation=(
            "y = max(x, 0) is never negative, so y >= 0 is always true and every gradient passes. With x in place of "
            "y, > and >= are both good: the mistake came in when the cache was changed from x to y. About half of the "
            "entries have y = 0 and should have gradient 0: print them."
        ),
    ),
    Bug(
        title="Only what is positive",
        module="layers.relu",
        function="backward",
        old="dy * (y > 0)",
        new="dy * (dy > 0)",
        difficulty=1,
        cause="wrong mask",
        also=("wrong variable",),
        hint="A layer is applied to x. Is its backward the same layer applied to dy?",
        explanation=(
            "The forward sets the switch by x. Then dy passes or not, whatever its own sign. Applying ReLU to the "
            "gradient is a way to draw pictures (deconvnets), not a derivative. A backward must be linear in dy: with "
            "-dy it must return the negative."
        ),
    ),
    Bug(
        title="A matrix of gradients",
        module="layers.linear",
        function="backward",
        old="dW = rows.T @ drows",
        new="dW = drows.T @ rows",
        difficulty=1,
        cause="transposed",
        also=(),
        hint="Compare shapes.",
        explanation=(
            "This is dW for y = W x with columns, and it has the shape (D_out, D_in). It is right in frameworks that "
            "store W that way, and it is quickly copied from one. When D_in = D_out no error is raised: check with "
            "unequal sizes."
        ),
    ),
    Bug(
        title="A bias for vectors in a clip",
        module="layers.linear",
        function="backward",
        old="db = drows.sum(axis=0)",
        new="db = dy.sum(axis=0)",
        difficulty=2,
        cause="wrong axes",
        also=("term missing",),
        hint="x may have more than two axes.",
        explanation=(
            "b is shared by all clips and all frames; axis 0 is only the clips. For x (N, D), which most tests use, "
            "the line is right. For (N, T, D) the result has the shape (T, D_out), and b - 0.1 * db broadcasts: b "
            "itself changes its shape."
        ),
    ),
    Bug(
        title="Keeping the weights small",
        module="layers.linear",
        function="backward",
        old="dW = rows.T @ drows",
        new='dW = rows.T @ drows + 0.01 * p["W"]',
        difficulty=1,
        cause="term too many",
        also=(),
        hint="What is dW when dy is zero?",
        explanation=(
            "Weight decay is a term of the loss or of the optimiser. The forward of this layer contains no such term. "
            "In the backward, a layer that is used twice (Siamese twins, frames) decays twice. Call the backward with "
            "dy = 0: what is left is the parameter itself."
        ),
    ),
    Bug(
        title="Kept values",
        module="layers.dropout",
        function="backward",
        old="dy * mask",
        new="dy * (mask > 0)",
        difficulty=1,
        cause="factor missing",
        also=("constant factor", "wrong mask"),
        hint="Is a kept value left as it is?",
        explanation=(
            "The mask holds 0 and 1 / (1 - rate). Turning it into True and False loses the scale. Dropped entries are "
            "right, kept ones are too small, all by the same ratio. A look at the places of the zeros shows nothing."
        ),
    ),
    Bug(
        title="A rate of what?",
        module="layers.dropout",
        function="forward",
        old=">= rate",
        new="< rate",
        difficulty=2,
        cause="wrong mask",
        also=("forward differs",),
        hint="With rate = 0.1, how many values should be zero?",
        explanation=(
            "rate is the share that is dropped. Here it is the share that is kept, as in papers and libraries that "
            "give a keep probability. The scale 1 / (1 - rate) no longer fits, and the mean of y is not that of x. The "
            "backward uses the same mask, so a gradient check passes: average y over many draws, at a rate other than "
            "1/2."
        ),
    ),
    Bug(
        title="Only the length is lost",
        module="layers.unit_length",
        function="backward",
        old="across = du - u * (u * du).sum(axis=1, keepdims=True)",
        new="across = du",
        difficulty=1,
        cause="term missing",
        also=(),
        hint="Does s depend on x?",
        explanation=(
            "du / s would be the derivative if the length were a constant. But s changes with x, and that removes the "
            "part of du along u. Without it the gradient changes the length of x, on which u does not depend. Check "
            "it: dx must be at right angles to x, so (dx * x).sum(axis=1) must be 0."
        ),
    ),
    Bug(
        title="At right angles",
        module="layers.unit_length",
        function="backward",
        old="across = du - u * (u * du).sum(axis=1, keepdims=True)",
        new="across = du - (u * du).sum(axis=1, keepdims=True)",
        difficulty=2,
        cause="factor missing",
        also=("wrong operation",),
        hint="The projection of a vector onto a direction is a vector.",
        explanation=(
            "(u . du) is the length of the part along u. The part itself is this number times u. Without u the same "
            "number is subtracted from every entry, and NumPy broadcasts it silently. The line looks familiar from "
            "softmax and centring, where one number is subtracted in this way."
        ),
    ),
    Bug(
        title="Long vectors and short ones",
        module="layers.unit_length",
        function="backward",
        old="return np.divide(across, s, out=np.zeros_like(du), where=s != 0)",
        new="return np.where(s != 0, across, 0)",
        difficulty=2,
        cause="factor missing",
        also=(),
        hint="Double x: u stays the same. What happens to the gradient?",
        explanation=(
            "The projection is right, but the division by s is forgotten. A step of the same size turns a long vector "
            "less than a short one. Tests with vectors of length 1 hide the mistake completely. Scale x by 10, and the "
            "true gradient shrinks by 10."
        ),
    ),
)
