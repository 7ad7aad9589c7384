"""What the model configuration extension tells of a model, in Triton's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_core.protocol.inference import TensorSpec


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """How a model is served.

    `max_batch_size` is 0 if requests are not batched; otherwise the shapes of `inputs` and
    `outputs` are without their first dimension, as Triton has it. `max_queue_delay_us` is how long
    a request waits for others to share its batch. `is_decoupled` says that one request may have
    any number of responses.
    """

    name: str
    platform: str
    backend: str
    max_batch_size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_queue_delay_us: int = 0
    is_decoupled: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
