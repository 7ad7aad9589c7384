"""What can be declared, and of which kind it is. Without pydantic, which only reading needs."""

from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.kubernetes import (
    CONFIG_MAP,
    EXPERIMENT,
    MODEL,
    PIPELINE,
    SECRET,
    SERVER,
    SERVER_CONFIG,
)
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

Spec = (
    ModelSpec
    | ServerSpec
    | ServerConfigSpec
    | PipelineSpec
    | ExperimentSpec
    | SecretSpec
    | AgentConfigSpec
)
"""What a manifest can declare."""

_KINDS: dict[type[Spec], str] = {
    ModelSpec: MODEL,
    ServerSpec: SERVER,
    ServerConfigSpec: SERVER_CONFIG,
    PipelineSpec: PIPELINE,
    ExperimentSpec: EXPERIMENT,
    SecretSpec: SECRET,
    AgentConfigSpec: CONFIG_MAP,
}


def kind_of(spec: Spec) -> str:
    """Return the name of the kind that a spec is of."""
    return _KINDS[type(spec)]
