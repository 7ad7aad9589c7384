"""The scheduler's shell for what models run on: servers, their configs, and secrets.

It has no queue of its own: events go to the scheduler's.
"""

import asyncio
from collections.abc import Callable, Sequence

from seldon_core.aio.clock import Clock
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.callers import Callers
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.events import (
    Event,
    ServerConfigDeclared,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.scheduler.secrets import AgentConfigStatus, SecretStatus


class PlatformDesk:
    """Takes requests about servers and secrets, and answers questions about them.

    `ask` has an event handled whose caller is answered, or refuses it.
    """

    def __init__(
        self,
        machine: SchedulerMachine,
        callers: Callers,
        clock: Clock,
        ask: Callable[[Event, "asyncio.Future[Change]"], None],
    ) -> None:
        self._machine = machine
        self._callers = callers
        self._clock = clock
        self._ask = ask

    def declare_server(self, spec: ServerSpec, *, actor: str = "") -> asyncio.Future[Change]:
        """Declare a server that is run here; the result comes when that is on the disk.

        The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(ServerDeclared(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def unload_server(
        self, name: str, *, meta: KubernetesMeta | None = None, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Delete a declared server; the result comes before its models are elsewhere.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._ask(ServerUnloadRequested(now, name, caller, meta, actor), answer)
        return answer

    def declare_server_config(
        self, spec: ServerConfigSpec, *, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Declare what servers have in common; the result comes when that is on the disk.

        The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(ServerConfigDeclared(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def unload_server_config(self, name: str, *, actor: str = "") -> asyncio.Future[Change]:
        """Delete a server config: servers that name it are as if nobody had declared it.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._ask(ServerConfigUnloadRequested(now, name, caller, actor), answer)
        return answer

    def declare_secret(
        self, spec: SecretSpec | AgentConfigSpec, *, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Declare a Secret, or the ConfigMap `seldon-agent`; the loads that come after have it.

        The result comes when that is on the disk. The future raises InvalidResourceError,
        OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(SecretDeclared(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def unload_secret(self, kind: Kind, name: str, *, actor: str = "") -> asyncio.Future[Change]:
        """Delete a Secret, or the ConfigMap; what is loaded by it serves on.

        `kind` is SECRET or AGENT_CONFIG. The future raises NotFoundError, OverloadedError or
        StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(SecretUnloadRequested(self._clock.wall(), kind, name, caller, actor), answer)
        return answer

    def secrets(self) -> list[SecretStatus]:
        """Return every Secret that was declared, without its values."""
        return self._machine.secrets()

    def agent_config(self) -> AgentConfigStatus | None:
        """Return the ConfigMap `seldon-agent`, without its values, None if there is none."""
        return self._machine.agent_config()

    def server_configs(self) -> list[ServerConfigSpec]:
        """Return every server config that was declared, in that order."""
        return self._machine.server_configs()

    def server_specs(self) -> list[ServerSpec]:
        """Return every server that was declared to be run here, as it was declared."""
        return self._machine.server_specs()

    def notify_servers(
        self, notices: Sequence[ServerNotice], *, is_first_sync: bool = False, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Tell how many replicas servers are to have that others run.

        The future raises OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        event = ServersNotified(now, tuple(notices), is_first_sync, caller, actor)
        self._ask(event, answer)
        return answer
