"""The table of dialects: which path or gRPC method is which call.

A dialect is a set of paths and methods that mean calls of the one interface in
`transport/handler.py`. The Open Inference Protocol is the first; others (MLServer's and Triton's
additions, OpenAI's) become further rows of the same tables.
"""

from dataclasses import dataclass
from enum import Enum


class Verb(Enum):
    """What a call wants. The first three are about the server, the others about a model."""

    SERVER_LIVE = "ServerLive"
    SERVER_READY = "ServerReady"
    SERVER_METADATA = "ServerMetadata"
    MODEL_READY = "ModelReady"
    MODEL_METADATA = "ModelMetadata"
    INFER = "ModelInfer"


@dataclass(frozen=True, slots=True)
class Target:
    """What a REST path means: a verb, and the model and version it names ("" if none)."""

    verb: Verb
    model: str = ""
    version: str = ""


"""HTTP method and path segments → verb. `{model}` and `{version}` stand for one segment each."""
