"""The classification extension: the highest values of an output instead of all of them.

A requested output asks by the parameter `classification: N`. What comes back are texts
`<value>:<index>`, the highest first. A value is written as C prints it, which Triton does: `%d` of
an integer, `%f` of any other number, so always with six digits behind the point. Of equal values
the one with the lower index comes first, unless not all of them are wanted; what is no number
comes last.
"""

from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import RequestedOutput, Tensor
from seldon_core.protocol.tensors import NUMPY_DTYPES, Array, brief

CLASSIFICATION: Final = "classification"
"""The parameter of a requested output; its value is how many classes are wanted."""

MOST_CLASSES: Final = 1 << 15
"""Most texts in a reply's output: so many are written in 15 ms, for which all others wait."""

_NUMERIC: Final = frozenset(NUMPY_DTYPES) - {"BYTES", "BOOL"}


def classes_wanted(output: RequestedOutput, datatype: str) -> int:
    """Return how many classes the request wants of an output of `datatype`, 0 if it asks for none.

    Raises InvalidRequestError if that is no number >= 1, or the output's values have no order.
    """
    if output.parameters is None or CLASSIFICATION not in output.parameters:
        return 0
    count = output.parameters[CLASSIFICATION]
    where = _where(output.name)
    if type(count) is not int or count < 1:
        raise InvalidRequestError(f"{where} must be an integer >= 1, found {brief(count)}")
    if datatype not in _NUMERIC:
        raise InvalidRequestError(f"{where} is for numbers, the output is {datatype}")
    return count


def classified(tensor: Tensor, count: int, *, by_row: bool) -> Tensor:
    """Return the `count` highest values of a tensor, of each of its rows if `by_row`.

    The result is BYTES of shape [count] or [rows, count], with fewer if there are not as many; an
    index counts the elements of a row in row-major order. Raises InvalidRequestError if that are
    more than `MOST_CLASSES`.
    """
    data = tensor.data
    by_row = by_row and data.ndim > 0
    rows = data.reshape(len(data), prod(data.shape[1:])) if by_row else data.reshape(1, data.size)
    count = min(count, rows.shape[1])
    if len(rows) * count > MOST_CLASSES:
        raise InvalidRequestError(
            f"{_where(tensor.name)} asks for {len(rows) * count} classes in all, at most "
            f"{MOST_CLASSES} are told: ask for fewer, or for the values themselves"
        )
    order = _order_of_highest(rows, count)
    form = "%f:%d" if rows.dtype.kind == "f" else "%d:%d"
    values = np.take_along_axis(rows, order, axis=1)
    pairs = zip(values.ravel().tolist(), order.ravel().tolist(), strict=True)
    texts = np.empty(order.size, object)
    texts[:] = [(form % pair).encode() for pair in pairs]
    return Tensor(tensor.name, "BYTES", texts.reshape(order.shape if by_row else order.shape[1:]))


def _order_of_highest(rows: Array, count: int) -> npt.NDArray[np.intp]:
    """Return for each row the indices of its `count` highest values."""
    # Backwards, so that the highest come first and what is no number last. Of integers the
    # complement is that without an overflow.
    keys = -rows if rows.dtype.kind == "f" else ~rows
    if not 0 < count < rows.shape[1]:
        return np.argsort(keys, axis=1, kind="stable")[:, :count]
    # Before they are sorted, which takes fifty times as long: 1.3 ms for a million values.
    found = np.sort(np.argpartition(keys, count - 1, axis=1)[:, :count], axis=1)
    within = np.argsort(np.take_along_axis(keys, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, within, axis=1)


def _where(name: str) -> str:
    return f"parameter {CLASSIFICATION} of output {name!r}"
