"""The kind Model as a user writes it, checked by pydantic field by field.

Fields that only concern what this process does not have yet (payload logging, Kafka topics,
storage secrets, preloading) are accepted and without effect, so that Seldon's manifests load
unchanged; `explainer` and `llm` change what a caller gets, and are checked but not served.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from seldon_core.resources.knobs import PREFIX, parse_knobs
from seldon_core.resources.kubernetes import API_VERSION
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.quantities import parse_bytes
from seldon_core.resources.words import show

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST: Final = {"name": 253, "namespace": 63}  # characters, as Kubernetes allows

_MAX_INT32 = 2**31 - 1
_NO_MAXIMUM = 2**32 - 1  # what Seldon's own clients write where there is no maxReplicas


def _bytes_of(value: object) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError(
            f"{show(value)} is no quantity of memory; write for example 100Ki or 1.5Gi"
        )
    return parse_bytes(value)


def _maximum_of(value: object) -> object:
    return 0 if value == _NO_MAXIMUM else value


Count = Annotated[int, Field(ge=0, le=_MAX_INT32, strict=True)]
Text = Annotated[str, Field(min_length=1)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    """A field that is null counts as not given, as it does for Kubernetes."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None}


class _Strict(_Part):
    """Fields are spelt as in Kubernetes (`storageUri`); unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Parameter(_Strict):
    """One setting that is passed on to the model."""

    name: Text
    value: str


class Logger(_Strict):
    """Payload logging; `percent` is unused, as in Seldon."""

    percent: Count | None = None


class Dataflow(_Strict):
    """What becomes of a model's Kafka topics."""

    clean_topics_on_delete: StrictBool = False


class _Reference(_Strict):
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


class ModelDeclaration(_Strict):
    """The `spec` of a Model."""

    storage_uri: Text
    model_type: Tag | None = None
    artifact_version: Count | None = None
    schema_uri: str | None = None
    secret_name: str | None = None
    requirements: list[Tag] = []
    memory: Annotated[int, BeforeValidator(_bytes_of)] = 0
    replicas: Count | None = None
    min_replicas: Count = 0
    max_replicas: Annotated[Count, BeforeValidator(_maximum_of)] = 0
    server: str | None = None
    preloaded: StrictBool = False
    dedicated: StrictBool = False
    logger: Logger | None = None
    explainer: Explainer | None = None
    llm: Llm | None = None
    parameters: list[Parameter] = []
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

    @model_validator(mode="after")
    def _scales_sensibly(self) -> "ModelDeclaration":
        replicas, least, most = self.desired_replicas, self.min_replicas, self.max_replicas
        if replicas < least:
            raise ValueError(f"replicas {replicas} is less than minReplicas {least}")
        if most and least > most:
            raise ValueError(f"minReplicas {least} is more than maxReplicas {most}")
        if most and replicas > most:
            raise ValueError(f"replicas {replicas} is more than maxReplicas {most}")
        return self

    @property
    def desired_replicas(self) -> int:
        """What `replicas` says; without it the minimum, and 1 without that."""
        if self.replicas is None:
            return self.min_replicas or 1
        return self.replicas


class Metadata(_Part):
    """What is read of `metadata`; Kubernetes puts much else there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    namespace: str = ""
    generation: Count = 0
    annotations: dict[str, str] = {}

    @field_validator("name", "namespace")
    @classmethod
    def _is_name(cls, value: str, info: ValidationInfo) -> str:
        longest = _LONGEST[str(info.field_name)]
        if (value or info.field_name == "name") and (
            len(value) > longest or _NAME.fullmatch(value) is None
        ):
            raise ValueError(
                f"{show(value)} must be lower-case letters, digits and '-', begin and end with a "
                f"letter or digit, and have at most {longest} characters"
            )
        return value

    @field_validator("annotations")
    @classmethod
    def _knobs_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        parse_knobs(value)
        return value


class ModelManifest(_Strict):
    """A Model as Kubernetes would store it. `status` is Kubernetes' own and not read."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: ModelDeclaration
    status: object = None

    @field_validator("api_version")
    @classmethod
    def _is_ours(cls, value: str) -> str:
        if value != API_VERSION:
            raise ValueError(f"must be {API_VERSION}, not {show(value)}")
        return value

    def to_spec(self) -> ModelSpec:
        """Return the declared model as the process knows it."""
        spec, metadata = self.spec, self.metadata
        tags = [*spec.requirements, *([spec.model_type] if spec.model_type else [])]
        meta = None
        if metadata.namespace or metadata.generation:
            meta = KubernetesMeta(metadata.namespace, metadata.generation)
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
            meta=meta,
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
