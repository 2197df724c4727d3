"""The change that makes a wrong line right: in loops over windows and entries, in helpers, in what a call is given."""

import numpy as np
import pytest

from minireid.gradcheck import check, check_loss
from minireid.gradcheck.cause.causes import Cause
from tests.gradcheck.planting import changed, line_of, module

RNG = np.random.default_rng(0)

PEAKS = """
    import numpy as np

    def forward(x, size, step):
        rows, width = x.shape
        count = int((width - size) / step) + 1
        y = np.zeros((rows, count))
        for r in range(rows):
            for j in range(count):
                y[r, j] = np.max(x[r, j * step:j * step + size])
        return y, (x, size, step)

    def backward(dy, cache):
        x, size, step = cache
        dx = np.zeros_like(x)
        for r in range(dy.shape[0]):
            for j in range(dy.shape[1]):
                part = x[r, j * step:j * step + size]
                top = part == np.max(part)
                dx[r, j * step:j * step + size] += top * dy[r, j]
        return dx
"""
MEANS = """
    import numpy as np

    def shared_out(d, rows, columns):
        return np.full((rows, columns), d / (rows * columns))

    def forward(x, size):
        H, W = x.shape
        y = np.zeros((H - size + 1, W - size + 1))
        for i in range(H - size + 1):
            for j in range(W - size + 1):
                y[i, j] = x[i:i + size, j:j + size].mean()
        return y, (x.shape, size)

    def backward(dy, cache):
        shape, size = cache
        dx = np.zeros(shape)
        for i in range(dy.shape[0]):
            for j in range(dy.shape[1]):
                dx[i:i + size, j:j + size] += shared_out(dy[i, j], size, size)
        return dx
"""
FILTER = """
    import numpy as np

    def forward(x, k):
        return np.array([np.convolve(row, k, mode="valid") for row in x]), (x, k)

    def backward(dy, cache):
        x, k = cache
        dx, dk = np.zeros_like(x), np.zeros_like(k)
        for n in range(len(x)):
            dx[n] += np.correlate(dy[n], k, mode="full")
            dk += np.convolve(x[n, ::-1], dy[n], mode="valid")
        return dx, dk
"""
DELAY = """
    import numpy as np

    def forward(x, w):
        room = len(w) // 2
        xp = np.pad(x, ((0, 0), (room, room)))
        y = sum(w[k] * xp[:, k:k + x.shape[1]] for k in range(len(w)))
        return y, (xp, w, room)

    def backward(dy, cache):
        xp, w, room = cache
        dw = np.array([(dy * xp[:, k:k + dy.shape[1]]).sum() for k in range(len(w))])
        dxp = np.zeros_like(xp)
        for k in range(len(w)):
            dxp[:, k:k + dy.shape[1]] += w[k] * dy
        dx = dxp[:, room:-room]
        return dx, dw
"""
CROP = """
    import numpy as np

    def forward(x, w):
        edge = 1
        inner = x[:, edge:-edge, edge:-edge]
        return np.einsum("nhw,whk->nk", inner, w), (inner, w, edge)

    def backward(dy, cache):
        inner, w, edge = cache
        dinner = np.einsum("nk,whk->nhw", dy, w)
        dw = np.einsum("nk,nhw->whk", dy, inner)
        dx = np.pad(dinner, ((0, 0), (edge, edge), (edge, edge)))
        return dx, dw
"""
GATES = """
    import numpy as np

    def forward(x, W):
        S = W.shape[1] // 3
        a = x @ W
        g, k, v = 1 / (1 + np.exp(-a[:, :S])), 1 / (1 + np.exp(-a[:, S:2 * S])), np.tanh(a[:, 2 * S:])
        return g * k * v, (x, W, g, k, v)

    def backward(dy, cache):
        x, W, g, k, v = cache
        low = dy * k * v * g * (1 - g)
        mid = dy * g * v * k * (1 - k)
        top = dy * g * k * (1 - v * v)
        da = np.concatenate([low, mid, top], axis=1)
        return da @ W.T, x.T @ da
"""
ENDS = """
    import numpy as np

    def forward(x, ends):
        return np.tanh(x[np.arange(len(x)), ends]), (x, ends)

    def backward(dy, cache):
        x, ends = cache
        y = np.tanh(x[np.arange(len(x)), ends])
        dx = np.zeros_like(x)
        dx[np.arange(len(x)), ends] = dy * (1 - y * y)
        return dx
"""
SKIP = """
    import numpy as np

    def squash_back(d, y):
        return d * (1 - y * y)

    def forward(x, w):
        y = np.tanh(x * w)
        return y + x, (x, w, y)

    def backward(dy, cache):
        x, w, y = cache
        dx = squash_back(dy * w, y) + dy
        dw = (squash_back(dy, y) * x).sum(axis=0)
        return dx, dw
"""
PART = """
    import numpy as np

    def forward(x):
        winner = x.argmax(axis=1)[:, None]
        return np.take_along_axis(x, winner, axis=1)[:, 0], (winner, x.shape)

    def backward(dy, cache):
        winner, shape = cache
        dx = np.zeros(shape)
        np.put_along_axis(dx, winner, dy[:, None], axis=1)
        return dx
"""
X, MATRIX, CUBE = RNG.normal(size=(3, 7)), RNG.normal(size=(5, 6)), RNG.normal(size=(3, 5, 4))
# a page, what it is given, what belongs there, what stands there, the cause
MISTAKES = {
    "peak of the row": (PEAKS, (X, 3, 2), "np.max(part)", "np.max(x[r])", Cause.VARIABLE),
    "a sum of sizes": (MEANS, (MATRIX, 3), "rows * columns)", "rows + columns)", Cause.OPERATION),
    "flipped": (FILTER, (X, RNG.normal(size=3)), "np.correlate(dy[n]", "np.convolve(dy[n]", Cause.FLIPPED),
    "border": (DELAY, (X, RNG.normal(size=5)), "dxp[:, room:-room]", "dxp[:, 2 * room:]", Cause.BORDER),
    "widths": (CROP, (CUBE, RNG.normal(size=(2, 3, 2))), "(0, 0), (edge, edge)", "(0, 0), (0, 2 * edge)", Cause.BORDER),
    "letters": (CROP, (CUBE[:, :4], RNG.normal(size=(2, 2, 2))), "nk,whk->nhw", "nk,hwk->nhw", Cause.TRANSPOSED),
    "order": (GATES, (X, RNG.normal(size=(7, 9))), "[low, mid, top]", "[low, top, mid]", Cause.ORDER),
    "rows": (ENDS, (CUBE, np.array([4, 1, 2])), "dx[np.arange(len(x)), ends] = dy * (1 - y * y)",
             "dx[:, ends] = (dy * (1 - y * y))[:, None]", Cause.INDEX),
    "past": (SKIP, (X, X[0] + 1), "squash_back(dy * w, y) + dy", "squash_back(dy * w + dy, y)", Cause.OPERATION),
    "part": (PART, (CUBE,), "np.put_along_axis(dx, winner,", "np.put_along_axis(dx, winner[:, :, :1],", Cause.INDEX),
}  # fmt: skip


