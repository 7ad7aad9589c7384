"""The agents' API: who subscribes is a replica of the scheduler's for as long as the stream lives.

Wire-compatible with Seldon's, both ways: an agent of Seldon's is taken as it is.
"""

import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, MutableMapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from seldon_core.config.values import is_loopback
from seldon_core.errors import InvalidResourceError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.protocol import status
from seldon_core.scheduler.agent_link import RemoteAgent
from seldon_core.transport.agent_messages import Hello, Subscription, subscription_of
from seldon_core.transport.agent_reports import report_of, signal_of
from seldon_core.transport.control import (
    AgentLink,
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ScalingSignal,
    SignalKind,
)
from seldon_core.transport.control_services import (
    ControlService,
    GatherMethod,
    StreamMethod,
    UnaryMethod,
)
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.link_protocol import agreed_protocol
from seldon_core.transport.settings import MIB

_log = logging.getLogger(__name__)


MESSAGE_BYTES: Final = 64 * MIB
"""Whoever comes back says all that it holds in one message, a quarter of a MiB each at most."""


class Replicas(Protocol):
    """What is asked of the scheduler."""

    def connect_replica(self, replica: ReplicaId, config: ReplicaConfig) -> None:
        """Place models on a replica, whose link is there by now."""

    def lose_replica(self, replica: ReplicaId) -> None:
        """Do without a replica, which is gone with everything it held."""

    def report(self, report: ModelReport) -> None:
        """Take in a replica's report; never blocks."""

    def signal(self, signal: ScalingSignal, *, actor: str = "") -> None:
        """Take in how much a model is called, as `actor` says if it is no replica; never blocks."""

    def check_scaled(self, model: str) -> None:
        """Raise NotFoundError or InvalidResourceError if a model's replicas are as declared."""

    def drain_replica(self, replica: ReplicaId, *, actor: str) -> Awaitable[object]:
        """Have a replica's models served elsewhere; done when they are."""

    async def caught_up(self) -> None:
        """Wait until everything that was told so far is carried out."""


