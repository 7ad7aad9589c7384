"""The agent's side of the link to a scheduler in another process.

It subscribes for ever. Each time it says every model that it holds, so a scheduler that has lost
it, or has lost everything, learns what is here; meanwhile the models serve on. Orders are carried
out in the order in which they come; those of an earlier subscription that have not begun are
dropped, for the scheduler has forgotten them. A report is repeated until the scheduler has heard
it.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from seldon_core import __version__
from seldon_core.agent.lingering import UNLOAD_GRACE_S
from seldon_core.aio.backoff import Backoff
from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.errors import InvalidResourceError, RelayedError, SeldonError
from seldon_core.ids import new_xid
from seldon_core.proto import agent_pb2 as pb
from seldon_core.protocol import status
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.agent_messages import (
    Hello,
    remote_in,
    subscribe_message,
    version_of,
    without_remote,
)
from seldon_core.transport.agent_reports import report_message, signal_message
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)
from seldon_core.transport.link_protocol import OLDEST_PROTOCOL, PROTOCOL
from seldon_core.transport.resubscribing import FIRST_PAUSE_S, LONGEST_PAUSE_S, resubscribe
from seldon_core.transport.rpc_client import RpcClient

_log = logging.getLogger(__name__)

REPORT_TIMEOUT_S: Final = 10.0

MOST_SIGNALS: Final = 10_000
"""Signals that wait to be sent at most."""

GRACES_AT_FIRST: Final = 3
"""Times the grace of an unload: so long after it has subscribed nothing is unloaded. That is longer
than routers take to find a scheduler that is back (`router/link.py`)."""

_SILENT_S: Final = 10.0

_SERVICE: Final = "/seldon.mlops.agent.AgentService"
_PASSING: Final = (status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED)

_Version = tuple[str, int]  # a model's name and the number of its version


class HostedReplica(Protocol):
    """The agent, as the link gives it orders."""

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load, from `remote`; a LOADED or LOAD_FAILED report follows."""

    def unload_model(self, model: str, version: int) -> None:
        """Unload; an UNLOADED or UNLOAD_FAILED report follows."""

    def held(self) -> tuple[HeldModel, ...]:
        """Return every version that is here, those that were evicted from memory included."""

    def available_bytes(self) -> int:
        """Return the room that is left, over-commit included."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A report that the scheduler has not taken in, and the order that it answers."""

    report: ModelReport
    order: int


