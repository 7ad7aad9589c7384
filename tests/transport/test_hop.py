"""The headers of the hop are Seldon's own, so that its agents know them."""

from seldon_core.router import table
from seldon_core.transport import hop


def test_names():
    assert hop.INTERNAL_MODEL == b"seldon-internal-model"
    assert hop.MODEL_HEADER == table.MODEL_HEADER == b"seldon-model"
    assert hop.TIMEOUT == b"grpc-timeout"