@pytest.mark.parametrize(("text", "given", "right", "wrong", "cause"), MISTAKES.values(), ids=MISTAKES)
def test_the_line_and_its_change_are_found(text, given, right, wrong, cause):
    page = changed(module(text), (right, wrong))
    report = check(page.forward, page.backward, *given)
    assert report.line.number == line_of(page, wrong)
    assert report.causes[0].cause is cause and report.causes[0].fix, str(report)


LATE = """
    import numpy as np

    def forward(x, w):
        late = len(w) - 1
        xp = np.concatenate([np.zeros((len(x), late)), x], axis=1)
        return sum(w[k] * xp[:, k:k + x.shape[1]] for k in range(len(w))), (xp, w, late)

    def backward(dy, cache):
        xp, w, late = cache
        dw, dxp = np.zeros_like(w), np.zeros_like(xp)
        for k in range(len(w)):
            p = k
            dw[k] = (dy * xp[:, p:p + dy.shape[1]]).sum()
            dxp[:, p:p + dy.shape[1]] += w[k] * dy
        dx = dxp[:, late:]
        return dx, dw
"""


def test_a_counter_that_a_loop_has_left_belongs_nowhere():
    page = changed(module(LATE), ("dx = dxp[:, late:]", "dx = dxp[:, :7]"))
    assert check(page.forward, page.backward, X, RNG.normal(size=5)).causes[0].fix == "dx = dxp[:, late:]"


CELL = """
    import numpy as np

    class Cell:
        def __init__(self):
            rng = np.random.default_rng(0)
            self.W, self.b, self.c = rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=5)

        def forward(self, x):
            self.x = x
            self.inner = x @ self.W + self.b
            self.gate = np.tanh(x @ self.W)
            self.y = self.gate * (self.inner + self.c)
            return self.y

        def backward(self, dy):
            dgate = dy * (self.inner + self.c)
            dinner = dy * self.gate
            dsquash = dgate * (1 - self.gate**2)
            self.dW = self.x.T @ (dinner + dsquash)
            self.db = dinner.sum(axis=0)
            self.dc = dinner.sum(axis=0)
            return (dinner + dsquash) @ self.W.T
"""


