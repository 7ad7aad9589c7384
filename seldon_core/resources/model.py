"""A Model as the process knows it, after its manifest or message was validated."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seldon_core.resources.knobs import NO_KNOBS, Knobs

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class KubernetesMeta:
    """What Kubernetes knows of a resource; echoed in statuses. Empty and 0 when not told."""

    namespace: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a user declared. `memory_bytes` is 0 when the manifest gives none: then it is measured.

    `storage_uri` is absolute or a URL. `requirements` are capabilities that a server must have.
    `min_replicas` above 0: so many replicas are enough when there is no room for `replicas`.
    `max_replicas` is 0 when there is no bound. `storage_secret` is the Secret that defines the
    remote of `storage_uri`, "" if none does. `log_payloads` and `clean_topics_on_delete` are echoed
    and have no effect yet. `knobs` are this project's own settings, which Seldon does not have.
    """

    name: str
    storage_uri: str
    requirements: tuple[str, ...] = ()
    memory_bytes: int = 0
    artifact_version: int | None = None
    server: str | None = None
    storage_secret: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    knobs: Knobs = NO_KNOBS
    replicas: int = 1
    min_replicas: int = 0
    max_replicas: int = 0
    log_payloads: bool = False
    clean_topics_on_delete: bool = False
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the model is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE

    @property
    def is_scaled(self) -> bool:
        """Whether its replicas may be changed by how much it is called.

        A model that is declared with no replica at all stays without, unless calls load it.
        """
        is_bounded = self.min_replicas > 0 or self.max_replicas > 0
        may_have_any = self.replicas > 0 or self.knobs.scale_to_zero
        return may_have_any and (is_bounded or self.knobs.target_rps is not None)

    @property
    def is_watched(self) -> bool:
        """Whether agents are to look at how much it is called."""
        return self.is_scaled or self.knobs.scale_to_zero

    def deployed_as(self, other: "ModelSpec") -> "ModelSpec":
        """Return this spec with the deployment, dataflow and metadata of `other`.

        They may change without making a new version of the model.
        """
        return replace(
            self,
            replicas=other.replicas,
            min_replicas=other.min_replicas,
            max_replicas=other.max_replicas,
            log_payloads=other.log_payloads,
            clean_topics_on_delete=other.clean_topics_on_delete,
            meta=other.meta,
        )


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """Something that was to be a model and was never accepted as one, and why.

    `source` is the manifest or folder it comes from; `name` is "" if it does not tell.
    """

    source: str
    reason: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FoundModels:
    """What the folders declare that the process serves, and what of it cannot be served.

    Artifacts below the folders `trusted` may run code when they are loaded.
    """

    specs: Sequence[ModelSpec] = ()
    refused: Sequence[RefusedModel] = ()
    trusted: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One generation of a Model: the spec and the number it got when it was applied, from 1."""

    spec: ModelSpec
    version: int

    @property
    def internal_name(self) -> str:
        """`<model>_<version>`, the name by which replicas and replies know it."""
        return f"{self.spec.name}_{self.version}"
