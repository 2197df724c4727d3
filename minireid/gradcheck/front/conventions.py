"""Shapes that people give to arguments of these names: x (N, D), w (D, M), b (M,), and other ways to write a layer.

Sizes differ from each other, so that no transposed axis can hide.
"""

import re

from minireid.gradcheck.front.shapes import Wish

SIZES = {
    "N": 3,
    "T": 4,
    "D": 5,
    "H": 6,
    "M": 7,
    "V": 8,
    "C": 3,
    "F": 5,
    "h": 6,
    "w": 4,
    "k": 3,
    "G": 24,
    "Z": 11,
    "1": 1,
}

# The class of a name: the first pattern that fits.
CLASSES = (
    ("w1", r"[Ww]_?1"), ("b1", r"b_?1"), ("w2", r"[Ww]_?2"), ("b2", r"b_?2"),
    ("wx", r"[Ww]_?(x|xh|ih|in|ax)"), ("wh", r"[Ww]_?(h|hh|rec|aa)|U"), ("w2", r"[Ww]_?(y|hy|ya)"),
    ("wgate", r"[Ww]_?[a-z]"), ("ugate", r"[Uu]_?[a-z]"),
    ("bgate", r"b_?[a-z]"),
    ("w", r"[Ww]|weights?|kernels?|filters?|theta"), ("b", r"b|bias(es)?"),
    ("gamma", r"gamma|beta|scale|shift|gain|g"),
    ("h", r"h0|a_prev|h_?prev|prev_h|s_?prev|state|hidden|h"), ("c", r"c_?prev|prev_c|c0"),
    ("y", r"[yYtT]|labels?|targets?|y_true|gt|classes"),
    ("p", r"y_?hat|y_?pred|preds?|probs?|AL|predictions"),
    ("mask", r"mask"), ("ids", r"ids|indices|idx|tokens|words"),
    ("x", r".*"),
)  # fmt: skip

# For each convention: the shapes of each class, the usual one first. i before the letters: integers; + positive.
CONVENTIONS: dict[str, dict[str, str]] = {
    "rows": {
        "x": "ND", "w": "DM MD D HM", "b": "M 1M D -", "h": "NH", "c": "NH", "wx": "DH DG HD", "wh": "HH HG",
        "wgate": "DH DM HD", "ugate": "HH", "bgate": "H 1H M", "gamma": "D 1D -", "w1": "DH HD", "b1": "H 1H",
        "w2": "HM MH", "b2": "M 1M", "y": "iN ND ND+ iND", "p": "ND+ ND", "mask": "bND", "ids": "iN",
    },
    "recurrent rows": {
        "x": "ND", "w": "DH ZH", "b": "H G 1H", "h": "NH", "c": "NH", "wx": "DH DG", "wh": "HH HG",
        "wgate": "DH ZH HH", "ugate": "HH", "bgate": "H 1H", "gamma": "H", "y": "iN",
    },
    "sequences": {
        "x": "NTD TND TD", "w": "DM DH", "b": "M H G", "h": "NH H", "c": "NH H", "wx": "DH DG", "wh": "HH HG",
        "wgate": "DH DM", "ugate": "HH", "bgate": "H M", "gamma": "D", "y": "iNT NTD", "mask": "bNT", "ids": "iNT",
    },
    "columns": {
        "x": "DN", "w": "MD DM MH", "b": "M1 M", "h": "HN", "c": "HN", "wx": "HD GD", "wh": "HH GH",
        "wgate": "HZ HD HH MH", "ugate": "HH", "bgate": "H1 M1", "gamma": "D1", "w1": "HD", "b1": "H1", "w2": "MH",
        "b2": "M1", "y": "iN 1N DN", "p": "1N+ DN+",
    },
    "images, channels first": {
        "x": "NChw", "w": "FCkk", "b": "F F1", "gamma": "C 1C11", "y": "iN NChw", "p": "NChw+",
    },
    "images, channels last": {
        "x": "NhwC", "w": "kkCF", "b": "F 111F", "gamma": "C 111C", "y": "iN NhwC", "p": "NhwC+",
    },
    "vectors": {
        "x": "D D1 1D", "w": "MD DM D", "b": "M M1 -", "h": "H H1", "c": "H H1", "wx": "HD", "wh": "HH",
        "wgate": "HD MH", "ugate": "HH", "bgate": "H H1 M", "gamma": "D", "w1": "HD", "b1": "H", "w2": "MH", "b2": "M",
        "y": "D i D+ iD", "p": "D+",
    },
    "words": {"x": "iNT iN", "ids": "iNT iN", "w": "VD", "b": "D", "y": "iNT"},
    "single numbers": {name: "-" for name, _ in CLASSES},
}  # fmt: skip

# Settings that have no default, by their names.
SETTINGS: tuple[tuple[str, tuple[object, ...]], ...] = (
    (r"conv_params?", ({"stride": 1, "pad": 1},)),
    (r"pool_params?", ({"pool_height": 2, "pool_width": 2, "stride": 2},)),
    (r"dropout_params?", ({"mode": "train", "p": 0.6, "seed": 1},)),
    (r"(bn|ln|gn|norm)_params?", ({"mode": "train"},)),
    (r"h?parameters?|h?params_?conf|config|cfg|settings|options", ({"stride": 1, "pad": 1},)),
    (r"strides?|step", (1, 2)),
    (r"pads?|padding", (1, 0)),
    (r"kernel_size|k|pool_size|window|size|f", (2, (2, 2))),
    (r"num_heads|n_heads|heads|groups|G", (1,)),
    (r"activation|act|nonlinearity", ("relu", "sigmoid", "tanh")),
    (r"mode", ("train", "max")),
    (r"(is_)?train(ing)?", (True,)),
    (r"axis|dim", (-1,)),
    (r"rng|generator", ()),
    (
        r"alpha|slope|negative_slope|margin|reg|lambda_?|lambd|lam|l2|eps(ilon)?|momentum|p_drop|keep_prob|rate|lr",
        (0.5,),
    ),
)


def class_of(name: str) -> str:
    last = name.rpartition(".")[2]
    return next(kind for kind, pattern in CLASSES if re.fullmatch(pattern, last))


def setting(name: str) -> list[Wish]:
    """Values to try for a setting of this name; none if it is not known to be one."""
    for pattern, values in SETTINGS:
        if re.fullmatch(pattern, name):
            return [Wish("value", value=value) for value in values]
    return []


def choices(name: str, convention: str) -> list[Wish]:
    """What to try for an argument of this name, the likeliest first."""
    table = CONVENTIONS[convention]
    kind = class_of(name)
    labels = SIZES["V" if kind in ("x", "ids") else "D"]
    return [wish_of(code, labels) for code in table.get(kind, table.get("x", "-")).split()]


def wish_of(code: str, labels: int) -> Wish:
    """NTD -> floats (3, 4, 5); iN -> integers; ND+ -> positive floats; - -> one number."""
    kind = "int" if code[0] == "i" else "bool" if code[0] == "b" else "positive" if code[-1] == "+" else "float"
    letters = code.strip("-+ib")
    return Wish(kind, tuple(SIZES[letter] for letter in letters), labels if kind == "int" else 0)
