"""Two arrays: are they equal, and if not, how do they differ? In the words of a student's mistake."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-6  # relative to the largest entry
TOLERANCE_32 = 1e-4  # where float32 was used
EXACT = 1e-11  # float64, by formulas: an error above it has a reason


class Comparison(NamedTuple):
    """said: a few words. error: relative to the largest true entry. single: whether it is float32."""

    ok: bool
    said: str
    error: float = 0.0
    single: bool = False


def compare(got: Any, true: Any, rows: int = 0, others: Mapping[str, np.ndarray] = {}) -> Comparison:
    """others: tensors that `got` may have been mixed up with, by name. rows: the number of clips, for mean or sum."""
    true = np.asarray(true)
    if got is None:
        return Comparison(False, "missing")
    try:
        found = np.asarray(got)
    except ValueError:
        return Comparison(False, "rows of different lengths")
    if found.dtype.kind not in "fiub":
        return Comparison(False, f"{found.dtype}; expected real numbers")
    if found.shape != true.shape:
        turned = "; transposed?" if found.shape == true.shape[::-1] else ""
        return Comparison(False, f"shape {found.shape}, expected {true.shape}{turned}")
    if true.dtype.kind in "biu":
        wrong = int((found != true).sum())
        return Comparison(not wrong, "right" if not wrong else f"{wrong} of {true.size} entries wrong")
    single = found.dtype.itemsize < 8 and found.dtype.kind == "f"
    found = found.astype(float)
    with np.errstate(all="ignore"):
        return compared(found, true, rows, others, single)


def compared(
    found: np.ndarray, true: np.ndarray, rows: int, others: Mapping[str, np.ndarray], single: bool
) -> Comparison:
    alike = (found == true) | (np.isnan(found) & np.isnan(true))
    scale = max(float(np.abs(true[np.isfinite(true)]).max(initial=0)), 1e-12)
    errors = np.where(alike, 0, np.abs(found - true)) / scale
    error = float(np.nan_to_num(errors, nan=np.inf).max(initial=0))
    if error <= (TOLERANCE_32 if single else TOLERANCE):
        return Comparison(True, "right", error, single)
    return Comparison(False, how_wrong(found, true, errors, rows, others), error, single)


def how_wrong(
    found: np.ndarray, true: np.ndarray, errors: np.ndarray, rows: int, others: Mapping[str, np.ndarray]
) -> str:
    if np.isnan(found).any():
        return f"NaN in {int(np.isnan(found).sum())} of {found.size} entries"
    if np.isinf(found).any() and np.isfinite(true).all():
        return f"infinite in {int(np.isinf(found).sum())} of {found.size} entries"
    if not found.any():
        return "all zero"
    for name, other in others.items():
        if other is not true and np.shape(other) == found.shape and np.any(other) and close(found, other):
            return f"this is the value of {name}"
    if found.ndim == 2 and found.shape[0] == found.shape[1] and found.size > 1 and close(found, true.T):
        return "transposed"
    said = factor(found, true, rows)
    if said:
        return said
    if np.nan_to_num(errors, nan=np.inf).max() < 1e-3:
        return f"close, but not equal (relative error {errors.max():.0e})"
    wrong = int((~(errors <= TOLERANCE)).sum())
    return f"{wrong} of {true.size} entries wrong"


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() <= TOLERANCE * np.abs(b).max())


def equal(got: Any, other: Any) -> bool:
    """The same shape and, but for rounding, the same numbers; NaN equals NaN."""
    try:
        found, other = np.asarray(got, float), np.asarray(other, float)
    except (TypeError, ValueError):
        return False
    if found.shape != other.shape:
        return False
    scale = np.abs(other[np.isfinite(other)]).max(initial=0)
    return bool(np.isclose(found, other, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True).all())


def factor(found: np.ndarray, true: np.ndarray, rows: int) -> str:
    """ "times -1", if one number is the whole difference."""
    size = float((true * true).sum())
    times = float((found * true).sum()) / size if size else 0.0
    if not times or not close(found, times * true):
        return ""
    known = {-1.0: "a sign (times -1)", 2.0: "a factor 2", 0.5: "a factor 1/2"}
    if rows > 2:
        known |= {float(rows): f"a factor {rows}, the number of rows: a sum where a mean belongs"}
        known |= {1 / rows: f"a factor 1/{rows}, {rows} rows: a mean where a sum belongs"}
    for number, word in known.items():
        if abs(times - number) < 1e-6 * abs(number):
            return f"right but for {word}"
    if found.size == 1:  # any number is a multiple of any other
        return ""
    upside = 1 / times
    whole = abs(upside) > 2 and abs(upside - round(upside)) < 1e-6 * abs(upside)
    return f"right but for a factor {f'1/{round(upside)}' if whole else f'{times:.4g}'}"
