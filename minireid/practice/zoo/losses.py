"""Planted bugs in the losses."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    # Identity.
    Bug(
        title="A loss that is a mean over clips",
        module="losses.softmax",
        function="backward",
        old="return dx * (dloss / N)",
        new="return dx * dloss",
        difficulty=1,
        cause="constant factor",
        also=("factor missing",),
        hint="Where in F2 does N stand?",
        explanation=(
            "p minus one-hot is the gradient for one clip; the loss is the mean over N clips, so each counts 1/N. The "
            "formula is remembered from the page on a single example. Training works, with a learning rate that is N "
            "times as large as the one written down."
        ),
    ),
    Bug(
        title="Is the loss the end?",
        module="losses.softmax",
        function="backward",
        old="return dx * (dloss / N)",
        new="return dx / N",
        difficulty=2,
        cause="factor missing",
        also=(),
        hint="What if the loss is one of two, with a weight?",
        explanation=(
            "A loss is thought of as the last thing there is, with dloss = 1. In the joint loss it is multiplied by a "
            "weight, which comes back as dloss, and here is thrown away. A check with dloss = 1 passes: use a random "
            "one."
        ),
    ),
    Bug(
        title="One of K for every clip",
        module="losses.softmax",
        function="backward",
        old="dx[np.arange(N), labels] -= 1",
        new="dx[:, labels] -= 1",
        difficulty=2,
        cause="wrong index",
        also=("extra path",),
        hint="How many ones should be subtracted in all?",
        explanation=(
            "dx[:, labels] names the labels' columns in all rows: every clip is told to be everybody in the batch. To "
            "pick one entry a row, both indices are arrays, arange(N) and labels. Each row of dx must sum to 0, "
            "because adding a constant to all logits changes nothing."
        ),
    ),
    Bug(
        title="Who is pushed down",
        module="losses.softmax",
        function="backward",
        old="    dx = np.exp(logp)\n    dx[np.arange(N), labels] -= 1",
        new=("    dx = np.zeros_like(logp)\n    dx[np.arange(N), labels] = np.exp(logp[np.arange(N), labels]) - 1"),
        difficulty=2,
        cause="path missing",
        also=("mask wrong", "detached branch"),
        hint="Does a wrong person's logit have an influence on the loss?",
        explanation=(
            "Only the right person's logit gets a gradient, as only its logp is in the loss. But every logit is in the "
            "sum under the logarithm, and is lowered by its probability. Rows that do not sum to 0 give it away."
        ),
    ),
    Bug(
        title="What the loss remembers",
        module="losses.softmax",
        function="forward",
        old="return loss, (logp, labels)",
        new="return loss, (shifted, labels)",
        difficulty=2,
        cause="stale value",
        also=("wrong variable", "pre-activation"),
        hint="Exponentials of the cache: what should each row sum to?",
        explanation=(
            "The cache was taken one line too early: shifted logits are not log-probabilities, their exponentials do "
            "not sum to 1. The largest of each row becomes exactly e^0 = 1, as if the network were certain. The loss "
            "is right, so the curve looks healthy at first."
        ),
    ),
    # Distances of pairs.
    Bug(
        title="Two clips, one distance",
        module="losses.pair_distance",
        function="backward",
        old="\n    np.add.at(dx, pairs[:, 1], -dv)",
        new="",
        difficulty=1,
        cause="one twin lost",
        also=("path missing", "detached branch"),
        hint="Move the second clip of a pair: does d change?",
        explanation=(
            "d depends on both clips of a pair, and the second one gets nothing: it is treated as a fixed target. "
            "Training still pulls pairs together, half as fast, so nobody notices. A distance does not change when "
            "all embeddings move together: the rows of dx must sum to 0."
        ),
    ),
    Bug(
        title="Pulling at both ends",
        module="losses.pair_distance",
        function="backward",
        old="np.add.at(dx, pairs[:, 1], -dv)",
        new="np.add.at(dx, pairs[:, 1], dv)",
        difficulty=1,
        cause="sign",
        also=(),
        hint="To shorten a rope, in which directions do the two ends have to move?",
        explanation=(
            "v = x[i] - x[j]: the derivative by x[j] is -1 times that by x[i]. 'The distance is symmetric' holds for "
            "its value, not for its gradients, which point in opposite directions. With equal ones both clips run the "
            "same way and their distance stays."
        ),
    ),
    Bug(
        title="Popular clips",
        module="losses.pair_distance",
        function="backward",
        old=(
            "    np.add.at(dx, pairs[:, 0], dv)"
            "  # add.at, not +=: a row in several pairs gets the sum\n"
            "    np.add.at(dx, pairs[:, 1], -dv)"
        ),
        new="    dx[pairs[:, 0]] += dv\n    dx[pairs[:, 1]] -= dv",
        difficulty=3,
        cause="= for +=",
        also=("path missing",),
        hint="a = zeros(2); a[[0, 0]] += 1. What is a?",
        explanation=(
            "With an index array, a[i] += b reads all rows, adds, and writes all rows back: a row named twice keeps "
            "the last sum only. np.add.at adds one after the other. If every clip is in one pair only, nothing is "
            "wrong, and the two-clip tests pass."
        ),
    ),
    Bug(
        title="Far pairs and near ones",
        module="losses.pair_distance",
        function="backward",
        old="dv = v * np.divide(dd, d, out=np.zeros_like(dd), where=d != 0)[:, None]",
        new="dv = v * dd[:, None]",
        difficulty=2,
        cause="factor missing",
        also=("wrong operation",),
        hint="How long is the gradient of a distance?",
        explanation=(
            "v is the gradient of d^2 / 2; that of d itself is v / d, a vector of length 1. The square is what one "
            "usually differentiates, since its derivative is simpler. Far pairs get too much, pairs nearer than 1 too "
            "little."
        ),
    ),
    # Same or not.
    Bug(
        title="Strangers within the margin",
        module="losses.contrastive_squared",
        function="backward",
        old="np.where(same, d, -gap)",
        new="np.where(same, d, gap)",
        difficulty=1,
        cause="sign",
        also=(),
        hint="When d grows, what does margin - d do?",
        explanation=(
            "gap = margin - d falls when d grows: an inner derivative of -1, forgotten because it is only a sign. "
            "Different people are then pulled together, and all embeddings collapse to one point. A loss that settles "
            "at margin^2 / 4 is this collapse."
        ),
    ),
    Bug(
        title="How hard a pair is pulled",
        module="losses.contrastive_squared",
        function="backward",
        old="np.where(same, d, -gap)",
        new="np.where(same, 2 * d, -2 * gap)",
        difficulty=1,
        cause="constant factor",
        also=("factor twice",),
        hint="Read F1 to the end, the small numbers too.",
        explanation=(
            "The derivative of d^2 is 2 d, but the loss is half of it: the 1/2 is there to cancel the 2. Papers differ "
            "on it, and the two versions train alike but for the learning rate and the balance with other losses."
        ),
    ),
    Bug(
        title="Friends and strangers",
        module="losses.contrastive_squared",
        function="backward",
        old="np.where(same, d, -gap)",
        new="np.where(same, -gap, d)",
        difficulty=1,
        cause="mask wrong",
        also=("sign",),
        hint="What does same[p] = True mean on this page, and what in Hadsell's paper?",
        explanation=(
            "Hadsell's Y is 0 for a similar pair and 1 for a different one; here True means the same person. With the "
            "branches exchanged the same person is pushed apart. The loss printed is right and rises from the first "
            "step."
        ),
    ),
    Bug(
        title="Beyond the margin",
        module="losses.contrastive_squared",
        function="forward",
        old="gap = np.maximum(margin - d, 0)  # (P,)",
        new="gap = margin - d  # (P,)",
        difficulty=2,
        cause="forward differs",
        also=("mask wrong", "activation left out"),
        hint="Put two different people at distance 100: what is their loss?",
        explanation=(
            "Without the maximum a stranger beyond the margin is pulled back to it, since (margin - d)^2 grows again. "
            "Squared, nothing looks negative. The backward fits this forward, so a gradient check passes: the kink is "
            "part of the definition and has to be compared."
        ),
    ),
    Bug(
        title="Who is still pushed",
        module="losses.contrastive_linear",
        function="backward",
        old="-(gap > 0).astype(d.dtype)",
        new="-(gap >= 0).astype(d.dtype)",
        difficulty=2,
        cause="mask wrong",
        also=("activation left out", "extra path"),
        hint="Which values can gap take after the maximum?",
        explanation=(
            "gap has been through max(..., 0) and is never negative, so >= holds for every pair and strangers beyond "
            "the margin are pushed on for ever. At a single point > or >= would be a matter of taste; here a whole "
            "half-line is mapped to 0. The loss is 0 for such a pair, and its gradient must be too."
        ),
    ),
    Bug(
        title="Pairs of different weight",
        module="losses.contrastive_linear",
        function="backward",
        old="* weights * dloss",
        new="* dloss / len(d)",
        difficulty=2,
        cause="factor missing",
        also=("constant factor", "wrong variable"),
        hint="What is F2 when weights are given?",
        explanation=(
            "Where no weights are given they are 1/P, and the line is right; whoever wrote it never passed any. With "
            "weights, rare pairs should count more, and do so in the printed loss but not in the training. Test "
            "optional arguments with values that are not their default."
        ),
    ),
    Bug(
        title="A linear loss with a memory",
        module="losses.contrastive_linear",
        function="backward",
        old="np.where(same, 1, -(gap > 0).astype(d.dtype))",
        new="np.where(same, d, -gap)",
        difficulty=1,
        cause="wrong operation",
        also=("factor twice", "wrong variable"),
        hint="Is the pull of this loss stronger when a pair is farther apart?",
        explanation=(
            "d and -gap are the derivatives of the squared form with its 1/2. The linear form has slope 1 and -1: the "
            "same pull at any distance. The two pages differ in one line each, and copying one of them is enough."
        ),
    ),
    Bug(
        title="A margin on the square",
        module="losses.contrastive_crf",
        function="backward",
        old="-2 * gap * d",
        new="-2 * gap",
        difficulty=2,
        cause="factor missing",
        also=("wrong operation",),
        hint="gap is margin - d^2. What is its derivative by d?",
        explanation=(
            "1/2 gap^2 gives gap, and gap = margin - d^2 gives -2 d. Of the inner derivative the 2 was kept and the d "
            "was lost. Two strangers at the same place should get no push from this loss, since d = 0: one of its "
            "weaknesses, which the wrong line does not have."
        ),
    ),
    Bug(
        title="Another margin on the square",
        module="losses.contrastive_crf",
        function="forward",
        old="gap = np.maximum(margin - d * d, 0)  # (P,)",
        new="gap = np.maximum(margin - d, 0)  # (P,)",
        difficulty=1,
        cause="forward differs",
        also=("wrong variable",),
        hint="There are three contrastive losses here: which one is this?",
        explanation=(
            "This is the gap of the usual form. With the backward of this page, which expects margin - d^2, it is the "
            "gradient of neither. The losses are of about the same size, and a margin of 2 means a distance of 2 in "
            "one and of 1.41 in the other."
        ),
    ),
    # Both together.
    Bug(
        title="Who teaches the embedding?",
        module="losses.joint",
        function="backward",
        old="dclassified[level] + dcompared[level]",
        new="dcompared[level]",
        difficulty=1,
        cause="detached branch",
        also=("path missing",),
        hint="How many losses use an embedding in the forward?",
        explanation=(
            "The classifier learns, but its gradient of the embedding, dclassified, is computed and dropped. The "
            "network learns from the pairs alone. The identification loss still falls, because the classifier "
            "adapts to whatever it gets. Set verification_weight to 0: the embedding's gradient must not vanish."
        ),
    ),
    Bug(
        title="Two weights, two losses",
        module="losses.joint",
        function="both_backward",
        old="dI, dV = cache.identification_weight * dloss, cache.verification_weight * dloss",
        new="dI, dV = cache.verification_weight * dloss, cache.identification_weight * dloss",
        difficulty=2,
        cause="wrong variable",
        also=("constant factor", "wrong index"),
        hint="Compare F3 with its line in the backward, name by name.",
        explanation=(
            "The two weights are swapped, so each loss is trained with the other's weight. With both "
            "weights 1, the default, nothing changes. That is why a check should give every setting a value of its "
            "own."
        ),
    ),
    Bug(
        title="A weight on its way back",
        module="losses.joint",
        function="both_backward",
        old="linear.backward(dlogits, linear_cache)",
        new="linear.backward(cache.identification_weight * dlogits, linear_cache)",
        difficulty=2,
        cause="factor twice",
        also=("constant factor",),
        hint="dlogits already knows something.",
        explanation=(
            "The weight went into dlogits through the softmax's upstream gradient; here it comes in again and counts "
            "squared. A factor of the forward appears once on each path back. With weight 1 it cannot be seen, with 2 "
            "it is a factor of two."
        ),
    ),
    Bug(
        title="Several levels, one loss",
        module="losses.joint",
        function="both_forward",
        old="loss = loss + verification_weight * V + identification_weight * I  # F3",
        new="loss = verification_weight * V + identification_weight * I  # F3",
        difficulty=2,
        cause="= for +=",
        also=("forward differs", "path missing"),
        hint="Which level's loss is printed?",
        explanation=(
            "The loop overwrites the loss at each level, and the last one remains. The backward treats every level, so "
            "training is as it should be; what is printed, compared and used to choose the best network is not. With "
            "one level nothing is wrong."
        ),
    ),
    Bug(
        title="From the sphere back to the embedding",
        module="losses.joint_on_sphere",
        function="backward",
        old="unit_length.backward(du, u_cache)  # F1",
        new="du",
        difficulty=1,
        cause="factor missing",
        also=("activation left out", "path missing"),
        hint="Walk F4, F3, F2, F1: which of them has no line?",
        explanation=(
            "This is the gradient by u, called the embedding's. Normalising looks like preparing the data, not like a "
            "layer, but it depends on the embedding and has a derivative. The true gradient is at right angles to the "
            "embedding: test (de * e).sum(axis=1) == 0."
        ),
    ),
    Bug(
        title="Two radii",
        module="losses.joint_on_sphere",
        function="backward",
        old="cache.identification_length * dclassified[level]",
        new="dclassified[level]",
        difficulty=2,
        cause="factor missing",
        also=("constant factor",),
        hint="Two scaled copies of u go into the losses. What comes back is the gradient of which?",
        explanation=(
            "linear.backward returns the gradient of its own input, identification_length u; to get to u the length "
            "comes back as a factor. The classifier's own gradients "
            "are right, the embedding's identification part is 16 times too small."
        ),
    ),
    Bug(
        title="Pairs on the sphere",
        module="losses.joint_on_sphere",
        function="backward",
        old=(
            "du = cache.identification_length * dclassified[level] + cache.verification_length * dcompared[level]\n"
            "        dembeddings[level] = unit_length.backward(du, u_cache)  # F1"
        ),
        new=(
            "du = cache.identification_length * dclassified[level]\n"
            "        dembeddings[level] = unit_length.backward(du, u_cache) "
            "+ cache.verification_length * dcompared[level]"
        ),
        difficulty=2,
        cause="wrong operation",
        also=("factor missing", "path missing", "activation left out"),
        hint="Which of the two losses sees u, and which sees the embedding itself?",
        explanation=(
            "Both losses see u, so both gradients have to be added up before they go back through F1; here one of "
            "them walks around it. In the plain joint loss the pairs do see the embedding, and the line resembles "
            "that page. Collect at u everything that used u, then go on."
        ),
    ),
)
