"""BYTES as the text that machine-learning libraries want, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt

from seldon_core.errors import InvalidRequestError


def decoded(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an object array of `bytes` as one of `str`; every other array as it is.

    Raises InvalidRequestError if an element is not UTF-8.
    """
    if array.dtype != np.object_:
        return array
    text = np.empty(array.shape, dtype=object)
    try:
        text.reshape(-1)[:] = [item.decode() for item in array.flat]
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"the model takes text, and an element is not UTF-8: {error}"
        ) from error
    return text


def encoded(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array of text or other objects as one of `bytes`; every other array as it is."""
    if array.dtype.kind not in "OSU":
        return array
    encoded = np.empty(array.shape, dtype=object)
    encoded.reshape(-1)[:] = [
        item if isinstance(item, bytes) else str(item).encode() for item in array.flat
    ]
    return encoded
