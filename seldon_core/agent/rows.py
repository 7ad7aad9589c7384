"""The rows of several requests as those of one call, and its outputs as theirs again."""

import numpy as np

from seldon_core.agent.batching import Array, Entry


class RowsLostError(Exception):
    """A batch's output does not have a row for each row of its inputs."""


def joined(entries: list[Entry]) -> list[Array]:
    """Return the inputs of all entries, row after row."""
    first = entries[0].inputs
    if len(first) == 1:
        return [np.concatenate([entry.inputs[0] for entry in entries])]
    return [np.concatenate([entry.inputs[i] for entry in entries]) for i in range(len(first))]


def shares_of(entries: list[Entry], outputs: list[Array], rows: int) -> list[list[Array]]:
    """Return the rows of the outputs that are each entry's, as views; there are `rows` together.

    Raises RowsLostError if the model does not keep rows apart.
    """
    for output in outputs:
        if not output.shape or output.shape[0] != rows:
            raise RowsLostError
    shares = []
    start = 0
    for entry in entries:
        stop = start + entry.rows
        shares.append([output[start:stop] for output in outputs])
        start = stop
    return shares
