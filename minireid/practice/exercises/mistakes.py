"""Typical mistakes of students, for pages of which the zoo has too few.

A mistake is an edit of a page: `old` stands once in it. said: one sentence that points at the mistake and leaves the
mending to the student.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    """old: "" means that `new` is the whole text of the module."""

    module: str
    old: str
    new: str
    said: str


LAYERS, LOSSES, PAGES = "minireid.layers.", "minireid.losses.", "minireid.practice.exercises.pages."
IM2COL, OPTIMISERS, RANKING = "minireid.kernels.im2col", "minireid.training.optimisers", "minireid.evaluation.ranking"

OWN: dict[str, tuple[Mistake, ...]] = {
    "linear": (
        Mistake(
            LAYERS + "linear",
            '+ p["b"]  # F1',
            '+ 0 * p["b"]',
            "every output is off by the same row: is the bias added?",
        ),
        Mistake(
            LAYERS + "linear",
            "db = drows.sum(axis=0)",
            "db = drows.mean(axis=0)",
            "db has the right direction and the wrong size: is the loss a sum or a mean over the rows?",
        ),
        Mistake(
            LAYERS + "linear",
            "dW = rows.T @ drows",
            "dW = drows.T @ rows",
            "dW is turned: which of its axes belongs to the input?",
        ),
        Mistake(
            LAYERS + "linear",
            "db = drows.sum(axis=0)",
            "db = drows.sum(axis=1)",
            "db has one entry for each row, not for each output: over which axis is b shared?",
        ),
        Mistake(
            LAYERS + "linear",
            'drows @ p["W"].T',
            '-drows @ p["W"].T',
            "dx points the wrong way",
        ),
    ),
    "tanh_sigmoid": (
        Mistake(
            LAYERS + "tanh",
            "1 - y * y)",
            "1 - y)",
            "the derivative of tanh: differentiate sinh/cosh, or try y = 0.5 by hand",
        ),
        Mistake(
            LAYERS + "tanh",
            "dy * (1 - y * y)",
            "1 - y * y",
            "the upstream gradient dy does not come in",
        ),
        Mistake(
            LAYERS + "sigmoid",
            "dy * y * (1 - y)",
            "dy * y * (y - 1)",
            "the derivative of the sigmoid has the wrong sign: a sigmoid only rises",
        ),
        Mistake(
            LAYERS + "sigmoid",
            "np.where(positive, 1, e) / (1 + e)",
            "1 / (1 + np.exp(-x)) ** 2",
            "the sigmoid is squared somewhere, or its denominator is",
        ),
        Mistake(
            LAYERS + "tanh",
            "np.tanh(x)  # F1",
            "np.sinh(x) / np.cosh(x)",
            "large arguments overflow: sinh and cosh are infinite where tanh is 1",
        ),
    ),
    "temporal_mean": (
        Mistake(
            LAYERS + "temporal_mean",
            "weight = valid / valid.sum(",
            "weight = valid / len(h) / 1 ** valid.sum(",
            "the sum is divided by the number of clips, not of frames",
        ),
        Mistake(
            LAYERS + "temporal_mean",
            "h_shape) * weight",
            "h_shape) * (weight > 0)",
            "each valid frame gets the whole gradient: how much does one frame move the mean?",
        ),
        Mistake(
            LAYERS + "temporal_mean",
            "h_shape) * weight",
            "h_shape) / h_shape[1]",
            "padding gets a gradient, or all clips count as full: use lengths in backward too",
        ),
        Mistake(
            LAYERS + "temporal_mean",
            "np.broadcast_to(dy[:, None], h_shape) * weight",
            "dy",
            "the gradient has no time axis: each frame of h needs its own",
        ),
        Mistake(
            LAYERS + "temporal_mean",
            "valid_frames(h, lengths)  #",
            "valid_frames(h, None)  #",
            "padding is averaged too: which frames count?",
        ),
    ),
    "softmax": (
        Mistake(
            LOSSES + "softmax",
            "return dx * (dloss / N)",
            "return dx * dloss",
            "the gradient is N times too large: the loss is a mean",
        ),
        Mistake(
            LOSSES + "softmax",
            "labels] -= 1",
            "labels] -= 0",
            "the gradient lacks the term of the right class",
        ),
        Mistake(
            LOSSES + "softmax",
            "labels].mean()",
            "labels].sum()",
            "the loss is a sum over the rows; F2 is a mean",
        ),
        Mistake(
            LOSSES + "softmax",
            "x - x.real.max(axis=1, keepdims=True)",
            "x",
            "a large logit overflows: subtract the largest of each row first",
        ),
        Mistake(
            LOSSES + "softmax",
            "return dx * (dloss / N)",
            "return dx / N",
            "the upstream gradient dloss does not come in",
        ),
        Mistake(
            LOSSES + "softmax",
            "dx = np.exp(logp)",
            "dx = -np.exp(logp)",
            "the two terms of the gradient are both negative: look at the sign of the probabilities",
        ),
    ),
    "finite_differences": (
        Mistake(
            PAGES + "differences",
            "/ (2 * h)  # F1",
            "/ h",
            "twice too large: how far apart are the two points?",
        ),
        Mistake(
            PAGES + "differences",
            "(f(up) - f(down)) / (2 * h)",
            "(f(up) - f(x)) / h",
            "a one-sided difference: its error is of order h, not h^2",
        ),
        Mistake(
            PAGES + "differences",
            "up, down = x.copy(), x.copy()",
            "up, down = x, x.copy()",
            "x itself is moved: the caller's array must be as before",
        ),
        Mistake(
            PAGES + "differences",
            "central(f, x, 2 * h)) / 3",
            "central(f, x, h / 2)) / 3",
            "F2 takes D at h and at 2 h",
        ),
        Mistake(
            PAGES + "differences",
            "4 * central",
            "2 * central",
            "F2: the h^2 terms must cancel; look at its factors",
        ),
    ),
    "complex_step": (
        Mistake(
            PAGES + "complex_step",
            "slope[k] = f(moved).imag / 1e-30",
            "slope[k] = f(moved).real / 1e-30",
            "the value is taken in place of its imaginary part",
        ),
        Mistake(
            PAGES + "complex_step",
            "slope[k] = f(moved).imag / 1e-30",
            "slope[k] = (f(x + (moved - x).imag * 1e24) - f(x)) / 1e-6",
            "differences are taken: f is so large that nothing is left of them",
        ),
        Mistake(
            PAGES + "complex_step",
            "moved = x.astype(complex)",
            "moved = x.copy()",
            "the imaginary step is lost: a float array cannot hold it",
        ),
        Mistake(
            PAGES + "complex_step",
            "1e-30j * v).imag / 1e-30",
            "1e-30j * v).imag",
            "the result is not divided by the step",
        ),
        Mistake(
            PAGES + "complex_step",
            "1e-30j * v).imag",
            "1e-30j).imag",
            "the direction v does not come in",
        ),
    ),
    "sgd": (
        Mistake(
            OPTIMISERS,
            "p -= learning_rate * v  # F2",
            "p = p - learning_rate * v",
            "the caller's p does not change: p = ... makes a new array",
        ),
        Mistake(
            OPTIMISERS,
            "p -= learning_rate * v  # F2",
            "p += learning_rate * v",
            "the step goes uphill",
        ),
        Mistake(
            OPTIMISERS,
            "(1 - dampening) * g if state",
            "g if state",
            "the dampening is missing",
        ),
        Mistake(
            OPTIMISERS,
            "* g if state else g.copy()",
            "* g if state else (1 - dampening) * g",
            "at the first step v is g itself, without dampening",
        ),
        Mistake(
            OPTIMISERS,
            'return {"v": v}',
            'return {"v": -learning_rate * v}',
            "the state holds the step, not the velocity v",
        ),
    ),
    "conv2d": (
        Mistake(
            LAYERS + "conv2d",
            "db = dy.sum(axis=(0, 1, 2))",
            "db = dy.sum(axis=(0, 1))",
            "db has an axis too many: b is shared by all pixels of all clips",
        ),
        Mistake(
            IM2COL,
            "+= dX[:, :, :, kh, kw]",
            "= dX[:, :, :, kh, kw]",
            "windows overlap: a pixel gets the sum over all of them",
        ),
        Mistake(
            IM2COL,
            "return dpadded[:, padding : padding + H, padding : padding + Wd]",
            "return dpadded",
            "dx still has the padding around it",
        ),
        Mistake(
            IM2COL,
            "O) @ W.reshape(-1, O).T",
            "O) @ W[::-1, ::-1].reshape(-1, O).T",
            "for dx each weight meets the pixel that it met in the forward: do not turn the kernel round",
        ),
        Mistake(
            IM2COL,
            "X.reshape(-1, KH * KW * C).T @ dy",
            "X[::-1].reshape(-1, KH * KW * C).T @ dy",
            "dW mixes clips: windows and dy must be in the same order",
        ),
        Mistake(
            IM2COL,
            "W.reshape(KH * KW * C, O) + b",
            "W.reshape(KH * KW * C, O)",
            "the bias is not added",
        ),
    ),
    "maxpool2d": (
        Mistake(
            LAYERS + "maxpool2d",
            "dx[here] += dy",
            "dx[here] = dy",
            "a pixel that is the maximum of several windows keeps only one of their gradients",
        ),
        Mistake(
            LAYERS + "maxpool2d",
            "dx[here] += dy * (winner == k)",
            "dx[here] += dy",
            "every pixel of a window gets the gradient: who was the maximum?",
        ),
        Mistake(
            LAYERS + "maxpool2d",
            "y = np.maximum(y, x[here])  # F1",
            "y = np.minimum(y, x[here])",
            "the smallest value is taken, not the largest",
        ),
        Mistake(
            LAYERS + "maxpool2d",
            "(H - window[0]) // stride + 1, (W",
            "(H - window[0]) // stride, (W",
            "one row of windows is missing: count them for H = window",
        ),
        Mistake(
            LAYERS + "maxpool2d",
            "dx[here] += dy * (winner == k)",
            "dx[here] += dy / len(slices)",
            "all pixels of a window share the gradient: that is a mean; who was the maximum?",
        ),
    ),
    "gru_step": (
        Mistake(
            LAYERS + "gru",
            "dz = dh * (c - h_prev)",
            "dz = dh * (h_prev - c)",
            "dz has the wrong sign: does h move towards c or towards h' when z grows?",
        ),
        Mistake(
            LAYERS + "gru",
            " + dq * r + dar",
            " + dar",
            "dh_prev lacks the use of h' in q (F3)",
        ),
        Mistake(
            LAYERS + "gru",
            '"Uc": q.T @ dac',
            '"Uc": h_prev.T @ dac',
            "dUc: which array was multiplied by Uc in F4?",
        ),
        Mistake(
            LAYERS + "gru",
            "dar = dr * r * (1 - r)",
            "dar = dr * (1 - r)",
            "the derivative of the sigmoid in F2 is not whole",
        ),
        Mistake(
            LAYERS + "gru",
            "h = (1 - z) * h_prev + z * c",
            "h = z * h_prev + (1 - z) * c",
            "F5 is the other way round: z and 1 - z",
        ),
        Mistake(
            LAYERS + "gru",
            '"bz": daz.sum(axis=0)',
            '"bz": daz.sum(axis=1)',
            "dbz has one entry for each clip: over which axis is bz shared?",
        ),
    ),
    "bptt": (
        Mistake(
            LAYERS + "elman",
            "dh[:, t] + dh_next",
            "dh[:, t]",
            "the gradient of frame t + 1 does not come in (dh_next)",
        ),
        Mistake(
            LAYERS + "elman",
            "grads[name] += step_grads[name]",
            "grads[name] = step_grads[name]",
            "the gradients of the parameters are those of one frame, not the sum over all",
        ),
        Mistake(
            LAYERS + "elman",
            "for t in reversed(range(len(steps))):",
            "for t in range(len(steps)):",
            "the loop runs forward in time: what does the gradient of frame t need first?",
        ),
        Mistake(
            LAYERS + "elman",
            "h_t, step = step_forward(x[:, t], h_t, p)",
            "h_t, step = step_forward(x[:, t], 0 * h_t, p)",
            "h' is always 0: the state is not passed on",
        ),
        Mistake(
            LAYERS + "elman",
            "dh[:, t] + dh_next",
            "dh[:, t] + 2 * dh_next",
            "the gradient of frame t + 1 comes in twice",
        ),
        Mistake(
            LAYERS + "elman",
            "dh[:, t] + dh_next",
            "dh[:, -1] + dh_next",
            "the output gradient of the last frame is used at every frame",
        ),
    ),
    "lstm_step": (
        Mistake(
            LAYERS + "lstm",
            "dc = dc + dsquashed *",
            "dc = dsquashed *",
            "the gradient dc that comes from the next frame is lost",
        ),
        Mistake(
            LAYERS + "lstm",
            "dc_prev = dc * f",
            "dc_prev = dc",
            "dc_prev: c' is multiplied by f in F4",
        ),
        Mistake(
            LAYERS + "lstm",
            "df = dc * c_prev",
            "df = dc * candidate",
            "df: by what is f multiplied in F4?",
        ),
        Mistake(
            LAYERS + "lstm",
            "do = dh * squashed",
            "do = dh * c_prev",
            "do: by what is o multiplied in F6?",
        ),
        Mistake(
            LAYERS + "lstm",
            "c = f * c_prev + i * candidate",
            "c = f * c_prev + (1 - f) * candidate",
            "F4 uses i, not 1 - f",
        ),
        Mistake(
            LAYERS + "lstm",
            "(1 - squashed * squashed)",
            "(1 - squashed)",
            "the derivative of tanh(c) in F6 is not whole",
        ),
    ),
    "truncated_bptt": (
        Mistake(
            PAGES + "truncated_bptt",
            "if (t + 1) % truncate == 0:",
            "if t % truncate == 0:",
            "the cut is one frame off: is frame t the last or the first of its piece?",
        ),
        Mistake(
            PAGES + "truncated_bptt",
            "if (t + 1) % truncate == 0:",
            "if False:",
            "nothing is cut: this is full BPTT",
        ),
        Mistake(
            PAGES + "truncated_bptt",
            "if (t + 1) % truncate == 0:",
            "if (len(steps) - 1 - t) % truncate == 0:",
            "pieces are counted from the end; they begin at frame 0",
        ),
        Mistake(
            PAGES + "truncated_bptt",
            "if (t + 1) % truncate == 0:",
            "if True:",
            "every frame is cut from the next",
        ),
        Mistake(
            PAGES + "truncated_bptt",
            "grads[name] += step_grads[name]",
            "grads[name] = step_grads[name]",
            "the gradients of the parameters are those of one frame, not the sum over all",
        ),
    ),
    "attention": (
        Mistake(
            LAYERS + "attentive_rnn",
            "(dalpha - (alpha_t * dalpha).sum(axis=1, keepdims=True))",
            "dalpha",
            "the softmax: each alpha depends on all scores of its frame",
        ),
        Mistake(
            LAYERS + "attentive_rnn",
            "dm[:, None] + ds[:, :, None] * w_h",
            "dm[:, None]",
            "h_i is used in its score too (F2), not only in the sum (F4)",
        ),
        Mistake(
            LAYERS + "attentive_rnn",
            "dag[:, t] = dah[:, t] + dg *",
            "dag[:, t] = dg *",
            "ag_t is used in F5 too, not only in g_t",
        ),
        Mistake(
            LAYERS + "attentive_rnn",
            "dh[:, t - 1] += dag[:, t]",
            "dh[:, t - 1] = dag[:, t]",
            "the gradient that h_(t-1) got from later frames is overwritten",
        ),
        Mistake(
            LAYERS + "attentive_rnn",
            "dw[:S] += np",
            "dw[:S] = np",
            "dw keeps one frame only: it is a sum over all",
        ),
        Mistake(
            LAYERS + "attentive_rnn",
            '"b": dag.sum(axis=(0, 1))',
            '"b": dah.sum(axis=(0, 1))',
            "db: b is in ag_t, which is used twice",
        ),
    ),
    "contrastive": (
        Mistake(
            LOSSES + "contrastive_squared",
            "np.where(same, d, -gap)",
            "np.where(same, d, gap)",
            "a negative pair is pulled together: look at the sign of its slope",
        ),
        Mistake(
            LOSSES + "contrastive_squared",
            "d * d, gap * gap) / 2)",
            "d * d, gap * gap))",
            "the factor 1/2 of F1 is missing",
        ),
        Mistake(
            LOSSES + "pair_distance",
            "np.add.at(dx, pairs[:, 0], dv)",
            "dx[pairs[:, 0]] += dv",
            "a row in several pairs keeps one of their gradients: += with an index array adds once",
        ),
        Mistake(
            LOSSES + "contrastive_squared",
            "np.maximum(margin - d, 0)",
            "margin - d",
            "a negative pair beyond the margin still counts: its loss is 0",
        ),
        Mistake(
            LOSSES + "pair_distance",
            "np.add.at(dx, pairs[:, 1], -dv)",
            "pass",
            "only one row of each pair gets a gradient",
        ),
        Mistake(
            LOSSES + "contrastive_squared",
            "* weights * dloss",
            "* weights",
            "the upstream gradient dloss does not come in",
        ),
    ),
    "triplet": (
        Mistake(
            LOSSES + "triplet_hard",
            "np.add.at(dd, hardest_positive, dgap)",
            "dd[hardest_positive] += dgap",
            "a pair that is the hardest of several anchors keeps one of their gradients",
        ),
        Mistake(
            LOSSES + "triplet_hard",
            "np.add.at(dd, hardest_negative, -dgap)",
            "np.add.at(dd, hardest_negative, dgap)",
            "the hardest negative is pulled, not pushed",
        ),
        Mistake(
            LOSSES + "triplet_hard",
            "loss = np.maximum(gap, 0).mean()",
            "loss = np.maximum(gap, 0).sum()",
            "the loss is a sum over the anchors; F3 is a mean",
        ),
        Mistake(
            LOSSES + "triplet_hard",
            "np.inf).argmin(axis=1)  # F2",
            "-np.inf).argmax(axis=1)",
            "the negative is the farthest, not the nearest",
        ),
        Mistake(
            LOSSES + "triplet_hard",
            " * dloss / max(1, len(gap))",
            " / max(1, len(gap))",
            "the upstream gradient dloss does not come in",
        ),
        Mistake(
            LOSSES + "triplet_hard",
            " * dloss / max(1, len(gap))",
            " * dloss",
            "the gradient is not divided by the number of anchors",
        ),
    ),
    "cmc_map": (
        Mistake(
            RANKING,
            "1 + before[0]",
            "0 + before[0]",
            "ranks begin at 1",
        ),
        Mistake(
            RANKING,
            "len(compared) - len(true) - below",
            "np.count_nonzero(compared > t) - np.count_nonzero(true > t)",
            "ties and NaN: an impostor that is not below counts as before",
        ),
        Mistake(
            RANKING,
            "(j / (j + before)).sum() / len(before)",
            "(j / (j + before)).sum() / max(1, np.isfinite(before).sum())",
            "a true match without a score still counts in the mean (F3)",
        ),
        Mistake(
            RANKING,
            "(j / (j + before)).sum() / len(before)",
            "(1 / (1 + before)).sum() / len(before)",
            "F3 counts the true matches before this one too",
        ),
        Mistake(
            RANKING,
            "np.asarray(ranks)).mean(axis=0)",
            "np.asarray(ranks)).mean(axis=1)",
            "the share is over the probes: which axis is theirs?",
        ),
    ),
    "training_step": (
        Mistake(
            PAGES + "training_step",
            "p[name] -= learning_rate * velocity[name]",
            "p[name] += learning_rate * velocity[name]",
            "the step goes uphill",
        ),
        Mistake(
            PAGES + "training_step",
            "g = np.clip(gradient, -limit, limit)",
            "g = gradient",
            "nothing is clipped",
        ),
        Mistake(
            PAGES + "training_step",
            "p[name] -= learning_rate * velocity[name]",
            "p[name] = p[name] * 1.0",
            "the caller's arrays in p do not change",
        ),
        Mistake(
            PAGES + "training_step",
            "g = np.clip(gradient, -limit, limit)",
            "g = np.clip(gradient, 0, limit)",
            "the gradient is clipped to [0, limit]: both signs must pass",
        ),
        Mistake(
            PAGES + "training_step",
            "return loss\n",
            "return loss / len(x)\n",
            "the loss is divided once more",
        ),
    ),
    "network": (
        Mistake(
            PAGES + "two_levels",
            "dr = dr + mean_backward",
            "dr = 0 * dr + mean_backward",
            "r is used twice: the gradient from F4 is lost",
        ),
        Mistake(
            PAGES + "two_levels",
            "first[name] + second[name]",
            "first[name]",
            "the parameters `shared` are used twice: F4 is missing in their gradient",
        ),
        Mistake(
            PAGES + "two_levels",
            "dr = dr + mean_backward(dlow, cache_low)",
            "dr = dr",
            "r is used twice: the gradient from F3 is lost",
        ),
        Mistake(
            PAGES + "two_levels",
            "dc = mean_backward(dhigh, cache_high)",
            "dc = mean_backward(dlow, cache_high)",
            "dlow and dhigh are mixed up",
        ),
        Mistake(
            PAGES + "two_levels",
            "db = relu_backward(ds, cache_s)",
            "db = relu_backward(ds, cache_r)",
            "F5 needs the cache of its own relu",
        ),
    ),
}
