"""Unloads that wait until routers in other processes have heard that a version is left."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote

UNLOAD_GRACE_S: Final = 2.0
"""Routers may send calls to a version for so long after it was to be unloaded."""


class Loads(Protocol):
    """What is asked of the agent."""

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load, from `remote`; a LOADED or LOAD_FAILED report follows."""

    def unload_model(self, model: str, version: int) -> None:
        """Unload; an UNLOADED or UNLOAD_FAILED report follows."""


class Lingering:
    """An AgentLink that passes orders to `agent`, those to unload `grace_s()` seconds later.

    An order to load the version meanwhile takes the place of that to unload it.
    """

    def __init__(self, agent: Loads, grace_s: Callable[[], float]) -> None:
        self._agent = agent
        self._grace_s = grace_s
        self._loop = asyncio.get_running_loop()
        self._leaving: dict[tuple[str, int], asyncio.TimerHandle] = {}

    @property
    def finds_secrets(self) -> bool:
        """It is told what a Secret says."""
        return False

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load, from `remote`; a LOADED or LOAD_FAILED report follows."""
        leaving = self._leaving.pop((version.spec.name, version.version), None)
        if leaving is not None:
            leaving.cancel()
        self._agent.load_model(version, remote)

    def unload_model(self, model: str, version: int) -> None:
        """Unload; an UNLOADED or UNLOAD_FAILED report follows."""
        grace_s = self._grace_s()
        if not grace_s:
            self._agent.unload_model(model, version)
        elif (model, version) not in self._leaving:
            later = self._loop.call_later(grace_s, self._unload, model, version)
            self._leaving[model, version] = later

    def close(self) -> None:
        """Unload nothing any more that waits."""
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()

    def _unload(self, model: str, version: int) -> None:
        del self._leaving[model, version]
        self._agent.unload_model(model, version)
