"""Targets: what agents, routers and schedulers in other processes send."""

import asyncio
import itertools
from dataclasses import replace

from google.protobuf.message import DecodeError

from seldon_core.errors import InvalidRequestError, InvalidResourceError, SeldonError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.proto import control_pb2
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.agent_link import RemoteAgent
from seldon_core.transport.agent_messages import (
    Hello,
    load_message,
    subscribe_message,
    subscription_of,
    version_of,
)
from seldon_core.transport.agent_reports import report_message, report_of, signal_message, signal_of
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    RouteCandidate,
    RouteUpdate,
    ScalingSignal,
    SignalKind,
)
from seldon_core.transport.route_messages import RouteChanges, changes_of, parts_of
from seldon_core.transport.rpc_client import Answers
from tests.fuzz.inputs import protobuf_messages
from tests.fuzz.target import Choices, Target, outcome

_REPLICA = ReplicaId("mlserver", 1)
_HELLO = Hello(1, 1, "0.1.0", "c8t0d5a0000000000000")
_IRIS = ModelVersion(ModelSpec("iris", "gs://a/b", ("sklearn",), 10), 3)
_CONFIG = ReplicaConfig(
    ("sklearn",),
    1000,
    10,
    address=ReplicaAddress("10.0.0.7", 9000, 9000, True),
    held=(HeldModel(_IRIS),),
    available_bytes=900,
)
_SUBSCRIPTION = subscribe_message(_REPLICA, _CONFIG, _HELLO)
_REPORT = report_message(ModelReport(_REPLICA, "iris", 3, ReplicaModelEvent.LOADED), 1, 900)
_ROUTES = RouteChanges(
    True,
    (RouteUpdate("iris", (RouteCandidate("iris", 3, 100, (_REPLICA,)),)),),
    {_REPLICA: ReplicaAddress("10.0.0.7", 9000, 9000, True), ReplicaId("triton", 0): None},
)
_REFUSED = (InvalidRequestError, InvalidResourceError)


def check_subscription(data: bytes) -> None:
    """A subscription is taken or refused; what is taken can be said and taken again."""
    try:
        message = pb.AgentSubscribeRequest.FromString(data)
    except DecodeError:
        return
    found, _ = outcome(_REFUSED, subscription_of, message, "10.0.0.7:1")
    if found is None:
        return
    again = subscribe_message(found.replica, found.config, found.hello or _HELLO)
    address = replace(found.config.address, is_ours=True)
    assert subscription_of(again, "").config == replace(found.config, address=address)


def check_report(data: bytes) -> None:
    """A report is taken or refused, and changes nothing that was not ordered."""
    try:
        message = pb.ModelEventMessage.FromString(data)
    except DecodeError:
        return
    told, _ = outcome(_REFUSED, report_of, message)
    if told is None:
        return
    agent = RemoteAgent(subscription_of(_SUBSCRIPTION, ""), 1, itertools.count(1))
    agent.load_model(ModelVersion(_IRIS.spec, 4))
    is_ordered = (told.report.model, told.report.version) == ("iris", 4)
    taken, _ = outcome((LookupError,), agent.takes, told)
    assert not taken or is_ordered


def check_order(data: bytes) -> None:
    """An order's model is understood or refused; what is understood can be said again."""
    try:
        message = pb.ModelOperationMessage.FromString(data)
    except DecodeError:
        return
    version, _ = outcome(_REFUSED, version_of, message.modelVersion)
    if version is not None:
        assert version_of(load_message(version, 1).modelVersion) == version


def check_signal(data: bytes) -> None:
    """A signal for scaling is understood, left alone or refused; it can be said again."""
    try:
        message = pb.ModelScalingTriggerMessage.FromString(data)
    except DecodeError:
        return
    signal, _ = outcome(_REFUSED, signal_of, message)
    if signal is not None:
        assert signal_of(signal_message(signal)) == signal


def check_routes(data: bytes) -> None:
    """Routes are taken or refused; what is taken can be said and taken again."""
    try:
        message = control_pb2.RoutesMessage.FromString(data)
    except DecodeError:
        return
    changes, _ = outcome((ValueError,), changes_of, [message])
    if changes is not None:
        assert changes_of(list(parts_of(changes))) == changes


def check_answers(data: bytes) -> None:
    """Whatever comes as the answer of a call is messages and one end, however it is cut."""
    choices = Choices(data)
    loop = asyncio.new_event_loop()
    try:
        answers = Answers(loop, "the peer")
        while choices:
            _feed(answers, choices)
        answers.on_trailers([(b"grpc-status", b"0")])

        async def read() -> None:
            async for _ in answers:
                pass

        outcome((SeldonError,), loop.run_until_complete, read())
    finally:
        loop.close()


def _feed(answers: Answers, choices: Choices) -> None:
    match choices.number() % 4:
        case 0:
            answers.on_head([(b":status", choices.take(3))], has_ended=False)
        case 1:
            answers.on_trailers([(b"grpc-status", choices.take(2)), (b"grpc-message", b"%zz%e4")])
        case _:
            answers.on_data(choices.take(choices.number()), has_ended=False)


TARGETS = (
    Target(
        "agent_subscription",
        check_subscription,
        (_SUBSCRIPTION.SerializeToString(),),
        (b"iris", b"unix:/", b"\xff\xff\xff\xff\x0f", b"\x08\x01"),
        protobuf_messages(12),
    ),
    Target(
        "agent_report",
        check_report,
        (_REPORT.SerializeToString(),),
        (b"iris", b"\x20\x04", b"\x28\x02", b"\xa0\x06\x01"),
        protobuf_messages(12),
    ),
    Target(
        "agent_order",
        check_order,
        (load_message(_IRIS, 1).SerializeToString(),),
        (b"iris", b"\x08\x01", b"\x10\x03"),
        protobuf_messages(12),
    ),
    Target(
        "scaling_signal",
        check_signal,
        tuple(
            signal_message(ScalingSignal(_REPLICA, "iris", 3, kind, 7)).SerializeToString()
            for kind in SignalKind
        ),
        (b"iris", b"\x20\x04", b"\x28\x02", b"\xff\xff\xff\xff\x0f", b"\0\0\0\0\0\0\xf8\x7f"),
        protobuf_messages(103),
    ),
    Target(
        "routes",
        check_routes,
        tuple(part.SerializeToString() for part in parts_of(_ROUTES)),
        (b"iris", b"\x10\x01", b"\x18\x01"),
        protobuf_messages(6),
    ),
    Target(
        "rpc_answers",
        check_answers,
        (b"\0200\x02\x08\0\0\0\0\x03abc\x02\x05\0\0\0\0\0", b"\x0113"),
        (b"\0\0\0\0\x05", b"\x01\0\0\0\0", b"\xff\xff\xff\xff", b"200"),
    ),
)
