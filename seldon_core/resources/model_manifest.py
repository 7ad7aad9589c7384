"""The kind Model as a user writes it, checked by pydantic field by field.

Fields that only concern what this process does not have yet (payload logging, Kafka topics,
`preloaded`) are accepted and without effect, so that Seldon's manifests load
unchanged; `explainer` and `llm` change what a caller gets, and are checked but not served.
"""

from collections.abc import Mapping

from pydantic import BaseModel, Field, StrictBool, field_validator, model_validator

from seldon_core.resources.knobs import PREFIX, parse_knobs
from seldon_core.resources.manifest_parts import (
    Bytes,
    Count,
    Manifest,
    Metadata,
    Scaled,
    Strict,
    Tag,
    Text,
)
from seldon_core.resources.model import ModelSpec


class Parameter(Strict):
    """One setting that is passed on to the model."""

    name: Text
    value: str


class Logger(Strict):
    """Payload logging; `percent` is unused, as in Seldon."""

    percent: Count | None = None


class Dataflow(Strict):
    """What becomes of a model's Kafka topics."""

    clean_topics_on_delete: StrictBool = False


class _Reference(Strict):
    """Something else that the model is about: a model or a pipeline."""

    model_ref: str | None = None
    pipeline_ref: str | None = None

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> "_Reference":
        if self.model_ref and self.pipeline_ref:
            raise ValueError(
                f"gives both modelRef {self.model_ref!r} and pipelineRef {self.pipeline_ref!r}; "
                "give one of them"
            )
        return self


class Explainer(_Reference):
    """What the model explains."""

    type: str | None = None


class Llm(_Reference):
    """What the language model stands before."""


class ModelDeclaration(Scaled):
    """The `spec` of a Model."""

    storage_uri: Text
    model_type: Tag | None = None
    artifact_version: Count | None = None
    schema_uri: str | None = None
    secret_name: str | None = None
    requirements: list[Tag] = Field(default_factory=list)
    memory: Bytes = 0
    server: str | None = None
    preloaded: StrictBool = False
    dedicated: StrictBool = False
    logger: Logger | None = None
    explainer: Explainer | None = None
    llm: Llm | None = None
    parameters: list[Parameter] = Field(default_factory=list)
    dataflow: Dataflow | None = None

    @field_validator("parameters")
    @classmethod
    def _names_are_the_models_own_and_differ(cls, value: list[Parameter]) -> list[Parameter]:
        seen: set[str] = set()
        for parameter in value:
            if parameter.name in seen:
                raise ValueError(f"parameter {parameter.name!r} is given twice")
            if parameter.name.startswith(PREFIX):
                raise ValueError(
                    f"{parameter.name!r} is not for the model; write it as an annotation"
                )
            seen.add(parameter.name)
        return value

    @model_validator(mode="after")
    def _is_one_thing(self) -> "ModelDeclaration":
        if self.explainer is not None and self.llm is not None:
            raise ValueError("explainer and llm are both given; a model is one of them at most")
        return self


class ModelMetadata(Metadata):
    """A model's `metadata`: its annotations may be knobs."""

    @field_validator("annotations")
    @classmethod
    def _knobs_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        parse_knobs(value)
        return value


class ModelManifest(Manifest):
    """A Model as Kubernetes would store it."""

    metadata: ModelMetadata
    spec: ModelDeclaration

    def to_spec(self) -> ModelSpec:
        """Return the declared model as the process knows it."""
        spec, metadata = self.spec, self.metadata
        tags = [*spec.requirements, *([spec.model_type] if spec.model_type else [])]
        return ModelSpec(
            name=metadata.name,
            storage_uri=spec.storage_uri,
            requirements=tuple(tags),
            memory_bytes=spec.memory,
            artifact_version=spec.artifact_version,
            server=spec.server or None,
            storage_secret=spec.secret_name or "",
            parameters={parameter.name: parameter.value for parameter in spec.parameters},
            knobs=parse_knobs(metadata.annotations),
            replicas=spec.desired_replicas,
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            log_payloads=spec.logger is not None,
            clean_topics_on_delete=bool(spec.dataflow and spec.dataflow.clean_topics_on_delete),
            meta=metadata.to_meta(),
        )


PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): ModelManifest,
    ("spec",): ModelDeclaration,
    ("spec", "logger"): Logger,
    ("spec", "dataflow"): Dataflow,
    ("spec", "parameters"): Parameter,
    ("spec", "explainer"): Explainer,
    ("spec", "llm"): Llm,
}
"""Each part of the manifest that refuses unknown fields, by its path without list indices."""
