"""Kubernetes manifests of Seldon's kinds, validated; so far the kind Model.

A field that Seldon does not know is an error with its path and the nearest known name. Fields
that only concern what this process does not have yet (payload logging, Kafka topics, storage
secrets, preloading) are accepted and without effect, so that Seldon's manifests load unchanged;
`explainer` and `llm` change what a caller gets and are refused.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.quantities import parse_bytes
from seldon_core.resources.uris import resolve

API_VERSION = "mlops.seldon.io/v1alpha1"
KNOB_PREFIX = "seldon-core/"

_OTHER_KINDS = frozenset(
    {"Server", "ServerConfig", "Pipeline", "Experiment", "SeldonRuntime", "SeldonConfig"}
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # a DNS-1123 label

_MAX_REPLICAS = 2**31 - 1
ReplicaCount = Annotated[int, Field(ge=0, le=_MAX_REPLICAS, strict=True)]


def _bytes_of(value: object) -> int:
    if not isinstance(value, str | int):
        raise ValueError(f"{value!r} is no quantity of memory; write for example 100Ki or 1.5Gi")
    return parse_bytes(value)


class _Strict(BaseModel):
    """Fields are spelt as in Kubernetes (`storageUri`); unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Parameter(_Strict):
    """One setting that is passed on to the model."""

    name: str = Field(min_length=1)
    value: str


class Logger(_Strict):
    """Payload logging; `percent` is unused, as in Seldon."""

    percent: int | None = None


class Dataflow(_Strict):
    """What becomes of a model's Kafka topics."""

    clean_topics_on_delete: bool = False


class ModelSpecManifest(_Strict):
    """The `spec` of a Model."""

    storage_uri: str = Field(min_length=1)
    model_type: str | None = None
    artifact_version: Annotated[int, Field(ge=0, strict=True)] | None = None
    schema_uri: str | None = None
    secret_name: str | None = None
    requirements: list[str] = []
    memory: Annotated[int, BeforeValidator(_bytes_of)] = 0
    replicas: ReplicaCount | None = None
    min_replicas: ReplicaCount = 0
    max_replicas: ReplicaCount = 0
    server: str | None = None
    preloaded: bool = False
    dedicated: bool = False
    logger: Logger | None = None
    explainer: object = None
    llm: object = None
    parameters: list[Parameter] = []
    dataflow: Dataflow | None = None

    @field_validator("explainer", "llm")
    @classmethod
    def _is_not_served(cls, value: object) -> object:
        if value is not None:
            raise ValueError("models of this sort are not served yet")
        return value

    @field_validator("parameters")
    @classmethod
    def _names_differ(cls, value: list[Parameter]) -> list[Parameter]:
        names = [parameter.name for parameter in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"parameter {name!r} is given twice")
        return value

    @model_validator(mode="after")
    def _scales_sensibly(self) -> "ModelSpecManifest":
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


class Metadata(BaseModel):
    """What is read of `metadata`; Kubernetes puts much else there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    namespace: str = "default"
    annotations: dict[str, str] = {}

    @field_validator("name", "namespace")
    @classmethod
    def _is_label(cls, value: str) -> str:
        if _NAME.fullmatch(value) is None:
            raise ValueError(
                f"{value!r} must be lower-case letters, digits and '-', begin and end with a "
                "letter or digit, and have at most 63 characters"
            )
        return value

    @field_validator("annotations")
    @classmethod
    def _knobs_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.startswith(KNOB_PREFIX):
                raise ValueError(f"there is no setting {name!r}")
        return value


class ModelManifest(_Strict):
    """A Model as Kubernetes would store it. `status` is Kubernetes' own and not read."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: ModelSpecManifest
    status: object = None

    @field_validator("api_version")
    @classmethod
    def _is_ours(cls, value: str) -> str:
        if value != API_VERSION:
            raise ValueError(f"must be {API_VERSION}, not {value!r}")
        return value

    def to_spec(self) -> ModelSpec:
        """Return the declared model as the process knows it."""
        spec = self.spec
        tags = [*spec.requirements, *([spec.model_type] if spec.model_type else [])]
        return ModelSpec(
            name=self.metadata.name,
            storage_uri=spec.storage_uri,
            requirements=tuple(tag.strip() for tag in tags),
            memory_bytes=spec.memory,
            artifact_version=spec.artifact_version,
            server=spec.server or None,
            replicas=spec.desired_replicas,
            min_replicas=spec.min_replicas,
            namespace=self.metadata.namespace,
            parameters={parameter.name: parameter.value for parameter in spec.parameters},
        )


def parse_manifests(text: str, source: str) -> list[ModelSpec]:
    """Return the models that the YAML documents in `text` declare, in their order.

    `source` names the text in errors. Relative storageUris stay as they are: see `with_base`.
    Raises InvalidResourceError naming the source, the document if there are several, and the
    field, if the text is not YAML or a document is not a valid Model.
    """
    documents = list(_documents(text, source))
    specs: list[ModelSpec] = []
    for index, document in enumerate(documents, start=1):
        if document is None:  # what stands between two `---`
            continue
        where = source if len(documents) == 1 else f"{source}, document {index}"
        specs.append(_parse_document(document, where))
    return specs


def with_base(spec: ModelSpec, folder: str) -> ModelSpec:
    """Return `spec` with a relative storageUri made absolute against the absolute `folder`."""
    return replace(spec, storage_uri=resolve(spec.storage_uri, folder))


def _documents(text: str, source: str) -> Iterator[Any]:
    try:
        yield from yaml.safe_load_all(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: an impossible date
        raise InvalidResourceError(source, f"is not YAML: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _parse_document(document: object, where: str) -> ModelSpec:
    if not isinstance(document, dict):
        raise InvalidResourceError(where, "must be a mapping with apiVersion, kind, metadata, spec")
    kind = document.get("kind")
    if isinstance(kind, str) and kind in _OTHER_KINDS:
        raise InvalidResourceError(where, f"kind {kind} is not served yet")
    if kind != "Model":
        raise InvalidResourceError(where, f"there is no kind {kind!r}; a model is of kind Model")
    try:
        return ModelManifest.model_validate(document).to_spec()
    except ValidationError as error:
        first, *others = [_describe(details) for details in error.errors()]
        path = ": ".join(part for part in (where, first[0]) if part)
        rest = "".join(f"; {place}: {message}" for place, message in others)
        raise InvalidResourceError(path, first[1] + rest) from error


def _describe(details: ErrorDetails) -> tuple[str, str]:
    """Return a fault's place in the manifest and a sentence about it."""
    place = ".".join(str(part) for part in details["loc"])
    match details["type"]:
        case "extra_forbidden":
            return place, "unknown field" + _suggestion(details["loc"])
        case "missing":
            return place, "is missing"
        case "value_error":
            return place, str(details["ctx"]["error"])
        case _:
            message = details["msg"][0].lower() + details["msg"][1:]
            return place, f"{message}, not {details['input']!r}"


_FIELDS: dict[tuple[str, ...], type[BaseModel]] = {
    (): ModelManifest,
    ("spec",): ModelSpecManifest,
    ("spec", "logger"): Logger,
    ("spec", "dataflow"): Dataflow,
    ("spec", "parameters"): Parameter,
}


def _suggestion(loc: tuple[int | str, ...]) -> str:
    parents = tuple(str(part) for part in loc[:-1] if not isinstance(part, int))
    known = [to_camel(name) for name in _FIELDS[parents].model_fields]
    nearest = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f", did you mean {nearest[0]}?" if nearest else ""
