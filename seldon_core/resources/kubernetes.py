"""What Kubernetes calls the kinds, and what was declared as its manifest.

Without pydantic, so that `get -o yaml` need not wait for it; reading is in `manifests`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from seldon_core.resources.knobs import show_knobs
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.quantities import show_bytes
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

GROUP = "mlops.seldon.io"
API_VERSION = f"{GROUP}/v1alpha1"
CORE_VERSION = "v1"
"""Of the kinds that are Kubernetes' own."""

MODEL = "Model"
SERVER = "Server"
SERVER_CONFIG = "ServerConfig"
PIPELINE = "Pipeline"
EXPERIMENT = "Experiment"
SECRET = "Secret"
CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: as in a manifest, in the plural, and in short.

    `short_name` is "" if there is none, `group` if it is one of Kubernetes' own.
    """

    name: str
    plural: str
    short_name: str
    group: str = GROUP

    @property
    def api_version(self) -> str:
        """What its manifests say as `apiVersion`."""
        return API_VERSION if self.group else CORE_VERSION

    @property
    def singular(self) -> str:
        """The kind as one writes it before a name: `model/iris`."""
        return self.name.lower()

    @property
    def resource(self) -> str:
        """The kind with its group, as kubectl writes it before a name."""
        return f"{self.singular}.{self.group}".rstrip(".")

    @property
    def resources(self) -> str:
        """The kind in the plural with its group, as kubectl writes it in errors."""
        return f"{self.plural}.{self.group}".rstrip(".")


KINDS: Mapping[str, Kind] = {
    MODEL: Kind(MODEL, "models", "mlm"),
    SERVER: Kind(SERVER, "servers", "mls"),
    SERVER_CONFIG: Kind(SERVER_CONFIG, "serverconfigs", "mlc"),
    PIPELINE: Kind(PIPELINE, "pipelines", "mlp"),
    EXPERIMENT: Kind(EXPERIMENT, "experiments", "mlx"),
    SECRET: Kind(SECRET, "secrets", "", group=""),
    CONFIG_MAP: Kind(CONFIG_MAP, "configmaps", "cm", group=""),
}
"""What can be declared and looked at."""

UNSERVED_KINDS = ("SeldonRuntime", "SeldonConfig")
"""What Seldon has besides."""


def manifest_of(spec: ModelSpec) -> dict[str, object]:
    """Return the manifest that declares `spec`, fields at their default left out.

    `parse_manifests` reads `spec` back from it; but a `modelType` has become a requirement.
    """
    return _manifest(MODEL, spec, _declaration(spec), show_knobs(spec.knobs))


def server_manifest_of(spec: ServerSpec) -> dict[str, object]:
    """Return the manifest that declares a server, as `manifest_of` does."""
    fields = _given(serverConfig=spec.config_name) | _process_fields(spec)
    if spec.replicas != (spec.min_replicas or 1):
        fields["replicas"] = spec.replicas
    fields |= _given(
        extraCapabilities=list(spec.extra_capabilities),
        minReplicas=spec.min_replicas,
        maxReplicas=spec.max_replicas,
        disableAutoUpdate=spec.disable_auto_update,
    )
    return _manifest(SERVER, spec, fields)


def server_config_manifest_of(spec: ServerConfigSpec) -> dict[str, object]:
    """Return the manifest that declares a server config, as `manifest_of` does."""
    return _manifest(SERVER_CONFIG, spec, _process_fields(spec))


def _manifest(
    kind: str,
    spec: ModelSpec | ServerSpec | ServerConfigSpec,
    fields: Mapping[str, object],
    annotations: Mapping[str, str] | None = None,
) -> dict[str, object]:
    metadata: dict[str, object] = {"name": spec.name}
    if spec.meta is not None:
        metadata |= _given(namespace=spec.meta.namespace, generation=spec.meta.generation)
    metadata |= _given(annotations=annotations)
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(fields)}


def _process_fields(spec: ServerSpec | ServerConfigSpec) -> dict[str, object]:
    fields = _given(
        capabilities=list(spec.capabilities),
        memory=show_bytes(spec.memory_bytes) if spec.memory_bytes else 0,
        python=spec.python,
        environment=spec.environment_name,
        env=[{"name": name, "value": value} for name, value in spec.environment_variables.items()],
        devices=spec.device_count,
        nodeSelector=dict(spec.labels),
    )
    if spec.over_commit_percentage is not None:
        fields["overCommitPercentage"] = spec.over_commit_percentage
    return fields


def _declaration(spec: ModelSpec) -> dict[str, object]:
    fields: dict[str, object] = {"storageUri": spec.storage_uri}
    if spec.artifact_version is not None:
        fields["artifactVersion"] = spec.artifact_version
    fields |= _given(
        secretName=spec.storage_secret,
        requirements=list(spec.requirements),
        memory=show_bytes(spec.memory_bytes) if spec.memory_bytes else 0,
    )
    if spec.replicas != (spec.min_replicas or 1):  # what it is if it is not given
        fields["replicas"] = spec.replicas
    fields |= _given(
        minReplicas=spec.min_replicas, maxReplicas=spec.max_replicas, server=spec.server
    )
    if spec.log_payloads:
        fields["logger"] = {}  # that it is there says everything
    parameters = [{"name": name, "value": value} for name, value in spec.parameters.items()]
    fields |= _given(parameters=parameters)
    if spec.clean_topics_on_delete:
        fields["dataflow"] = {"cleanTopicsOnDelete": True}
    return fields


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}
