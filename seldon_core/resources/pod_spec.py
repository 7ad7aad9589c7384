"""The `podSpec` of Seldon's Servers and ServerConfigs, as far as it means something here.

There are no pods here, so that of the container of the inference server is taken what a process can
have: the memory that it requests, its devices, its image as the name of an environment and its
variables. Of the agent's container only the variables are looked at that are about the server. Of
all else a notice says that it has no effect.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from seldon_core.resources.manifest_parts import Bytes, Part, Text
from seldon_core.resources.words import show

CAPABILITIES: Final = "SELDON_SERVER_CAPABILITIES"
OVER_COMMIT: Final = "SELDON_OVERCOMMIT_PERCENTAGE"
MEMORY: Final = "MEMORY_REQUEST"

_AGENT = "agent"
_SIDE_CONTAINERS = (_AGENT, "rclone")
_DEVICES = "nvidia.com/gpu"
_STOCK_IMAGES = ("seldonio/mlserver", "tritonserver", "seldonio/seldon-agent")
"""Images whose work this process does itself: they name no environment."""

_ANY_COUNT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=2**31 - 1)])
_ANY_BYTES: TypeAdapter[int] = TypeAdapter(Bytes)


class _Open(Part):
    """Kubernetes knows many more fields; they are kept in `model_extra`."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel)


class EnvVar(_Open):
    """A variable; `valueFrom` refers to what only a cluster has."""

    name: Text
    value: str = ""
    value_from: object = None


class Resources(_Open):
    """What a container asks for and may have, by the resource's name."""

    requests: dict[str, str | int] = Field(default_factory=dict)
    limits: dict[str, str | int] = Field(default_factory=dict)

    @field_validator("requests", "limits")
    @classmethod
    def _are_quantities(cls, value: dict[str, str | int]) -> dict[str, str | int]:
        for name, adapter in (("memory", _ANY_BYTES), (_DEVICES, _ANY_COUNT)):
            if name in value:
                try:
                    adapter.validate_python(value[name])
                except ValidationError as error:
                    raise ValueError(f"{name}: {show(value[name])} is no quantity of it") from error
        return value

    def quantity(self, name: str) -> str | int | None:
        """Return what is requested of a resource, its limit if only that is given."""
        return self.requests.get(name, self.limits.get(name))


class Container(_Open):
    """One container."""

    name: Text
    image: str = ""
    env: list[EnvVar] = Field(default_factory=list)
    resources: Resources = Resources()


class PodSpec(_Open):
    """A pod; the first container that is no side container is the inference server's."""

    containers: list[Container] = Field(default_factory=list)
    node_selector: dict[str, str] = Field(default_factory=dict)

    @field_validator("containers")
    @classmethod
    def _names_differ(cls, value: list[Container]) -> list[Container]:
        names = [container.name for container in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"container {name!r} is given twice")
        return value

    @property
    def memory_bytes(self) -> int:
        """The memory that the server's container requests, or else the agent is told of; or 0.

        Raises ValueError if that is no quantity.
        """
        asked = None if self._server is None else self._server.resources.quantity("memory")
        asked = asked if asked is not None else self._told(MEMORY)
        try:
            return _ANY_BYTES.validate_python(asked) if asked else 0
        except ValidationError as error:
            raise ValueError(f"{MEMORY} must be a quantity of memory, not {show(asked)}") from error

    @property
    def device_count(self) -> int:
        """The devices that the server's container asks for."""
        asked = None if self._server is None else self._server.resources.quantity(_DEVICES)
        return _ANY_COUNT.validate_python(asked) if asked else 0

    @property
    def environment_name(self) -> str:
        """The server's image, unless it is one whose work this process does itself."""
        image = "" if self._server is None else self._server.image
        return "" if any(stock in image for stock in _STOCK_IMAGES) else image

    @property
    def environment_variables(self) -> dict[str, str]:
        """The variables of the server's container that have a value of their own."""
        given = self._server.env if self._server is not None else []
        return {each.name: each.value for each in given if each.value_from is None}

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the agent is told that the server can do; empty if it is told nothing."""
        told = self._told(CAPABILITIES) or ""
        return tuple(name for part in told.split(",") if (name := part.strip()))

    @property
    def over_commit_percentage(self) -> int | None:
        """What the agent is told of over-commit. Raises ValueError if that is no number."""
        told = self._told(OVER_COMMIT)
        if not told:
            return None
        if not (told.isascii() and told.isdigit()):
            raise ValueError(f"{OVER_COMMIT} must be a whole percentage, not {show(told)}")
        return int(told)

    def notices(self, place: str) -> Iterator[str]:
        """Yield a sentence about each part that is without effect; `place` is the spec's path."""
        yield from _without_effect(place, self.model_extra)
        for container in self.containers:
            where = f"{place}.containers.{container.name}"
            if container is not self._server and container.name != _AGENT:
                yield f"{where} has no effect here: there is no such container"
                continue
            yield from _without_effect(where, container.model_extra)
            yield from self._variables_without_effect(where, container)

    @property
    def _server(self) -> Container | None:
        servers = (each for each in self.containers if each.name not in _SIDE_CONTAINERS)
        return next(servers, None)

    def _told(self, name: str) -> str | None:
        for container in self.containers:
            for variable in container.env:
                if variable.name == name and variable.value_from is None:
                    return variable.value
        return None

    def _variables_without_effect(self, where: str, container: Container) -> Iterator[str]:
        known = (CAPABILITIES, OVER_COMMIT, MEMORY)
        names = [
            each.name
            for each in container.env
            if (each.value_from is not None and each.name != MEMORY)
            or (container is not self._server and each.name not in known)
        ]
        if names:
            verb = "has" if len(names) == 1 else "have"
            yield f"{where}.env: {', '.join(names)} {verb} no effect here"


def _without_effect(place: str, extra: Mapping[str, Any] | None) -> Iterator[str]:
    if extra:
        verb = "has" if len(extra) == 1 else "have"
        yield f"{place}: {', '.join(extra)} {verb} no effect here"
