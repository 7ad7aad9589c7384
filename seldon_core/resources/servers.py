"""The servers that exist without being declared, and what they can serve.

Names and capabilities are those that Seldon's default servers have, so that its manifests find
their server. Which of them a process can really keep depends on the libraries it finds; the
composition root leaves the others out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerDefinition:
    """A named group of equal replicas; a model runs on it if it has all its requirements."""

    name: str
    capabilities: tuple[str, ...]


MLSERVER = ServerDefinition(
    "mlserver",
    (
        "mlserver",
        "alibi-detect",
        "alibi-explain",
        "huggingface",
        "lightgbm",
        "mlflow",
        "python",
        "sklearn",
        "spark-mlib",
        "xgboost",
    ),
)

TRITON = ServerDefinition(
    "triton",
    (
        "triton",
        "dali",
        "fil",
        "onnx",
        "openvino",
        "python",
        "pytorch",
        "tensorflow",
        "tensorrt",
    ),
)

DEFAULT_SERVERS = (MLSERVER, TRITON)


def default_capabilities(config: str) -> tuple[str, ...]:
    """Return what the servers of a config can do that does not say it itself.

    It is what the default server of its name can, or mlserver.
    """
    return next((each for each in DEFAULT_SERVERS if each.name == config), MLSERVER).capabilities
