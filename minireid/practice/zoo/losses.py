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
            "p minus one-hot is the gradient for one clip. The loss is the mean over N clips, so each counts 1/N. Many "
            "books derive the formula for a single example. Training works, with a learning rate that is N times as "
            "large as the one written down."
        ),
    ),
    Bug(
        title="Is the loss the last step?",
        module="losses.softmax",
        function="backward",
        old="return dx * (dloss / N)",
        new="return dx / N",
        difficulty=2,
        cause="factor missing",
        also=(),
        hint="What if the loss is one of two, with a weight?",
        explanation=(
            "A loss is often seen as the last step, with dloss = 1. In the joint loss it is multiplied by a weight. "
            "The weight comes back as dloss, and here it is ignored. A check with dloss = 1 passes: use a random one."
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
        also=("term too many",),
        hint="How many ones should be subtracted in all?",
        explanation=(
            "dx[:, labels] selects the labels' columns in all rows: every clip is pushed towards all persons of the "
            "batch. To pick one entry a row, both indices are arrays, arange(N) and labels. Each row of dx must sum to "
            "0, because adding a constant to all logits changes nothing."
        ),
    ),
    Bug(
        title="Which logits are pushed down",
        module="losses.softmax",
        function="backward",
        old="    dx = np.exp(logp)\n    dx[np.arange(N), labels] -= 1",
        new=("    dx = np.zeros_like(logp)\n    dx[np.arange(N), labels] = np.exp(logp[np.arange(N), labels]) - 1"),
        difficulty=2,
        cause="term missing",
        also=("wrong mask",),
        hint="Does a wrong person's logit have an influence on the loss?",
        explanation=(
            "Only the right person's logit gets a gradient, as only its logp is in the loss. But every logit is in the "
            "sum under the logarithm, and is lowered by its probability. Each row of dx must sum to 0, and here it "
            "does not."
        ),
    ),
    Bug(
        title="What the loss remembers",
        module="losses.softmax",
        function="forward",
        old="return loss, (logp, labels)",
        new="return loss, (shifted, labels)",
        difficulty=2,
        cause="old value",
        also=("wrong variable", "pre-activation"),
        hint="If you take the exponentials of the cache, what should each row sum to?",
        explanation=(
            "The cache was taken one line too early: shifted logits are not log-probabilities, and their exponentials "
            "do not sum to 1. The largest of each row becomes exactly e^0 = 1, as if the network were certain. The "
            "loss is right, so the curve looks good at first."
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
        also=("term missing",),
        hint="Move the second clip of a pair: does d change?",
        explanation=(
            "d depends on both clips of a pair, but the second one gets nothing: it is treated as a fixed target. "
            "Training still pulls pairs together, half as fast, so the mistake is easily missed. A distance does not "
            "change when all embeddings move together: the sum over the rows of dx must be 0."
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
            "v = x[i] - x[j]: the derivative by x[j] is -1 times that by x[i]. The value of the distance is symmetric, "
            "but its two gradients point in opposite directions. With equal ones both clips move the same way and "
            "their distance stays."
        ),
    ),
    Bug(
        title="Clips and their pairs",
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
        also=("term missing",),
        hint="a = zeros(2); a[[0, 0]] += 1. What is a?",
        explanation=(
            "With an index array, a[i] += b reads all rows, adds, and writes all rows back: a row that occurs twice "
            "keeps the last sum only. np.add.at adds one after the other. If every clip is in one pair only, nothing "
            "is wrong, and tests with two clips pass."
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
            "v is the gradient of d^2 / 2. The gradient of d itself is v / d, a vector of length 1. The square is "
            "usually differentiated, since its derivative is simpler. Far pairs get too much, pairs nearer than 1 too "
            "little."
        ),
    ),
    # Same or not.
    Bug(
        title="Different persons within the margin",
        module="losses.contrastive_squared",
        function="backward",
        old="np.where(same, d, -gap)",
        new="np.where(same, d, gap)",
        difficulty=1,
        cause="sign",
        also=(),
        hint="When d grows, what does margin - d do?",
        explanation=(
            "gap = margin - d falls when d grows: the inner derivative is -1, and it was forgotten. Different persons "
            "are then pulled together, and all embeddings collapse to one point. A loss that settles at margin^2 / 4 "
            "is this collapse."
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
        also=("factor too many",),
        hint="Read F1 to the end, with its constants.",
        explanation=(
            "The derivative of d^2 is 2 d, but the loss is half of it: the 1/2 is there to cancel the 2. Papers differ "
            "on it. The two versions train alike except for the learning rate and the balance with other losses."
        ),
    ),
    Bug(
        title="The same person or not",
        module="losses.contrastive_squared",
        function="backward",
        old="np.where(same, d, -gap)",
        new="np.where(same, -gap, d)",
        difficulty=1,
        cause="wrong mask",
        also=("sign",),
        hint="What does same[p] = True mean on this page, and what in Hadsell's paper?",
        explanation=(
            "Hadsell's Y is 0 for a similar pair and 1 for a different one; here True means the same person. With the "
            "branches swapped, clips of the same person are pushed apart. The printed loss is right and rises from the "
            "first step."
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
        also=("wrong mask", "activation left out"),
        hint="Put two different persons at distance 100: what is their loss?",
        explanation=(
            "Without the maximum, a pair of different persons beyond the margin is pulled back to it, since (margin - "
            "d)^2 grows again. The square hides that the gap is negative. The backward fits this forward, so a "
            "gradient check passes. The kink is part of the definition: compare the forward."
        ),
    ),
    Bug(
        title="Which pairs are still pushed",
        module="losses.contrastive_linear",
        function="backward",
        old="-(gap > 0).astype(d.dtype)",
        new="-(gap >= 0).astype(d.dtype)",
        difficulty=2,
        cause="wrong mask",
        also=("activation left out", "term too many"),
        hint="Which values can gap take after the maximum?",
        explanation=(
            "gap has been through max(..., 0) and is never negative, so >= holds for every pair: different persons "
            "beyond the margin are pushed on for ever. At a single point > or >= would make no difference, but here a "
            "whole half-line is mapped to 0. The loss is 0 for such a pair, and its gradient must be 0 too."
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
            "Where no weights are given they are 1/P, and the line is right. With weights, rare pairs should count "
            "more. They do so in the printed loss, but not in the training. Test optional arguments with values that "
            "are not their default."
        ),
    ),
    Bug(
        title="The slope of a linear loss",
        module="losses.contrastive_linear",
        function="backward",
        old="np.where(same, 1, -(gap > 0).astype(d.dtype))",
        new="np.where(same, d, -gap)",
        difficulty=1,
        cause="wrong operation",
        also=("factor too many", "wrong variable"),
        hint="Is the pull of this loss stronger when a pair is farther apart?",
        explanation=(
            "d and -gap are the derivatives of the squared form with its 1/2. The linear form has slope 1 and -1: the "
            "same pull at any distance. The two pages differ in one line each, and copying one of these lines is "
            "enough."
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
            "1/2 gap^2 gives gap, and gap = margin - d^2 gives -2 d. Here the 2 was kept and the d was lost. Two "
            "different persons at the same place should get no push from this loss, since d = 0. That is a weakness of "
            "this loss, which the wrong line does not have."
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
            "This is the gap of the usual form. The backward of this page expects margin - d^2, so it is the gradient "
            "of neither form. The losses are of about the same size. A margin of 2 means a distance of 2 in one form "
            "and of 1.41 in the other."
        ),
    ),
    # Both together.
    Bug(
        title="What teaches the embedding?",
        module="losses.joint",
        function="backward",
        old="dclassified[level] + dcompared[level]",
        new="dcompared[level]",
        difficulty=1,
        cause="term missing",
        also=(),
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
        cause="factor too many",
        also=("constant factor",),
        hint="Which factor does dlogits already contain?",
        explanation=(
            "The weight is already in dlogits, through the softmax's upstream gradient. Here it is multiplied in again "
            "and counts squared. A factor of the forward appears once on each path back. With weight 1 it cannot be "
            "seen, with 2 it is a factor of two."
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
        also=("forward differs", "term missing"),
        hint="Which level's loss is printed?",
        explanation=(
            "The loop overwrites the loss at each level, and only the last one remains. The backward treats every "
            "level, so training is as it should be. The loss that is printed and compared is wrong. With one level "
            "nothing is wrong."
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
        also=("activation left out", "term missing"),
        hint="Go through F4, F3, F2, F1: which of them has no line?",
        explanation=(
            "This is the gradient by u, returned as the gradient by the embedding. Normalising looks like preparing "
            "the data, but it depends on the embedding and has a derivative. The true gradient is at right angles to "
            "the embedding: test (de * e).sum(axis=1) == 0."
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
        hint="Two scaled copies of u go into the losses. Of which vector is dclassified the gradient?",
        explanation=(
            "linear.backward returns the gradient of its own input, identification_length u. To get to u, multiply by "
            "this length. The classifier's own gradients are right, but the embedding's identification part is 16 "
            "times too small."
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
        also=("factor missing", "term missing", "activation left out"),
        hint="Which of the two losses sees u, and which sees the embedding itself?",
        explanation=(
            "Both losses see u, so both gradients have to be added up before they go back through F1. Here one of them "
            "does not go through F1. In the plain joint loss the pairs do see the embedding, and the line resembles "
            "that page. Collect at u everything that used u, then go on."
        ),
    ),
)
