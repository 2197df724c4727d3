"""Right solutions as different people write them: none may be accused of anything. {name: (exercise, source)}."""

GRU = """
def sig(a):
    return 1 / (1 + np.exp(-a))

def step_forward(x, h_prev, p):
    z = sig(x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"])
    r = sig(x @ p["Wr"] + h_prev @ p["Ur"] + p["br"])
    c = np.tanh(x @ p["Wc"] + (r * h_prev) @ p["Uc"] + p["bc"])
    return (1 - z) * h_prev + z * c, (x, h_prev, z, r, c, p)
"""
ELMAN = """
def step(x, h, p):
    return np.tanh(x @ p["W"] + h @ p["U"] + p["b"])

def forward(x, p):
    states = [np.zeros((len(x), len(p["b"])))]
    for t in range(x.shape[1]):
        states.append(step(x[:, t], states[-1], p))
    return np.stack(states[1:], axis=1), (x, states, p)
"""

STYLES = {
    "linear, einsum": ("linear", """
def forward(x, p):
    return np.einsum("...i,ij->...j", x, p["W"]) + p["b"], (x, p["W"])

def backward(dy, cache):
    x, W = cache
    dW = np.einsum("ni,nj->ij", x.reshape(-1, len(W)), dy.reshape(-1, W.shape[1]))
    return np.einsum("...j,ij->...i", dy, W), {"W": dW, "b": np.einsum("nj->j", dy.reshape(-1, W.shape[1]))}
"""),
    "linear, loops over numbers": ("linear", """
def forward(x, p):
    W, b = p["W"], p["b"]
    flat = x.reshape(-1, x.shape[-1])
    y = np.zeros((len(flat), len(b)))
    for n in range(len(flat)):
        for j in range(len(b)):
            y[n, j] = b[j] + sum(flat[n, i] * W[i, j] for i in range(len(W)))
    return y.reshape(*x.shape[:-1], len(b)), (x.shape, flat, W)

def backward(dy, cache):
    shape, flat, W = cache
    g = dy.reshape(len(flat), -1)
    dx, dW, db = np.zeros_like(flat), np.zeros_like(W), np.zeros(W.shape[1])
    for n in range(len(flat)):
        for j in range(W.shape[1]):
            db[j] += g[n, j]
            for i in range(len(W)):
                dx[n, i] += g[n, j] * W[i, j]
                dW[i, j] += g[n, j] * flat[n, i]
    return dx.reshape(shape), {"W": dW, "b": db}
"""),
    "linear, a class": ("linear", """
class Linear:
    def __init__(self, p):
        self.p, self.grads = p, {}
    def __call__(self, x):
        self.x = x
        return x.dot(self.p["W"]) + self.p["b"]
    def back(self, g):
        axes = tuple(range(g.ndim - 1))
        self.grads["W"] = np.tensordot(self.x, g, (axes, axes))
        self.grads["b"] = g.sum(axis=axes)
        return g.dot(self.p["W"].T)

def forward(x, p):
    layer = Linear(p)
    return layer(x), layer

def backward(dy, cache):
    return cache.back(dy), cache.grads
"""),
    "linear, a closure, a list, names with d": ("linear", """
def forward(features, weights):
    def back(up):
        rows = features.reshape(-1, features.shape[-1])
        flat = up.reshape(-1, up.shape[-1])
        return [up @ weights["W"].T, dict(dW=rows.T @ flat, db=flat.sum(0))]
    return [features @ weights["W"] + weights["b"], back]

def backward(up, back):
    return back(up)
"""),
    "linear, nested lists of numbers": ("linear", """
def forward(x, p):
    return (x @ p["W"] + p["b"]).tolist(), (x, p)

def backward(dy, cache):
    x, p = cache
    a, g = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return (dy @ p["W"].T).tolist(), {"b": list(g.sum(0)), "W": [list(row) for row in a.T @ g]}
"""),
    "linear, float32 inside": ("linear", """
def forward(x, p):
    return x @ p["W"] + p["b"], (x.astype(np.float32), p)

def backward(dy, cache):
    x, p = cache
    a, g = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1]).astype(np.float32)
    return dy @ p["W"].T, {"W": a.T @ g, "b": g.sum(0)}
"""),
    "gru, one product for two gates": ("gru_step", GRU.split("def step_forward")[0] + """
def step_forward(x, h_prev, p):
    S = h_prev.shape[1]
    both = np.hstack([x, h_prev])
    Wzr = np.block([[p["Wz"], p["Wr"]], [p["Uz"], p["Ur"]]])
    zr = sig(both @ Wzr + np.concatenate([p["bz"], p["br"]]))
    z, r = zr[:, :S], zr[:, S:]
    Wc = np.vstack([p["Wc"], p["Uc"]])
    xq = np.hstack([x, r * h_prev])
    c = np.tanh(xq @ Wc + p["bc"])
    return h_prev + z * (c - h_prev), dict(x=x, h=h_prev, z=z, r=r, c=c, both=both, xq=xq, Wzr=Wzr, Wc=Wc)

def step_backward(dh, k):
    D, S = k["x"].shape[1], k["h"].shape[1]
    dc = dh * k["z"] * (1 - k["c"] ** 2)
    dxq = dc @ k["Wc"].T
    dzr = np.hstack([dh * (k["c"] - k["h"]) * k["z"] * (1 - k["z"]), dxq[:, D:] * k["h"] * k["r"] * (1 - k["r"])])
    dboth = dzr @ k["Wzr"].T
    dW, dWc = k["both"].T @ dzr, k["xq"].T @ dc
    grads = {"Wz": dW[:D, :S], "Wr": dW[:D, S:], "Uz": dW[D:, :S], "Ur": dW[D:, S:], "Wc": dWc[:D], "Uc": dWc[D:],
             "bz": dzr[:, :S].sum(0), "br": dzr[:, S:].sum(0), "bc": dc.sum(0)}
    return dxq[:, :D] + dboth[:, :D], dh * (1 - k["z"]) + dxq[:, D:] * k["r"] + dboth[:, D:], grads
"""),
    "gru, the forward computed anew in backward": ("gru_step", GRU + """
def step_backward(dh, cache):
    x, h, p = cache[0], cache[1], cache[5]
    _, (_, _, z, r, c, _) = step_forward(x, h, p)
    back = {"z": dh * (c - h) * z * (1 - z), "c": dh * z * (1 - c ** 2)}
    dq = back["c"] @ p["Uc"].T
    back["r"] = dq * h * r * (1 - r)
    inputs = {"z": h, "r": h, "c": r * h}
    grads = {}
    for g, d in back.items():
        grads |= {"W" + g: x.T @ d, "U" + g: inputs[g].T @ d, "b" + g: d.sum(axis=0)}
    dx = sum(d @ p["W" + g].T for g, d in back.items())
    return dx, dh * (1 - z) + dq * r + back["z"] @ p["Uz"].T + back["r"] @ p["Ur"].T, grads
"""),
    "gru, clip by clip": ("gru_step", GRU + """
def one(dh, x, h, z, r, c, p):
    dac = dh * z * (1 - c * c)
    dq = p["Uc"] @ dac
    dar, daz = dq * h * r * (1 - r), dh * (c - h) * z * (1 - z)
    dx = p["Wc"] @ dac + p["Wr"] @ dar + p["Wz"] @ daz
    dhp = dh * (1 - z) + dq * r + p["Ur"] @ dar + p["Uz"] @ daz
    return dx, dhp, [np.outer(x, daz), np.outer(h, daz), daz, np.outer(x, dar), np.outer(h, dar), dar,
                     np.outer(x, dac), np.outer(r * h, dac), dac]

def step_backward(dh, cache):
    *arrays, p = cache
    results = [one(dh[n], *(a[n] for a in arrays), p) for n in range(len(dh))]
    names = ["Wz", "Uz", "bz", "Wr", "Ur", "br", "Wc", "Uc", "bc"]
    grads = {name: sum(parts[k] for _, _, parts in results) for k, name in enumerate(names)}
    return np.array([r[0] for r in results]), np.array([r[1] for r in results]), grads
"""),
    "gru, a small tape": ("gru_step", """
class Var:
    def __init__(self, value, back=()):
        self.value, self.back, self.grad = value, back, np.zeros_like(value)
    def __add__(self, other):
        def fit(g, v):
            return g.sum(axis=0) if g.ndim > v.ndim else g
        parts = ((v, lambda g, v=v: fit(g, v.value)) for v in (self, other))
        return Var(self.value + other.value, tuple(parts))
    def __mul__(self, other):
        return Var(self.value * other.value, ((self, lambda g: g * other.value), (other, lambda g: g * self.value)))
    def __matmul__(self, other):
        return Var(self.value @ other.value, ((self, lambda g: g @ other.value.T), (other, lambda g: self.value.T @ g)))
    def apply(self, f, slope):
        y = f(self.value)
        return Var(y, ((self, lambda g: g * slope(y)),))

def run(v, seen, order):
    if id(v) not in seen:
        seen.add(id(v))
        for u, _ in v.back:
            run(u, seen, order)
        order.append(v)

def sigmoid(v):
    return v.apply(lambda a: 1 / (1 + np.exp(-a)), lambda y: y * (1 - y))

def step_forward(x, h_prev, p):
    x, h, q = Var(x), Var(h_prev), {k: Var(v) for k, v in p.items()}
    z = sigmoid(x @ q["Wz"] + h @ q["Uz"] + q["bz"])
    r = sigmoid(x @ q["Wr"] + h @ q["Ur"] + q["br"])
    c = (x @ q["Wc"] + (r * h) @ q["Uc"] + q["bc"]).apply(np.tanh, lambda y: 1 - y * y)
    new = z.apply(lambda a: 1 - a, lambda y: -1.0) * h + z * c
    return new.value, (new, x, h, q)

def step_backward(dh, cache):
    new, x, h, q = cache
    order = []
    run(new, set(), order)
    new.grad = dh
    for v in reversed(order):
        for u, rule in v.back:
            u.grad = u.grad + rule(v.grad)
    return x.grad, h.grad, {k: v.grad for k, v in q.items()}
"""),
    "softmax, probabilities and one-hot": ("softmax", """
def forward(x, *, labels):
    e = np.exp(x - x.max(1)[:, None])
    prob = e / e.sum(1)[:, None]
    onehot = np.eye(x.shape[1])[labels]
    logp = x - x.max(1)[:, None] - np.log(e.sum(1))[:, None]
    return float(-(logp * onehot).sum(1).mean()), (prob, onehot)

def backward(dloss, cache):
    prob, onehot = cache
    return dloss * (prob - onehot) / len(prob)
"""),
    "softmax, with logaddexp": ("softmax", """
def forward(x, *, labels):
    total = np.logaddexp.reduce(x, axis=1)
    return np.mean(total - x[np.arange(len(x)), labels]), (x, total, labels)

def backward(dloss, cache):
    x, total, labels = cache
    d = np.exp(x - total[:, None])
    d[range(len(d)), labels] -= 1.0
    return dloss / len(d) * d
"""),
    "softmax, the whole Jacobian": ("softmax", """
def forward(x, labels):
    shifted = [row - row.max() for row in x]
    rows = [np.exp(row) / np.exp(row).sum() for row in shifted]
    losses = [np.log(np.exp(row).sum()) - row[k] for row, k in zip(shifted, labels)]
    return sum(losses) / len(x), (rows, labels)

def backward(dloss, cache):
    rows, labels = cache
    result = []
    for row, k in zip(rows, labels):
        dlogp = np.zeros(len(row))
        dlogp[k] = -dloss / len(rows)
        result.append((np.eye(len(row)) - np.outer(np.ones(len(row)), row)).T @ dlogp)
    return np.array(result)
"""),
    "tanh and sigmoid, from x": ("tanh_sigmoid", """
def tanh_forward(x):
    return np.tanh(x), x

def tanh_backward(dy, cache):
    return dy * (1 - np.tanh(cache) ** 2)

def sigmoid_forward(x):
    y = 0.5 * (1 + np.tanh(x / 2))
    return y, y

def sigmoid_backward(dy, cache):
    return dy * (cache - cache ** 2)
"""),
    "temporal mean, a loop": ("temporal_mean", """
def forward(h, *, lengths=None):
    lengths = [h.shape[1]] * len(h) if lengths is None else list(lengths)
    return np.stack([h[n, :k].mean(axis=0) for n, k in enumerate(lengths)]), (lengths, h.shape)

def backward(dy, cache):
    lengths, shape = cache
    dh = np.zeros(shape)
    for n, k in enumerate(lengths):
        dh[n, :k] = dy[n] / k
    return dh
"""),
    "temporal mean, a mask": ("temporal_mean", """
def forward(h, lengths=None):
    T = h.shape[1]
    L = np.full(h.shape[0], T) if lengths is None else lengths
    mask = (np.arange(T)[None] < L[:, None]).astype(float) / L[:, None]
    mask = mask.reshape(mask.shape + (1,) * (h.ndim - 2))
    return (h * mask).sum(1), mask

def backward(dy, mask):
    return mask * dy[:, None]
"""),
    "convolution, the definition": ("conv2d", """
def forward(x, p, *, stride=1, padding=0):
    W, b = p["W"], p["b"]
    KH, KW, C, O = W.shape
    xp = np.zeros((x.shape[0], x.shape[1] + 2 * padding, x.shape[2] + 2 * padding, C))
    xp[:, padding:padding + x.shape[1], padding:padding + x.shape[2]] = x
    HO, WO = (xp.shape[1] - KH) // stride + 1, (xp.shape[2] - KW) // stride + 1
    y = np.zeros((len(x), HO, WO, O))
    for i in range(HO):
        for j in range(WO):
            part = xp[:, i * stride:i * stride + KH, j * stride:j * stride + KW]
            y[:, i, j] = np.tensordot(part, W, 3) + b
    return y, (xp, x.shape, W, stride, padding)

def backward(dy, cache):
    xp, shape, W, stride, padding = cache
    KH, KW = W.shape[:2]
    dxp, dW = np.zeros_like(xp), np.zeros_like(W)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            here = np.s_[:, i * stride:i * stride + KH, j * stride:j * stride + KW]
            dxp[here] += np.einsum("no,hwco->nhwc", dy[:, i, j], W)
            dW += np.einsum("nhwc,no->hwco", xp[here], dy[:, i, j])
    return dxp[:, padding:padding + shape[1], padding:padding + shape[2]], {"W": dW, "b": dy.sum((0, 1, 2))}
"""),
    "convolution, offsets": ("conv2d", """
def forward(x, p, *, stride=1, padding=0):
    W = p["W"]
    q = np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
    HO, WO = (q.shape[1] - W.shape[0]) // stride + 1, (q.shape[2] - W.shape[1]) // stride + 1
    views = {(a, c): q[:, a:a + HO * stride:stride, c:c + WO * stride:stride]
             for a in range(W.shape[0]) for c in range(W.shape[1])}
    return sum(v @ W[k] for k, v in views.items()) + p["b"], (views, q.shape, W, stride, padding)

def backward(dy, cache):
    views, shape, W, stride, padding = cache
    HO, WO = dy.shape[1:3]
    dq, dW = np.zeros(shape), np.zeros_like(W)
    for (a, c), v in views.items():
        dq[:, a:a + HO * stride:stride, c:c + WO * stride:stride] += dy @ W[a, c].T
        dW[a, c] = np.tensordot(v, dy, ((0, 1, 2), (0, 1, 2)))
    inner = slice(padding, -padding) if padding else slice(None)
    return dq[:, inner, inner], {"W": dW, "b": dy.reshape(-1, dy.shape[-1]).sum(axis=0)}
"""),
    "max-pooling, argmax": ("maxpool2d", """
def forward(x, *, window=(2, 2), stride=2):
    N, H, W, C = x.shape
    HO, WO = (H - window[0]) // stride + 1, (W - window[1]) // stride + 1
    y, places = np.zeros((N, HO, WO, C)), np.zeros((N, HO, WO, C, 2), int)
    for i in range(HO):
        for j in range(WO):
            flat = x[:, i * stride:i * stride + window[0], j * stride:j * stride + window[1]].reshape(N, -1, C)
            k = flat.argmax(1)
            y[:, i, j] = flat.max(1)
            places[:, i, j, :, 0], places[:, i, j, :, 1] = i * stride + k // window[1], j * stride + k % window[1]
    return y, (x.shape, places)

def backward(dy, cache):
    shape, places = cache
    dx = np.zeros(shape)
    n, _, _, c = np.indices(dy.shape)
    np.add.at(dx, (n, places[..., 0], places[..., 1], c), dy)
    return dx
"""),
    "max-pooling, a mask of the first": ("maxpool2d", """
def forward(x, *, window=(2, 2), stride=2):
    view = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))[:, ::stride, ::stride]
    return view.max((-2, -1)), (x, view.max((-2, -1)), window, stride)

def backward(dy, cache):
    x, y, window, s = cache
    dx = np.zeros_like(x)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            part = np.s_[:, i * s:i * s + window[0], j * s:j * s + window[1]]
            equal = (x[part] == y[:, i, j][:, None, None]).reshape(len(x), -1, x.shape[-1])
            first = equal & (np.cumsum(equal, axis=1) == 1)
            dx[part] += first.reshape(x[part].shape) * dy[:, i, j][:, None, None]
    return dx
"""),
    "bptt, lists": ("bptt", ELMAN + """
def backward(dh, cache):
    x, states, p = cache
    grads = {k: 0 for k in p}
    dx, later = [], 0
    for t in range(dh.shape[1] - 1, -1, -1):
        da = (dh[:, t] + later) * (1 - states[t + 1] ** 2)
        grads["W"] = grads["W"] + x[:, t].T @ da
        grads["U"] = grads["U"] + states[t].T @ da
        grads["b"] = grads["b"] + da.sum(0)
        later = da @ p["U"].T
        dx.insert(0, da @ p["W"].T)
    return np.stack(dx, 1), grads
"""),
    "bptt, recursion": ("bptt", ELMAN + """
def backward(dh, cache):
    x, states, p = cache
    das = {}
    def da(t):
        if t == dh.shape[1]:
            return np.zeros_like(states[0])
        if t not in das:
            das[t] = (dh[:, t] + da(t + 1) @ p["U"].T) * (1 - states[t + 1] ** 2)
        return das[t]
    every = np.stack([da(t) for t in range(dh.shape[1])], 1)
    before = np.stack(states[:-1], 1)
    both = ((0, 1), (0, 1))
    return every @ p["W"].T, {"W": np.tensordot(x, every, both), "U": np.tensordot(before, every, both),
                              "b": every.sum((0, 1))}
"""),
    "bptt, states computed anew at each frame": ("bptt", ELMAN + """
def backward(dh, cache):
    x, states, p = cache
    dx, later = np.zeros(x.shape), np.zeros_like(states[0])
    dW, dU, db = np.zeros_like(p["W"]), np.zeros_like(p["U"]), np.zeros_like(p["b"])
    for t in reversed(range(x.shape[1])):
        h = step(x[:, t], states[t], p)
        da = (dh[:, t] + later) * (1 - h * h)
        dW += x[:, t].T @ da; dU += states[t].T @ da; db += da.sum(0)
        dx[:, t], later = da @ p["W"].T, da @ p["U"].T
    return dx, dict(W=dW, U=dU, b=db)
"""),
    "lstm, stacked gates": ("lstm_step", """
def step_forward(x, h_prev, c_prev, p):
    W, U, b = (np.concatenate([p[k + g] for g in "ifoc"], axis=-1) for k in "WUb")
    a = np.split(x @ W + h_prev @ U + b, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-v)) for v in a[:3])
    g = np.tanh(a[3])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (x, h_prev, c_prev, i, f, o, g, c, W, U)

def step_backward(dh, dc, cache):
    x, h_prev, c_prev, i, f, o, g, c, W, U = cache
    dc = dc + dh * o / np.cosh(c) ** 2
    do = dh * np.tanh(c)
    da = np.hstack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), do * o * (1 - o), dc * i * (1 - g * g)])
    grads = {}
    for k, v in (("W", x.T @ da), ("U", h_prev.T @ da), ("b", da.sum(0))):
        grads.update({k + gate: part for gate, part in zip("ifoc", np.split(v, 4, axis=-1))})
    return da @ W.T, da @ U.T, dc * f, grads
"""),
    "contrastive, a loop over pairs": ("contrastive", """
def forward(x, *, pairs, same, weights=None, margin=2.0):
    w = np.ones(len(pairs)) / len(pairs) if weights is None else weights
    loss = 0.0
    for (i, j), s, k in zip(pairs, same, w):
        d = np.linalg.norm(x[i] - x[j])
        loss += k * 0.5 * (d ** 2 if s else max(0, margin - d) ** 2)
    return loss, (x, pairs, same, w, margin)

def backward(dloss, cache):
    x, pairs, same, w, margin = cache
    dx = np.zeros_like(x)
    for (i, j), s, k in zip(pairs, same, w):
        v = x[i] - x[j]
        d = np.linalg.norm(v)
        g = v if s else -(margin - d) * v / d if d < margin else 0 * v
        dx[i] += dloss * k * g
        dx[j] -= dloss * k * g
    return dx
"""),
    "contrastive, an incidence matrix and an epsilon": ("contrastive", """
def forward(x, *, pairs, same, weights=None, margin=2.0):
    A = np.zeros((len(pairs), len(x)))
    A[np.arange(len(pairs)), pairs[:, 0]] = 1
    A[np.arange(len(pairs)), pairs[:, 1]] = -1
    v = A @ x
    d = np.sqrt((v ** 2).sum(1) + 1e-12)
    w = 1 / len(pairs) if weights is None else weights
    gap = np.maximum(0, margin - d)
    return np.sum(w * (same * d ** 2 + ~same * gap ** 2)) / 2, (A, v, d, gap, same, w)

def backward(dloss, cache):
    A, v, d, gap, same, w = cache
    return dloss * A.T @ ((w * np.where(same, 1.0, -gap / (d + 1e-9)))[:, None] * v)
"""),
    "contrastive, helpers for rows, with an epsilon": ("contrastive", """
def distance(u, v):
    return np.sqrt(((u - v) ** 2).sum() + 1e-10)

def slope(u, v):
    return (u - v) / distance(u, v)

def forward(x, *, pairs, same, weights=None, margin=2.0):
    w = [1 / len(pairs)] * len(pairs) if weights is None else weights
    each = [distance(x[i], x[j]) for i, j in pairs]
    loss = sum(k * (d * d if s else max(0, margin - d) ** 2) / 2 for d, s, k in zip(each, same, w))
    return loss, (x, pairs, same, w, margin)

def backward(dloss, cache):
    x, pairs, same, w, margin = cache
    dx = np.zeros_like(x)
    for (i, j), s, k in zip(pairs, same, w):
        d = distance(x[i], x[j])
        dd = k * dloss * (d if s else -max(0, margin - d))
        dx[i] += dd * slope(x[i], x[j])
        dx[j] += dd * slope(x[j], x[i])
    return dx
"""),
    "triplet, loops": ("triplet", """
def forward(x, *, pairs, same, margin=0.3):
    d = [np.sqrt(((x[i] - x[j]) ** 2).sum()) for i, j in pairs]
    terms = []
    for n in range(len(x)):
        mine = [k for k, pair in enumerate(pairs) if n in pair]
        pos, neg = [k for k in mine if same[k]], [k for k in mine if not same[k]]
        if pos and neg:
            terms.append((max(pos, key=lambda k: d[k]), min(neg, key=lambda k: d[k])))
    loss = sum(max(0.0, margin + d[a] - d[b]) for a, b in terms) / max(1, len(terms))
    return loss, (x, pairs, d, terms, margin)

def backward(dloss, cache):
    x, pairs, d, terms, margin = cache
    dx = np.zeros(x.shape)
    for a, b in terms:
        if margin + d[a] - d[b] > 0:
            for k, sign in ((a, 1), (b, -1)):
                i, j = pairs[k]
                g = sign * dloss / len(terms) * (x[i] - x[j]) / d[k]
                dx[i] += g
                dx[j] -= g
    return dx
"""),
    "cmc and map, loops": ("cmc_map", """
def places(row, mine, gallery):
    true = sorted((s for s, g in zip(row, gallery) if g == mine and s == s), reverse=True)
    others = [s for s, g in zip(row, gallery) if g != mine]
    return [sum(not o < t for o in others) for t in true], sum(g == mine for g in gallery)

def cmc(score, probe_person, gallery_person, *, ranks=(1, 5, 10, 20)):
    first = []
    for row, mine in zip(score, probe_person):
        before, _ = places(row, mine, gallery_person)
        first.append(1 + before[0] if before else float("inf"))
    return [sum(f <= k for f in first) / len(first) for k in ranks]

def mean_average_precision(score, probe_person, gallery_person):
    every = []
    for row, mine in zip(score, probe_person):
        before, count = places(row, mine, gallery_person)
        every.append(sum((j + 1) / (j + 1 + b) for j, b in enumerate(before)) / count)
    return sum(every) / len(every)
"""),
    "pairs, all listed first": ("pair_sampler", """
def draw_pairs(rng, person, camera, P):
    n = len(person)
    groups = {}
    for i in range(n):
        for j in range(n):
            if person[i] == person[j] and camera[i] != camera[j]:
                groups.setdefault(int(person[i]), []).append((i, j))
    keys = sorted(groups)
    pairs = []
    for _ in range(P):
        every = groups[keys[int(rng.integers(len(keys)))]]
        pairs.append(every[int(rng.integers(len(every)))])
    others = np.argwhere(person[:, None] != person[None])
    chosen = others[rng.integers(len(others), size=P)]
    return np.concatenate([np.array(pairs), chosen]), np.array([True] * P + [False] * P)
"""),
    "pairs, rejection": ("pair_sampler", """
def draw_pairs(rng, person, camera, P):
    people, found = sorted(set(person.tolist())), []
    while len(found) < P:
        who = people[rng.integers(len(people))]
        while True:
            i, j = rng.integers(len(person), size=2)
            if person[i] == who == person[j] and camera[i] != camera[j]:
                break
        found.append([i, j])
    while len(found) < 2 * P:
        i, j = rng.choice(len(person), size=2, replace=False)
        if person[i] != person[j]:
            found.append([i, j])
    return np.array(found), [k < P for k in range(2 * P)]
"""),
    "sgd, in place": ("sgd", """
def sgd(p, g, state, *, learning_rate, momentum, dampening):
    if not state:
        new = np.array(g)
    else:
        new = state["v"] * momentum
        new += (1 - dampening) * g
    np.subtract(p, learning_rate * new, out=p)
    return dict(v=new)
"""),
    "a training step, other names": ("training_step", """
def training_step(batch, params, momenta, objective, *, learning_rate, momentum, limit):
    value, slopes = objective(batch, params)
    for key in sorted(slopes):
        clipped = np.minimum(np.maximum(slopes[key], -limit), limit)
        momenta[key] = momentum * momenta.get(key, 0) + clipped
        params[key][...] = params[key] - learning_rate * momenta[key]
    return value
"""),
    "differences, flat": ("finite_differences", """
def central(f, x, h):
    flat = x.ravel()
    steps = np.eye(flat.size) * h
    slopes = [(f((flat + e).reshape(x.shape)) - f((flat - e).reshape(x.shape))) / 2 / h for e in steps]
    return np.reshape(slopes, x.shape)

def richardson(f, x, h):
    return central(f, x, h) + (central(f, x, h) - central(f, x, 2 * h)) / 3
"""),
    "complex step, another h": ("complex_step", """
def gradient(f, x):
    g = np.empty(x.size)
    for k in range(x.size):
        z = np.array(x, complex).ravel()
        z[k] += 1j * 1e-100
        g[k] = np.imag(f(z.reshape(x.shape))) * 1e100
    return g.reshape(x.shape)

def along(f, x, v):
    return float((gradient(f, x) * v).sum())
"""),
}  # fmt: skip
