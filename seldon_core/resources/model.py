"""A Model as the process knows it, after its manifest was validated."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a user declared. `memory_bytes` is 0 when the manifest gives none: then it is measured.

    `storage_uri` is absolute or a URL. `requirements` are capabilities that a server must have.
    `min_replicas` above 0: so many replicas are enough when there is no room for `replicas`.
    """

    name: str
    storage_uri: str
    requirements: tuple[str, ...] = ()
    memory_bytes: int = 0
    artifact_version: int | None = None
    server: str | None = None
    replicas: int = 1
    min_replicas: int = 0
    namespace: str = "default"
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """Something that was to be a model and was never accepted as one, and why.

    `source` is the manifest or folder it comes from; `name` is "" if it does not tell.
    """

    source: str
    reason: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One generation of a Model: the spec and the number it got when it was applied, from 1."""

    spec: ModelSpec
    version: int

    @property
    def internal_name(self) -> str:
        """`<model>_<version>`, the name by which replicas and replies know it."""
        return f"{self.spec.name}_{self.version}"