class SchedulerLink:
    """Keeps a replica subscribed. It is a ReportSink. Got from `open_scheduler_link`."""

    def __init__(
        self,
        client: RpcClient,
        replica: ReplicaId,
        config: ReplicaConfig,
        tasks: Tasks,
        unload_grace_s: float,
        backoff: Backoff,
        admin_port: int = 0,
    ) -> None:
        self._client = client
        self._replica = replica
        self._config = config
        self._tasks = tasks
        self._unload_grace_s = unload_grace_s
        self._backoff = backoff
        self._loop = asyncio.get_running_loop()
        self._hello = Hello(PROTOCOL, OLDEST_PROTOCOL, __version__, new_xid(), admin_port)
        self._agent: HostedReplica | None = None
        self._outbox: dict[_Version, _Told] = {}
        self._may_report = asyncio.Event()  # subscribed, and there is something to say
        self._orders: dict[_Version, int] = {}  # the last one, of this subscription
        self._leaving: dict[_Version, asyncio.TimerHandle] = {}
        self._may_unload_at = 0.0
        self._signals: list[ScalingSignal] = []
        self._may_signal = asyncio.Event()
        self._is_ours = False  # the scheduler
        self.is_subscribed = False
        self.was_subscribed = False
        self.is_draining = False

    def attach(self, agent: HostedReplica) -> None:
        """Begin to subscribe, with the agent whose reports come here."""
        self._agent = agent
        what = f"the scheduler's orders for replica {self._replica}"
        self._tasks.start(resubscribe(self._subscribe, what, self._backoff), name="subscribe")
        self._tasks.start(self._send_reports(), name="report")
        self._tasks.start(self._send_signals(), name="signal")

    def report(self, report: ModelReport) -> None:
        """Tell the scheduler, as soon as it can be; of a version only what happened last."""
        if self.is_draining and report.event is ReplicaModelEvent.LOADED:
            reason = f"replica {self._replica} is draining"
            report = replace(report, event=ReplicaModelEvent.LOAD_FAILED, reason=reason)
        version = report.model, report.version
        self._outbox.pop(version, None)
        self._outbox[version] = _Told(report, self._orders.get(version, 0))
        self._look_at_outbox()

    def signal(self, signal: ScalingSignal) -> None:
        """Tell the scheduler how much a model is called; nobody else's loss if it is away.

        One that is not of this project hears of lag and idleness only, and takes all else for lag.
        """
        is_known = self._is_ours or signal.kind in (SignalKind.LAG, SignalKind.IDLE)
        if self.is_subscribed and is_known and len(self._signals) < MOST_SIGNALS:
            self._signals.append(signal)
            self._may_signal.set()

    async def drain(self, timeout_s: float) -> None:
        """Have the models go elsewhere before the replica ends; waits for that, or `timeout_s`.

        Without a scheduler there is nobody who could do that.
        """
        self.is_draining = True
        if not self.is_subscribed:
            return
        request = pb.AgentDrainRequest(
            serverName=self._replica.server, replicaIdx=self._replica.replica_idx
        )
        path = f"{_SERVICE}/AgentDrain"
        try:
            await self._client.unary(path, request, pb.AgentDrainResponse, timeout_s)
        except SeldonError as error:
            _log.warning(
                "replica ends although its models may serve nowhere else replica=%s reason=%r",
                self._replica,
                str(error),
            )

    def close(self) -> None:
        """Carry out no order any more that waits."""
        for timer in self._leaving.values():
            timer.cancel()
        self._leaving.clear()

    async def _subscribe(self) -> None:
        """Subscribe once, and obey until the stream ends."""
        waiting = self._loop.call_later(_SILENT_S, self._note_waiting)
        try:
            path = f"{_SERVICE}/Subscribe"
            operations = self._client.stream(path, self._request(), pb.ModelOperationMessage)
            async with aclosing(operations):
                async for operation in operations:
                    waiting.cancel()
                    self._note_subscribed()
                    self._obey(operation)
        finally:
            waiting.cancel()
            self.is_subscribed = self._is_ours = False
            self._look_at_outbox()
            self.close()  # what waits was ordered before the scheduler forgot this replica

    def _request(self) -> pb.AgentSubscribeRequest:
        """Return what to subscribe with as things are now."""
        assert self._agent is not None
        # What was ordered before is forgotten there, so reports of it would be taken for answers to
        # new orders. What came of it is what is held.
        self._orders.clear()
        self._outbox.clear()
        config = replace(
            self._config,
            held=self._agent.held(),
            available_bytes=self._agent.available_bytes(),
        )
        return subscribe_message(self._replica, config, self._hello)

    def _note_waiting(self) -> None:
        _log.warning(
            "the scheduler has not taken this replica, which waits replica=%s hint='is another "
            "agent this replica? Each has its own agent.replicaIdx'",
            self._replica,
        )

    def _note_subscribed(self) -> None:
        if not self.is_subscribed:
            self.is_subscribed = self.was_subscribed = True
            # The scheduler may be back from a restart, and routers not yet back with it.
            self._may_unload_at = self._loop.time() + GRACES_AT_FIRST * self._unload_grace_s
            self._backoff.reset()
            self._look_at_outbox()

    def _obey(self, operation: pb.ModelOperationMessage) -> None:
        if operation.HasField("welcome"):
            welcome = operation.welcome
            self._is_ours = True
            self._client.ask_for_life()
            _log.info(
                "subscribed to the scheduler replica=%s address=%s scheduler_version=%s "
                "protocol=%d",
                self._replica,
                self._config.address,
                welcome.version,
                welcome.protocol,
            )
            return
        given = operation.modelVersion
        version = given.model.meta.name, given.version
        if operation.order and operation.order <= self._orders.get(version, 0):
            return  # an older one than what was done last
        self._orders[version] = operation.order
        if operation.operation == pb.ModelOperationMessage.LOAD_MODEL:
            self._load(version, operation)
        elif operation.operation == pb.ModelOperationMessage.UNLOAD_MODEL:
            if version not in self._leaving:
                due = max(self._loop.time() + self._unload_grace_s, self._may_unload_at)
                self._leaving[version] = self._loop.call_at(due, self._unload, version)
        else:
            _log.debug("an order that is not known is left out operation=%d", operation.operation)

    def _load(self, version: _Version, operation: pb.ModelOperationMessage) -> None:
        assert self._agent is not None
        leaving = self._leaving.pop(version, None)
        if leaving is not None:
            leaving.cancel()
        try:
            wanted = version_of(without_remote(operation.modelVersion))
            remote = remote_in(operation)
        except InvalidResourceError as error:
            failed = ReplicaModelEvent.LOAD_FAILED
            self.report(ModelReport(self._replica, *version, failed, str(error)))
        else:
            self._agent.load_model(wanted, remote)

    def _unload(self, version: _Version) -> None:
        assert self._agent is not None
        del self._leaving[version]
        self._agent.unload_model(*version)

    def _look_at_outbox(self) -> None:
        if self._outbox and self.is_subscribed:
            self._may_report.set()
        else:
            self._may_report.clear()

    async def _send_reports(self) -> None:
        """Tell the scheduler one report after the other, each until it has heard it."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, random.random)
        while True:
            await self._may_report.wait()
            if not self._outbox:
                continue  # lost and subscribed again in the meantime
            version, told = next(iter(self._outbox.items()))
            if not await self._send(told):
                await asyncio.sleep(backoff.pause_s())
                continue
            backoff.reset()
            if self._outbox.get(version) is told:
                del self._outbox[version]
            self._look_at_outbox()

    async def _send_signals(self) -> None:
        """Tell the scheduler how much models are called, once; what it does not hear is lost."""
        path = f"{_SERVICE}/ModelScalingTrigger"
        while True:
            await self._may_signal.wait()
            self._may_signal.clear()
            messages = [signal_message(signal) for signal in self._signals]
            self._signals.clear()
            answer = pb.ModelScalingTriggerResponse
            try:
                await self._client.gather(path, messages, answer, REPORT_TIMEOUT_S)
            except SeldonError as error:
                _log.debug("signals not heard count=%d reason=%r", len(messages), str(error))

    async def _send(self, told: _Told) -> bool:
        """Return whether the scheduler has heard a report, whatever it makes of it."""
        assert self._agent is not None
        available = self._agent.available_bytes()
        message = report_message(told.report, told.order, available)
        path = f"{_SERVICE}/AgentEvent"
        try:
            await self._client.unary(path, message, pb.ModelEventResponse, REPORT_TIMEOUT_S)
        except RelayedError as error:
            is_passing = error.grpc in _PASSING
            _log.debug("report refused report=%s reason=%r", told.report, str(error))
            return not is_passing
        except SeldonError as error:
            _log.debug("report not delivered report=%s reason=%r", told.report, str(error))
            return False
        return True


@asynccontextmanager
async def open_scheduler_link(
    client: RpcClient,
    replica: ReplicaId,
    config: ReplicaConfig,
    *,
    unload_grace_s: float = UNLOAD_GRACE_S,
    first_pause_s: float = FIRST_PAUSE_S,
    admin_port: int = 0,
) -> AsyncIterator[SchedulerLink]:
    """Link a replica to the scheduler that `client` calls, for the length of a block.

    Make the agent with the link as its ReportSink, then `attach` it. `config` says what the replica
    offers and where it is, `admin_port` where it tells its metrics to the process that started it;
    what it holds is asked of the agent. The end of the block ends the
    subscription, upon which the scheduler does without the replica; `drain` first.
    """
    async with open_tasks(f"link of {replica}") as tasks:
        backoff = Backoff(first_pause_s, LONGEST_PAUSE_S, random.random)
        link = SchedulerLink(client, replica, config, tasks, unload_grace_s, backoff, admin_port)
        try:
            yield link
        finally:
            link.close()