class AgentApi:
    """Handlers of the agents' calls. `links` is where the scheduler finds their links.

    A link is there while its agent is. `is_encrypted` says whether nobody on the way reads what
    agents are told.
    """

    def __init__(
        self,
        scheduler: Replicas,
        links: MutableMapping[ReplicaId, AgentLink],
        *,
        is_encrypted: bool = False,
    ) -> None:
        self._scheduler = scheduler
        self._is_encrypted = is_encrypted
        self._links = links
        self._agents: dict[ReplicaId, RemoteAgent] = {}
        self._order_numbers = itertools.count(1)
        self._is_ending = False

    def services(self) -> Sequence[ControlService]:
        """Return what a control port is to serve."""
        return (
            ControlService(
                "seldon.mlops.agent.AgentService",
                (
                    UnaryMethod("AgentEvent", pb.ModelEventMessage, self.agent_event),
                    StreamMethod("Subscribe", pb.AgentSubscribeRequest, self.subscribe),
                    GatherMethod(
                        "ModelScalingTrigger", pb.ModelScalingTriggerMessage, self.scaling_trigger
                    ),
                    UnaryMethod("AgentDrain", pb.AgentDrainRequest, self.agent_drain),
                ),
                self.end,
                MESSAGE_BYTES,
            ),
        )

    def end(self) -> None:
        """Let the replicas be as they are: it is the scheduler that goes, not they.

        Else it would keep in mind that it has none, and after its restart not wait for them.
        """
        self._is_ending = True

    def hello_of(self, replica: ReplicaId) -> Hello | None:
        """Return what the agent of ours said that is this replica now, None if there is none."""
        agent = self._agents.get(replica)
        return None if agent is None else agent.subscription.hello

    async def subscribe(
        self, request: pb.AgentSubscribeRequest, peer: str
    ) -> AsyncGenerator[pb.ModelOperationMessage, None]:
        """Yield orders for a replica, which is connected until the caller leaves.

        While there is another subscription of the same replica this one waits for its end; it ends
        it, if it is the same agent's that has come back.
        """
        subscription = subscription_of(request, peer)
        agent = RemoteAgent(
            subscription,
            self._protocol_of(subscription),
            self._order_numbers,
            "" if self._is_encrypted or is_loopback(_host_of(peer)) else peer,
        )
        replica = subscription.replica
        if replica in self._links and not isinstance(self._links[replica], RemoteAgent):
            raise InvalidResourceError(
                "replicaIdx",
                f"replica {replica} is inside the scheduler's own process; give this agent another "
                "number",
            )
        await self._turn(subscription, peer)
        self._agents[replica] = agent
        is_connected = False
        try:
            # What was decided for the one before is not for this one.
            await self._scheduler.caught_up()
            self._links[replica] = agent
            is_connected = True
            self._scheduler.connect_replica(replica, subscription.config)
            _log_subscribed(subscription, peer)
            async for order in agent.orders():
                yield order
        finally:
            agent.end()
            if is_connected:
                del self._links[replica]  # or agents that never come by one number twice pile up
            if is_connected and not self._is_ending:
                self._scheduler.lose_replica(replica)
            del self._agents[replica]
            agent.has_left.set()

    async def agent_event(self, request: pb.ModelEventMessage, peer: str) -> pb.ModelEventResponse:
        """Take in what became of an order.

        One that answers an older order than the last changes nothing. INTERNAL, as in Seldon's, if
        there was none.
        """
        told = report_of(request)
        replica = told.report.replica
        agent = self._agents.get(replica)
        if agent is None:
            raise CallStatusError(
                status.INTERNAL, f"replica {replica} has not subscribed, so it was given no orders"
            )
        try:
            is_taken = agent.takes(told)
        except LookupError as error:
            if not agent.was_odd:
                agent.was_odd = True
                _log.warning(
                    "agent reports what it was not told to do, which changes nothing; of its next "
                    "such reports nothing is said replica=%s model=%s event=%s peer=%s",
                    replica,
                    error,
                    told.report.event.value,
                    peer,
                )
            text = f"replica {replica} was not told to load or unload {error}"
            raise CallStatusError(status.INTERNAL, text) from error
        if is_taken:
            report = told.report
            if agent.subscription.hello is None:
                report = replace(report, available_bytes=told.available_bytes)
            self._scheduler.report(report)
        else:
            _log.debug("stale report left out report=%s peer=%s", told, peer)
        return pb.ModelEventResponse()

    async def scaling_trigger(
        self, messages: AsyncIterator[pb.ModelScalingTriggerMessage], peer: str
    ) -> pb.ModelScalingTriggerResponse:
        """Take in how much models are called, as it comes; who is no replica is not heard.

        But anybody may say how many replicas he wants of a model. Raises NotFoundError or
        InvalidResourceError if that cannot be followed.
        """
        async for message in messages:
            signal = signal_of(message)
            if signal is None:
                continue
            if signal.kind is SignalKind.CUSTOM:
                self._scheduler.check_scaled(signal.model)
                self._scheduler.signal(signal, actor=peer)
            elif signal.replica in self._agents:
                self._scheduler.signal(signal)
        return pb.ModelScalingTriggerResponse()

    async def agent_drain(self, request: pb.AgentDrainRequest, peer: str) -> pb.AgentDrainResponse:
        """Move a replica's models elsewhere; answers when they serve there."""
        replica = ReplicaId(request.serverName, request.replicaIdx)
        if replica in self._agents:
            await self._scheduler.drain_replica(replica, actor=peer)
        return pb.AgentDrainResponse(success=True)

    def _protocol_of(self, subscription: Subscription) -> int:
        hello = subscription.hello
        if hello is None:
            return 0
        return agreed_protocol(hello.protocol, hello.oldest_protocol, "agent")

    async def _turn(self, subscription: Subscription, peer: str) -> None:
        """Wait until nobody else is this replica. Until the caller's next await that is so."""
        replica = subscription.replica
        while (other := self._agents.get(replica)) is not None:
            if other.subscription.is_of_same_agent(subscription):
                other.end()  # it has lost that one, which nobody has noticed here yet
            else:
                _log.warning(
                    "another agent is this replica already, this one waits replica=%s peer=%s",
                    replica,
                    peer,
                )
            await other.has_left.wait()


def _host_of(peer: str) -> str:
    return peer.rpartition(":")[0].strip("[]")


def _log_subscribed(subscription: Subscription, peer: str) -> None:
    hello = subscription.hello
    _log.info(
        "agent subscribed replica=%s peer=%s version=%s held=%d",
        subscription.replica,
        peer,
        hello.version if hello is not None else "Seldon's",
        len(subscription.config.held),
    )
    for version, reason in subscription.unknown:
        _log.warning(
            "agent holds a model that is not understood, it is to unload it replica=%s model=%s "
            "version=%d reason=%r",
            subscription.replica,
            version.model.meta.name,
            version.version,
            reason,
        )
