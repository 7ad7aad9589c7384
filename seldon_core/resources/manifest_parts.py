"""What the manifests of all kinds are made of, checked by pydantic field by field."""

import re
from typing import Annotated, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from seldon_core.resources.kubernetes import API_VERSION
from seldon_core.resources.model import KubernetesMeta
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
Bytes = Annotated[int, BeforeValidator(_bytes_of)]
"""A quantity of memory, in bytes."""


class Part(BaseModel):
    """A field that is null counts as not given, as it does for Kubernetes."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None}


class Strict(Part):
    """Fields are spelt as in Kubernetes (`storageUri`); unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Scaled(Strict):
    """A `spec` that says how many replicas there shall be, and at least and at most."""

    replicas: Count | None = None
    min_replicas: Count = 0
    max_replicas: Annotated[Count, BeforeValidator(_maximum_of)] = 0

    @model_validator(mode="after")
    def _scales_sensibly(self) -> "Scaled":
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


class Metadata(Part):
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

    def to_meta(self) -> KubernetesMeta | None:
        """Return what Kubernetes knows of the resource, None if the manifest says nothing of it."""
        if self.namespace or self.generation:
            return KubernetesMeta(self.namespace, self.generation)
        return None


class Manifest(Strict):
    """A resource as Kubernetes would store it. `status` is Kubernetes' own and not read."""

    api_version: str
    kind: str
    metadata: Metadata
    status: object = None

    @field_validator("api_version")
    @classmethod
    def _is_ours(cls, value: str) -> str:
        if value != API_VERSION:
            raise ValueError(f"must be {API_VERSION}, not {show(value)}")
        return value
