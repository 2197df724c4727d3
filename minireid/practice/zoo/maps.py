"""Planted bugs in what works on maps: the convolution and two of its kernels, the max-pool, the block."""

from minireid.practice.zoo.bug import Bug

BUGS = (
    # The convolution layer.
    Bug(
        title="A bias for every filter",
        module="layers.conv2d",
        function="backward",
        old="db = dy.sum(axis=(0, 1, 2))",
        new="db = dy.sum(axis=(0, 1))",
        difficulty=1,
        cause="wrong axes",
        also=("term missing",),
        hint="Which axes does y have that b does not have?",
        explanation=(
            "b[o] is added at every clip, row and column; its gradient is the sum over all three. Summing over 'batch "
            "and space' with one axis for space leaves (WO, C_out). The shape shows the mistake, unless an optimiser "
            "broadcasts it into b."
        ),
    ),
    Bug(
        title="A bias on large maps and on small ones",
        module="layers.conv2d",
        function="backward",
        old="db = dy.sum(axis=(0, 1, 2))",
        new="db = dy.mean(axis=(1, 2)).sum(axis=0)",
        difficulty=1,
        cause="constant factor",
        also=(),
        hint="How many values of y change when b[o] changes?",
        explanation=(
            "All HO WO pixels move by as much as b moves, so their gradients add up. A mean over pixels is HO WO times "
            "too small. The reason given is that large maps should not count more, but W's gradient is a sum over "
            "pixels as well. The check shows the same ratio for all filters."
        ),
    ),
    # The definition in loops.
    Bug(
        title="The kernel on its way back",
        module="kernels.loops",
        function="backward_input",
        old="dx[in_x] += dy[in_y] * W[in_W]  # F2",
        new="dx[in_x] += dy[in_y] * W[::-1, ::-1][in_W]  # F2",
        difficulty=2,
        cause="flipped kernel",
        also=("wrong index",),
        hint="Which weight was this x multiplied by in this y?",
        explanation=(
            "The textbooks say that dx is 'dy convolved with the flipped kernel'. That is right when the sum is "
            "ordered by the pixels of x. This loop goes over the products of the forward, and each product passes dy "
            "back through the weight that it used. For symmetric kernels, such as 1 x 1, both agree."
        ),
    ),
    Bug(
        title="Windows at the edge",
        module="kernels.loops",
        function="products",
        old="if 0 <= h < H and 0 <= w < W:",
        new="if h < H and w < W:",
        difficulty=3,
        cause="padding border",
        also=("forward differs", "wrong index"),
        hint="What is x[n, -1] in Python?",
        explanation=(
            "A negative index raises no error in Python: it counts from the other end, so the upper padding shows the "
            "lowest row. Outside must mean 0 on all four sides. Forward and backward share the mistake, so a gradient "
            "check passes: only a comparison with another convolution shows it. With padding 0 there is no mistake."
        ),
    ),
    Bug(
        title="The size of the output map",
        module="kernels.loops",
        function="output_size",
        old="return (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1",
        new="return (H + padding - KH) // stride + 1, (W + padding - KW) // stride + 1",
        difficulty=1,
        cause="padding border",
        also=("forward differs", "wrong index", "wrong operation"),
        hint="On how many sides is the map padded?",
        explanation=(
            "Padding is added at the top and at the bottom, so a column has H + 2 p pixels. With one p the last "
            "windows are left out. With stride 2 the division sometimes hides it: try H odd and even. A 3 x 3 kernel "
            "with padding 1 and stride 1 must give a map of the same size."
        ),
    ),
    # The same by one matrix product.
    Bug(
        title="Rows put back where they came from",
        module="kernels.im2col",
        function="backward_input",
        old="kh : kh + HO * stride : stride, kw : kw + WO * stride : stride] += dX",
        new="kh : kh + HO, kw : kw + WO] += dX",
        difficulty=2,
        cause="stride ignored",
        also=("wrong index",),
        hint="From which rows of the padded map were the windows cut?",
        explanation=(
            "Window i starts at row i s. Without the stride the gradients of all windows go to the upper left corner. "
            "With stride 1 the line is right, and most networks have no other. Look at a picture of dx: its lower and "
            "right parts are empty."
        ),
    ),
    Bug(
        title="Windows that share pixels",
        module="kernels.im2col",
        function="backward_input",
        old=(
            "  # at one (kh, kw) all windows touch different pixels, so += loses nothing\n"
            "            dpadded[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride] +="
        ),
        new="\n            dpadded[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride] =",
        difficulty=2,
        cause="= for +=",
        also=("term missing",),
        hint="How many windows of a 3 x 3 kernel see the same pixel?",
        explanation=(
            "Windows overlap: a pixel is in up to KH KW of them and gets a gradient from each. Here the last one "
            "overwrites the others. The line looks like undoing a copy, and a copy is undone with =. Where the stride "
            "is at least the kernel's size nothing overlaps, and the line is right."
        ),
    ),
    Bug(
        title="The padding around the map",
        module="kernels.im2col",
        function="backward_input",
        old="return dpadded[:, padding : padding + H, padding : padding + Wd]",
        new="return dpadded[:, :H, :Wd]",
        difficulty=2,
        cause="padding border",
        also=("wrong index",),
        hint="Where in the padded map does the map begin?",
        explanation=(
            "The padding lies on all four sides, so the map begins at row and column p. Cutting at the end only keeps "
            "two sides of the padding and moves everything by p pixels. The shape is right. A test with padding 0 "
            "passes; a picture of dx beside x shows the shift."
        ),
    ),
    Bug(
        title="A matrix of kernels",
        module="kernels.im2col",
        function="backward_input",
        old="dX = (dy.reshape(-1, O) @ W.reshape(-1, O).T)",
        new="dX = (dy.reshape(-1, O) @ W.reshape(O, -1))",
        difficulty=2,
        cause="transposed",
        also=("wrong index",),
        hint="Is (2, 3) reshaped to (3, 2) the same as its transpose?",
        explanation=(
            "reshape(O, -1) has the shape of the transpose, but not its content: the numbers stay in their order and "
            "only the rows are cut differently. It was meant to save the .T. With one output channel both are the "
            "same, so test with several."
        ),
    ),
    # Max-pool and block.
    Bug(
        title="All values of a window",
        module="layers.maxpool2d",
        function="backward",
        old="dx[here] += dy * (winner == k)",
        new="dx[here] += dy / len(slices)",
        difficulty=1,
        cause="wrong operation",
        also=("wrong mask", "term too many"),
        hint="Move one value that is not the largest: what does y do?",
        explanation=(
            "Sharing equally is the backward of an average pool. The maximum does not move when another value moves a "
            "little, so the other values get 0 and the winner gets everything. The sum of dx is right in both, so a "
            "check of sums shows nothing."
        ),
    ),
    Bug(
        title="A value that wins twice",
        module="layers.maxpool2d",
        function="backward",
        old="dx[here] += dy * (winner == k)",
        new="dx[here] = dy * (winner == k)",
        difficulty=3,
        cause="= for +=",
        also=("term missing",),
        hint="Use a window of 3 with stride 1.",
        explanation=(
            "Where windows overlap, a pixel is reached by several offsets k, and each = overwrites the value from an "
            "earlier one, often with a 0. In the usual 2 x 2 pool with stride 2 every pixel is reached once and the "
            "line is right: test rare settings too."
        ),
    ),
    Bug(
        title="Which value is the maximum",
        module="layers.maxpool2d",
        function="forward",
        old=(
            "        np.copyto(winner, k, where=x[here] > y)"
            "  # before y changes; strict >, so the first of equal values wins\n"
            "        y = np.maximum(y, x[here])  # F1"
        ),
        new="        y = np.maximum(y, x[here])  # F1\n        np.copyto(winner, k, where=x[here] > y)",
        difficulty=2,
        cause="old value",
        also=("wrong mask",),
        hint="Can a value be greater than a maximum that it is part of?",
        explanation=(
            "y already holds the new maximum when it is compared, so no value is ever greater and winner stays 0. The "
            "outputs are right, but all gradients go to the upper left pixel of each window. Print "
            "np.bincount(winner.ravel()): every offset should win about equally often."
        ),
    ),
    Bug(
        title="Where the windows are",
        module="layers.maxpool2d",
        function="offsets",
        old="np.s_[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride]",
        new="np.s_[:, kh : kh + HO, kw : kw + WO]",
        difficulty=2,
        cause="stride ignored",
        also=("forward differs", "wrong index"),
        hint="Which part of x has no influence on y at all?",
        explanation=(
            "The number of windows is divided by the stride, but the windows are placed as if the stride were 1: only "
            "the upper left quarter of the map is seen. The shape of y is right. The backward uses the same slices, so "
            "it is the right derivative of this wrong function. Compare the forward."
        ),
    ),
    Bug(
        title="Three layers and the way back",
        module="layers.conv_block",
        function="backward",
        old="dm = activation.backward(dy, activation_cache)  # F3\n    dz = maxpool2d.backward(dm, pool_cache)  # F2",
        new="dz = maxpool2d.backward(dy, pool_cache)  # F2",
        difficulty=1,
        cause="activation left out",
        also=("factor missing",),
        hint="Count the layers in the forward and in the backward.",
        explanation=(
            "The activation has no parameters, so it is easily forgotten. Its factor 1 - y^2 is near 1 for small "
            "inputs, so the gradients are a little too large. Saturated units still get a gradient. The ratio of wrong "
            "to right varies from entry to entry: that is no constant factor."
        ),
    ),
    Bug(
        title="What the block keeps",
        module="layers.conv_block",
        function="forward",
        old="return y, (conv_cache, pool_cache, activation_cache, activation)",
        new="return y, (conv_cache, pool_cache, m, activation)",
        difficulty=2,
        cause="pre-activation",
        also=("old value", "wrong variable"),
        hint="Would you notice it with ReLU?",
        explanation=(
            "The activation's backward expects its own cache, which is its output y. It gets its input m and computes "
            "1 - m^2. For ReLU, m > 0 and y > 0 are the same, so the block is right with one activation and wrong with "
            "the other. A cache belongs to the layer that made it: hand it back unchanged."
        ),
    ),
)