def test_gradients_that_are_left_in_attributes_are_judged_beside_others():
    page = changed(module(CELL), ("dy * (self.inner + self.c)", "dy * (self.inner - self.c)"))
    page = changed(page, ("self.dc = dinner", "self.dc = dsquash"))
    report = check(page.Cell(), RNG.normal(size=(3, 4)))
    wanted = [line_of(page, "self.inner - self.c"), line_of(page, "self.dc = ")]
    assert [finding.line.number for finding in report.findings] == wanted
    assert [finding.causes[0].cause for finding in report.findings] == [Cause.SIGN, Cause.VARIABLE]


SCALED = """
    import numpy as np

    class Scaled:
        def __init__(self):
            rng = np.random.default_rng(0)
            self.W, self.b, self.scale, self.shift = rng.normal(size=(5, 4)), *rng.normal(size=(3, 5))

        def forward(self, x):
            self.x = x
            self.inner = self.W @ x + self.b
            return np.tanh(self.scale * self.inner + self.shift)

        def backward(self, dy):
            s = dy * (1 - np.tanh(self.scale * self.inner + self.shift) ** 2)
            v = s * self.scale
            self.dscale, self.dshift = s * self.inner, s
            self.db = v
            self.dW = np.outer(v, self.x)
            return v @ self.W
"""


def test_what_other_lines_use_rightly_is_not_blamed():
    """s is right, and self.dshift needs it so: the mistake is to take it for self.db."""
    page = changed(module(SCALED), ("self.db = v", "self.db = s"))
    report = check(page.Scaled(), RNG.normal(size=4))
    assert report.line.number == line_of(page, "self.db = s") and report.causes[0].fix == "self.db = v"


def test_what_a_loop_over_entries_leaves_out_is_told():
    page = module("""
        import numpy as np

        def svm_loss(W, X, y):
            dW = np.zeros(W.shape)
            loss = 0.0
            for i in range(len(X)):
                scores = X[i] @ W
                for j in range(W.shape[1]):
                    margin = scores[j] - scores[y[i]] + 1
                    if j != y[i] and margin > 0:
                        loss += margin
                        dW[:, j] += X[i]
            dW /= len(X)
            dW += 0.2 * W
            return loss / len(X) + 0.1 * np.sum(W * W), dW
    """)
    rng = np.random.default_rng(7)
    report = check_loss(page.svm_loss, rng.normal(size=(4, 3)), rng.normal(size=(5, 4)), np.array([0, 2, 1, 1, 2]))
    assert report.line.text == "dW[:, j] += X[i]"
    assert report.causes[0].cause is Cause.TERM_MISSING
    assert "nothing is added to dW[0, 0]" in report.causes[0].text


def test_two_mistakes_one_of_which_only_the_whole_can_prove():
    """The bias is read in a comprehension, so its sum has no parts that could be judged alone."""
    page = module("""
        import numpy as np

        def forward(xs, W, b):
            h, out = np.zeros(3), []
            for x in xs:
                net = {k: W[k] @ x + b[k] + h for k in "ab"}
                a, c = np.tanh(net["a"]), np.tanh(net["b"])
                out.append((a, c))
                h = a * c
            return h, (xs, W, b, out)

        def backward(dh, cache):
            xs, W, b, out = cache
            dW, db = {k: 0 * v for k, v in W.items()}, {k: 0 * v for k, v in b.items()}
            dxs = np.zeros_like(xs)
            for t in range(len(xs) - 1, -1, -1):
                a, c = out[t]
                d_a = dh * c * (1 - c**2)
                d_b = dh * a * (1 - c**2)
                for k, d in zip("ab", (d_a, d_b)):
                    dW[k] += np.outer(d, xs[t])
                    dxs[t] += W[k].T @ d
                db["a"] += d_a
                db["b"] += d_a
                dh = d_a + d_b
            return dxs, dW, db
    """)
    rng = np.random.default_rng(7)
    weights = {k: rng.normal(size=(3, 2)) for k in "ab"}
    report = check(page.forward, page.backward, rng.normal(size=(4, 2)), weights, {k: rng.normal(size=3) for k in "ab"})
    fixes = {finding.causes[0].fix for finding in report.findings if finding.causes}
    assert fixes == {"d_a = dh * c * (1 - a ** 2)", "db['b'] += d_b"}, str(report)
