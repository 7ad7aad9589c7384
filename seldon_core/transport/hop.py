"""The headers that a call has on its way from one process to another, besides those of its own."""

from typing import Final

INTERNAL_MODEL: Final = b"seldon-internal-model"
"""Names the version that is to answer (`iris_1`)."""

TIMEOUT: Final = b"grpc-timeout"
"""The time that is left, as gRPC writes it; calls that are not gRPC's have it too."""

MODEL_HEADER: Final = b"seldon-model"
"""Names the model that a call is for, whatever its path or message says."""
