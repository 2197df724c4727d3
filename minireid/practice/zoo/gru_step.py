"""Planted bugs in the gated recurrent unit: one step, backwards and forwards."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    # The step, backwards.
    Bug(
        title="The update gate learns, and the loss rises",
        module="layers.gru",
        function="step_backward",
        old="dz = dh * (c - h_prev)",
        new="dz = dh * (h_prev - c)",
        difficulty=1,
        cause="sign",
        also=("wrong variable",),
        hint="Look at F5: when z grows a little, does h move towards c or towards h'?",
        explanation=(
            "The derivative of (1 - z) h' + z c by z is c - h'. Other papers write h = z h' + (1 - z) c, where it is "
            "h' - c, and the line is easily copied from one of them. Wz, Uz and bz then climb the loss while all other "
            "parameters descend it. Training still makes progress: only a check shows the mistake."
        ),
    ),
    Bug(
        title="What moves when the update gate moves",
        module="layers.gru",
        function="step_backward",
        old="dz = dh * (c - h_prev)",
        new="dz = dh * c",
        difficulty=1,
        cause="term missing",
        also=(),
        hint="Count how often z occurs in F5.",
        explanation=(
            "z occurs twice in F5: in z c and in (1 - z) h'. The second gives -h'. It is easily overlooked because 1 - "
            "z looks like a gate of its own. At the first frame h' is 0 and the line is right by accident, so a test "
            "on clips of one frame passes."
        ),
    ),
    Bug(
        title="An update gate between brackets",
        module="layers.gru",
        function="step_backward",
        old="dz = dh * (c - h_prev)",
        new="dz = dh * c - h_prev",
        difficulty=1,
        cause="wrong operation",
        also=("factor missing", "term too many"),
        hint="What should every gradient be when dh is zero?",
        explanation=(
            "Without the brackets only c is multiplied by dh, and -h' is added whatever the loss is. A backward is "
            "linear in its upstream gradient: for dh = 0 every gradient must be 0. This test needs no numerical "
            "derivative."
        ),
    ),
    Bug(
        title="A gradient for the candidate",
        module="layers.gru",
        function="step_backward",
        old="dc = dh * z  # F5",
        new="dc = dh * (1 - z)  # F5",
        difficulty=1,
        cause="wrong variable",
        also=(),
        hint="Which of z and 1 - z stands in front of c in F5 of this page?",
        explanation=(
            "Here z says how much of the candidate enters the state, so dc = dh z. In Cho's paper and in PyTorch the "
            "candidate is multiplied by 1 - z, and many derivations follow them. With biases near 0 both gates are "
            "near 1/2, and the wrong line is almost right. With bz = 2 it is far off."
        ),
    ),
    Bug(
        title="The candidate behind its tanh",
        module="layers.gru",
        function="step_backward",
        old="dac = dc * (1 - c * c)  # F4",
        new="dac = dc  # F4",
        difficulty=1,
        cause="activation left out",
        also=("factor missing",),
        hint="Compare what F4 calls c with what it calls ac.",
        explanation=(
            "dc is the gradient of c = tanh(ac). The gradients of Wc and Uc are made from the gradient of ac. If both "
            "have one name, the factor 1 - c^2 is easily lost. Near 0 tanh has slope 1, so with small weights the "
            "error is a few per cent and training hardly changes."
        ),
    ),
    Bug(
        title="The update gate and its squashing function",
        module="layers.gru",
        function="step_backward",
        old="daz = dz * z * (1 - z)  # F1",
        new="daz = dz * (1 - z * z)  # F1",
        difficulty=1,
        cause="wrong activation",
        also=(),
        hint="There are two squashing functions in this step.",
        explanation=(
            "1 - y^2 is the derivative of tanh. The gate is a sigmoid, so its derivative is y (1 - y). In most code "
            "tanh's line is the one above, and it is quickly copied. A sigmoid's slope is never above 1/4: if |daz| > "
            "|dz| / 4 somewhere, the line is wrong."
        ),
    ),
    Bug(
        title="The sigmoid of what?",
        module="layers.gru",
        function="step_backward",
        old="    daz = dz * z * (1 - z)  # F1",
        new="    s, _ = sigmoid.forward(z)\n    daz = dz * s * (1 - s)  # F1",
        difficulty=2,
        cause="wrong variable",
        also=("pre-activation", "wrong activation", "factor too many"),
        hint="z has already been through the sigmoid once.",
        explanation=(
            "sigmoid'(a) = s (1 - s) with s = sigmoid(a), where a is the pre-activation. Here z takes the place of a, "
            "but z is already the output of the sigmoid: the sigmoid is applied twice. It happens with a helper "
            "`dsigmoid(x)`, where x can be the input or the output. The factor then always lies between 0.196 and "
            "0.25, whatever the gate does."
        ),
    ),
    Bug(
        title="A reset gate that is learned too quickly",
        module="layers.gru",
        function="step_backward",
        old="dar = dr * r * (1 - r)  # F2",
        new="dar = dr * r  # F2",
        difficulty=1,
        cause="factor missing",
        also=("activation left out", "wrong activation"),
        hint="Where should the gradient of a gate go when the gate is fully open?",
        explanation=(
            "The slope of the sigmoid is r (1 - r); r alone is the derivative of an exponential. An open gate, r near "
            "1, should hardly learn, but here it gets the largest gradient. Print dar / dr: no entry may be above 1/4."
        ),
    ),
    Bug(
        title="Two gates, two lines that look alike",
        module="layers.gru",
        function="step_backward",
        old="dar = dr * r * (1 - r)  # F2",
        new="dar = dr * z * (1 - z)  # F2",
        difficulty=1,
        cause="wrong variable",
        also=(),
        hint="Read the lines of F1 and F2 letter by letter.",
        explanation=(
            "The line of one gate was copied for the other and changed in one place only. All shapes fit. Both gates "
            "start near 1/2, so z (1 - z) and r (1 - r) are nearly equal at first. The check names Wr, Ur and br, not "
            "Wz: the mistake lies on the path to them."
        ),
    ),
    Bug(
        title="The candidate and the gate in front of it",
        module="layers.gru",
        function="step_backward",
        old="dac = dc * (1 - c * c)  # F4",
        new="dac = dc * z * (1 - c * c)  # F4",
        difficulty=2,
        cause="factor too many",
        also=("term too many",),
        hint="Look one line up: what does dc contain already?",
        explanation=(
            "dc = dh z already contains the update gate. Here it is applied once more, because 'the gate scales the "
            "candidate'. A chain rule has one factor per equation: F5 gives z, F4 gives 1 - c^2. With gates near 1/2, "
            "all gradients that pass through the candidate are about half as large as they should be."
        ),
    ),
    Bug(
        title="What the reset gate is multiplied by",
        module="layers.gru",
        function="step_backward",
        old="dr = dq * h_prev  # F3",
        new="dr = dq * q  # F3",
        difficulty=2,
        cause="wrong variable",
        also=("factor too many",),
        hint="Write F3 down and take its derivative by r.",
        explanation=(
            "q = r h', so dq/dr is h', not q. Only an exponential is its own derivative; a product is not. As q is r "
            "times h', dr is too small by the factor r: the gradients of Wr roughly keep their direction and lose "
            "about half of their length."
        ),
    ),
    Bug(
        title="Once through Uc and back",
        module="layers.gru",
        function="step_backward",
        old="dr = dq * h_prev  # F3",
        new='dr = (dac * h_prev) @ p["Uc"].T  # F4, F3',
        difficulty=2,
        cause="wrong operation",
        also=("wrong variable",),
        hint="In which order does the forward do the two products? In which order should the backward undo them?",
        explanation=(
            "The forward first multiplies by h', element by element, and then by the matrix Uc. The backward starts "
            "with the matrix: (dac Uc^T) h'. The two products cannot be swapped, though the shapes allow it. With one "
            "state, S = 1, both orders give the same, so never test with S = 1."
        ),
    ),
    Bug(
        title="A state that is only carried over",
        module="layers.gru",
        function="step_backward",
        old="dh_prev = dh * (1 - z) + dq * r +",
        new="dh_prev = dq * r +",
        difficulty=1,
        cause="term missing",
        also=(),
        hint="Follow h' through F1 to F5 and count its uses.",
        explanation=(
            "h' goes straight into h with weight 1 - z. This path carries gradients over many frames with little "
            "damping: it is the reason to use gates. Without it a GRU learns like a plain recurrence. dx of the last "
            "frame stays right, and the earlier the frame, the smaller its dx gets."
        ),
    ),
    Bug(
        title="Gates that look at the past",
        module="layers.gru",
        function="step_backward",
        old=('dh_prev = dh * (1 - z) + dq * r + dar @ p["Ur"].T + daz @ p["Uz"].T  # F5, F3, F2, F1'),
        new="dh_prev = dh * (1 - z) + dq * r  # F5, F3",
        difficulty=2,
        cause="term missing",
        also=(),
        hint="On what do z and r depend?",
        explanation=(
            "h' is used in four places, and here only in two: the gates are treated as constants. It happens when F5 "
            "is differentiated with z and r 'given'. What the last frame adds to the gradients is right, what earlier "
            "frames add is a little wrong. The check of a single step shows it in h_prev at once."
        ),
    ),
    Bug(
        title="A state seen through the reset gate",
        module="layers.gru",
        function="step_backward",
        old="+ dq * r +",
        new="+ dq +",
        difficulty=1,
        cause="factor missing",
        also=("wrong variable",),
        hint="Whose gradient is dq, and what is its forward line?",
        explanation=(
            "dq is the gradient of q = r h'. To get to h' it has to go back through that product: dq r. Adding dq "
            "itself means taking q for h'. A closed reset gate (r = 0) cuts the candidate off from the past, so no "
            "gradient may pass there either."
        ),
    ),
    Bug(
        title="What is kept of the old state",
        module="layers.gru",
        function="step_backward",
        old="dh_prev = dh * (1 - z) + dq * r",
        new="dh_prev = dh + dq * r",
        difficulty=1,
        cause="factor missing",
        also=("term too many",),
        hint="How much of h' is left in h if the update gate is wide open?",
        explanation=(
            "The state is carried over with weight 1 - z, and so is its gradient. The line looks like a residual "
            "connection, h = h' + ..., through which dh does pass unchanged. Over many frames the gradient then does "
            "not fade as it should: the earlier the frame, the larger the error of its dx."
        ),
    ),
    Bug(
        title="Two matrices from the gates to the past",
        module="layers.gru",
        function="step_backward",
        old='dar @ p["Ur"].T + daz @ p["Uz"].T',
        new='dar @ p["Uz"].T + daz @ p["Ur"].T',
        difficulty=1,
        cause="wrong variable",
        also=(),
        hint="Every gradient goes back through the matrix that its own pre-activation came through.",
        explanation=(
            "az was computed with Uz and ar with Ur, so their gradients return through the same matrices. All four "
            "arrays have a shape that fits, so no error is raised. The gradients of the parameters of one step are all "
            "right and only h_prev is wrong: a check of the step alone points to this line."
        ),
    ),
    Bug(
        title="What Uc was multiplied by",
        module="layers.gru",
        function="step_backward",
        old='"Uc": q.T @ dac',
        new='"Uc": h_prev.T @ dac',
        difficulty=2,
        cause="wrong variable",
        also=("factor missing",),
        hint="The three U are not used alike.",
        explanation=(
            "Uz and Ur see h', but Uc sees q = r h'. The pattern of the lines above suggests h'. The gradient of a "
            "matrix is always A^T times the gradient of the product, where A stood on its left in the forward. Look A "
            "up, do not guess it by symmetry."
        ),
    ),
    Bug(
        title="The gradient of a square matrix",
        module="layers.gru",
        function="step_backward",
        old='"Uz": h_prev.T @ daz',
        new='"Uz": daz.T @ h_prev',
        difficulty=1,
        cause="transposed",
        also=(),
        hint="Which index of U belongs to the old state, which to the new one?",
        explanation=(
            "For y = A B the rule is dB = A^T dy. The other order gives the transposed matrix. For a square U all "
            "shapes fit; for Wz an error would be raised at once. Papers that write U h with columns do have dU = da "
            "h^T, but this page multiplies rows from the left."
        ),
    ),
    Bug(
        title="Seven values out of a cache",
        module="layers.gru",
        function="step_backward",
        old="x, h_prev, z, r, q, c, p = cache",
        new="x, h_prev, r, z, q, c, p = cache",
        difficulty=2,
        cause="wrong variable",
        also=(),
        hint="Not every mistake of a backward is in its mathematics.",
        explanation=(
            "The step packs z before r, and here r is unpacked before z. Every formula below is right, but for the "
            "wrong array. When almost every gradient is wrong at once, first look at what is taken out of the cache, "
            "and only then for a wrong formula."
        ),
    ),
    Bug(
        title="Saving an array on the way to dc",
        module="layers.gru",
        function="step_backward",
        old="    dc = dh * z  # F5",
        new="    dc = dh\n    dc *= z  # F5, in place: no new array",
        difficulty=3,
        cause="old value",
        also=("shared memory", "factor too many", "wrong variable"),
        hint="After this line, print dh.",
        explanation=(
            "dc = dh gives the array a second name and makes no copy. The *= then changes dh as well, and dh_prev "
            "below uses dh z (1 - z). dz was computed before and is right. The caller's array is changed too: call the "
            "function twice with the same dh and the second result differs."
        ),
    ),
    # The step, forwards.
    Bug(
        title="A candidate from another paper",
        module="layers.gru",
        function="step_forward",
        old='ac = x @ p["Wc"] + q @ p["Uc"] + p["bc"]',
        new='ac = x @ p["Wc"] + r * (h_prev @ p["Uc"]) + p["bc"]',
        difficulty=2,
        cause="forward differs",
        also=("wrong operation",),
        hint="There are two GRUs in the literature.",
        explanation=(
            "Cho's unit resets the state before the product with Uc, PyTorch's after it. This forward is PyTorch's and "
            "the backward below is Cho's. Each alone is right. The two units agree where r is the same for all states, "
            "so the outputs look alike: compare numbers with a reference, not curves."
        ),
    ),
    Bug(
        title="Two gates that start alike",
        module="layers.gru",
        function="step_forward",
        old='ar = x @ p["Wr"] + h_prev @ p["Ur"] + p["br"]',
        new='ar = x @ p["Wr"] + h_prev @ p["Uz"] + p["br"]',
        difficulty=1,
        cause="wrong variable",
        also=("forward differs",),
        hint="Which parameters does the forward never touch?",
        explanation=(
            "The line of the update gate was copied, and only two of its three names were changed. Ur is then never "
            "used: its true gradient is zero, while the backward returns something else. If the numerical gradient of "
            "a parameter is zero everywhere, the forward does not use it."
        ),
    ),
    Bug(
        title="What the step keeps of its reset gate",
        module="layers.gru",
        function="step_forward",
        old="Step(x, h_prev, z, r, q, c, p)",
        new="Step(x, h_prev, z, ar, q, c, p)",
        difficulty=2,
        cause="pre-activation",
        also=("old value", "wrong variable"),
        hint="A sigmoid lies between 0 and 1: are all of the values in the cache what their names say?",
        explanation=(
            "The cache holds ar under the name r, so r (1 - r) and dq r are computed from the value before the "
            "sigmoid. The outputs of the forward are right, but its cache is not. Asserting 0 < r < 1 in the backward "
            "shows it at once."
        ),
    ),
)
