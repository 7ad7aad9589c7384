"""Finds out whether a model's rows influence each other.

Rows of several callers may run as one call only if nobody's answer depends on who else is in the
batch. A model's declared shapes do not say so (a softmax over the wrong axis, a normalisation by
the batch, random noise), so a freshly loaded model is tried: some rows together, then one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Arrays = Sequence[npt.NDArray[Any]]

ROWS = 3
"""How many rows a trial has: with two, symmetric influence (a mean, a maximum) can go unseen in
an integer answer; each more costs a load one more call."""


class Trial(NamedTuple):
    """What came out: the answer to all rows together, and why rows are not independent, if so."""

    together: Arrays
    influence: str | None


def try_rows(run: Callable[[Arrays], Arrays], inputs: Arrays) -> Trial:
    """Run `inputs`, which have ROWS different rows each, together and row by row, and compare.

    What `run` raises is passed on.
    """
    together = run(inputs)
    for row in range(ROWS):
        alone = run([array[row : row + 1] for array in inputs])
        for whole, part in zip(together, alone, strict=True):
            if whole.shape[:1] != (ROWS,) or part.shape != (1, *whole.shape[1:]):
                return Trial(
                    together,
                    f"{ROWS} rows give an output of shape {list(whole.shape)} and one row "
                    f"{list(part.shape)}, not one row for each",
                )
            if not _same(whole[row], part[0]):
                return Trial(together, "a row is answered differently alone and beside others")
    return Trial(together, None)


def random_rows(shape: Sequence[int], dtype: Any, seed: int = 0) -> npt.NDArray[Any]:
    """Return ROWS different rows of `shape`, always the same for a seed.

    Floats are normal; integers are 0 or 1, small enough to be indices into any table.
    """
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.standard_normal((ROWS, *shape)).astype(dtype)
    return random.integers(0, 2, (ROWS, *shape)).astype(dtype)


def _same(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Compare, allowing for sums that a library does in another order for another batch size."""
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    tolerance = 1e-2 if one.dtype.itemsize == 2 else 1e-4
    magnitude = float(np.max(np.abs(one), initial=1.0, where=np.isfinite(one)))
    return bool(
        np.allclose(one, other, rtol=tolerance, atol=tolerance * 0.1 * magnitude, equal_nan=True)
    )
