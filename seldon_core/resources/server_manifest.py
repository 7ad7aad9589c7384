"""The kinds Server and ServerConfig as a user writes them, checked by pydantic field by field.

Both may be written with plain fields of our own (`memory: 2Gi`), or as Seldon's manifests are, with
a `podSpec`; a plain field stands above what the podSpec says.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, StrictBool, field_validator

from seldon_core.resources.manifest_parts import (
    Bytes,
    Count,
    Manifest,
    Scaled,
    Strict,
    Tag,
)
from seldon_core.resources.pod_spec import PodSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

DEFAULT_CONFIG = "mlserver"


class Variable(Strict):
    """A variable of each replica's process."""

    name: str = Field(min_length=1)
    value: str = ""


class _Template(Strict):
    """What a Server may say as well as a ServerConfig."""

    capabilities: list[Tag] = Field(default_factory=list)
    memory: Bytes = 0
    over_commit_percentage: Count | None = None
    python: str = ""
    environment: str = ""
    env: list[Variable] = Field(default_factory=list)
    devices: Count = 0
    node_selector: dict[str, str] = Field(default_factory=dict)
    pod_spec: PodSpec = PodSpec()

    @field_validator("pod_spec")
    @classmethod
    def _says_numbers(cls, value: PodSpec) -> PodSpec:
        _ = value.over_commit_percentage, value.memory_bytes
        return value

    def process_fields(self) -> dict[str, Any]:
        """Return what a replica's process shall be, by the names of a spec's fields."""
        pod = self.pod_spec
        over_commit = self.over_commit_percentage
        return {
            "capabilities": tuple(dict.fromkeys(self.capabilities)) or pod.capabilities,
            "memory_bytes": self.memory or pod.memory_bytes,
            "over_commit_percentage": (
                pod.over_commit_percentage if over_commit is None else over_commit
            ),
            "python": self.python,
            "environment_variables": {
                **pod.environment_variables,
                **{variable.name: variable.value for variable in self.env},
            },
            "environment_name": self.environment or pod.environment_name,
            "device_count": self.devices or pod.device_count,
            "labels": {**pod.node_selector, **self.node_selector},
        }


class ServerConfigDeclaration(_Template):
    """The `spec` of a ServerConfig."""

    volume_claim_templates: list[Any] = Field(default_factory=list)


class ImageOverrides(Strict):
    """Seldon declares these and does not use them."""

    agent: object = None
    rclone: object = None


class ServerDeclaration(_Template, Scaled):
    """The `spec` of a Server."""

    server_config: str = Field(default=DEFAULT_CONFIG, min_length=1)
    extra_capabilities: list[Tag] = Field(default_factory=list)
    image_overrides: ImageOverrides | None = None
    stateful_set_persistent_volume_claim_retention_policy: object = None
    deployment_strategy: object = None
    disable_auto_update: StrictBool = False


_CLUSTER_ONLY = {
    "image_overrides": "imageOverrides",
    "stateful_set_persistent_volume_claim_retention_policy": (
        "statefulSetPersistentVolumeClaimRetentionPolicy"
    ),
    "deployment_strategy": "deploymentStrategy",
    "volume_claim_templates": "volumeClaimTemplates",
}
"""Fields that are about what only a cluster has."""


class ServerConfigManifest(Manifest):
    """A ServerConfig as Kubernetes would store it."""

    spec: ServerConfigDeclaration

    def to_spec(self) -> ServerConfigSpec:
        """Return the declared config as the process knows it."""
        return ServerConfigSpec(
            name=self.metadata.name, meta=self.metadata.to_meta(), **self.spec.process_fields()
        )

    def notices(self) -> list[str]:
        """Return a sentence about each part that is without effect."""
        return _notices(self.spec)


class ServerManifest(Manifest):
    """A Server as Kubernetes would store it."""

    spec: ServerDeclaration

    def to_spec(self) -> ServerSpec:
        """Return the declared server as the process knows it."""
        spec = self.spec
        return ServerSpec(
            name=self.metadata.name,
            config_name=spec.server_config,
            extra_capabilities=tuple(dict.fromkeys(spec.extra_capabilities)),
            replicas=spec.desired_replicas,
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            disable_auto_update=spec.disable_auto_update,
            meta=self.metadata.to_meta(),
            **spec.process_fields(),
        )

    def notices(self) -> list[str]:
        """Return a sentence about each part that is without effect."""
        return _notices(self.spec)


def _notices(spec: _Template) -> list[str]:
    given = [
        f"spec.{name} has no effect here"
        for field, name in _CLUSTER_ONLY.items()
        if getattr(spec, field, None)
    ]
    image = spec.pod_spec.environment_name
    if spec.python and (spec.environment or image):
        given.append(f"spec.python stands above the environment {spec.environment or image!r}")
    elif image and not spec.environment:
        given.append(
            f"the image {image!r} names an environment here: replicas run in the folder of that "
            "name in agent.environments"
        )
    return [*spec.pod_spec.notices("spec.podSpec"), *given]


_SHARED: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("spec", "env"): Variable,
}

SERVER_PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): ServerManifest,
    ("spec",): ServerDeclaration,
    ("spec", "imageOverrides"): ImageOverrides,
    **_SHARED,
}
"""Each part of a Server that refuses unknown fields, by its path without list indices."""

SERVER_CONFIG_PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): ServerConfigManifest,
    ("spec",): ServerConfigDeclaration,
    **_SHARED,
}
"""The same of a ServerConfig."""
