"""The messages between scheduler and agents."""

from contextlib import suppress
from dataclasses import replace

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.resources.knobs import NO_KNOBS, Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.agent_messages import (
    Hello,
    Subscription,
    bare_version,
    load_message,
    remote_in,
    subscribe_message,
    subscription_of,
    unload_message,
    version_of,
    without_remote,
)
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
)
from tests.support.link_values import CONFIGS, HELLOS, MODEL_VERSIONS, REPLICAS

R0 = ReplicaId("mlserver", 0)
PEER = "10.0.0.7:51234"
IRIS = ModelVersion(ModelSpec("iris", "/iris", knobs=Knobs(keep_in_memory=True)), 3)


def seldons(**fields):
    """What an agent of Seldon's subscribes with."""
    config = {
        "inferenceSvc": "mlserver-0.mlserver",
        "inferenceHttpPort": 9001,
        "inferenceGrpcPort": 9501,
        "memoryBytes": 1000,
        "capabilities": [" sklearn ", ""],
        "overCommitPercentage": 10,
    }
    given = {"serverName": "mlserver", "shared": True, "availableMemoryBytes": 1100, **fields}
    given["replicaConfig"] = {**config, **fields.get("replicaConfig", {})}
    return pb.AgentSubscribeRequest(**given)


@given(REPLICAS, CONFIGS, HELLOS)
def test_a_subscription_is_read_as_it_was_meant(replica, config, hello):
    message = pb.AgentSubscribeRequest.FromString(
        subscribe_message(replica, config, hello).SerializeToString()
    )
    assert subscription_of(message, PEER) == Subscription(replica, config, hello)


@given(MODEL_VERSIONS, st.integers(1, 2**64 - 1))
def test_an_order_is_read_as_it_was_meant(version, order):
    load = load_message(version, order)
    assert (load.operation, load.order) == (pb.ModelOperationMessage.LOAD_MODEL, order)
    assert version_of(load.modelVersion) == version
    unload = unload_message(load.modelVersion, order)
    assert (unload.operation, unload.order) == (pb.ModelOperationMessage.UNLOAD_MODEL, order)
    assert version_of(unload.modelVersion) == version


@given(st.binary(max_size=200))
def test_a_subscription_of_nonsense_is_refused_or_read(data):
    message = pb.AgentSubscribeRequest()
    with suppress(DecodeError, InvalidResourceError):
        message.MergeFromString(data)
        subscription_of(message, PEER)


def test_an_agent_of_seldons_says_no_hello_and_has_two_ports():
    held = load_message(IRIS, 0).modelVersion
    assert subscription_of(seldons(loadedModels=[held]), PEER) == Subscription(
        R0,
        ReplicaConfig(
            ("sklearn",),
            1000,
            10,
            address=ReplicaAddress("mlserver-0.mlserver", 9001, 9501),
            held=subscription_of(seldons(loadedModels=[held]), PEER).config.held,
            available_bytes=1100,
        ),
        None,
    )


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", " "], ids=["none", "v4", "v6", "blank"])
def test_an_agent_that_does_not_know_its_address_is_where_it_calls_from(host):
    asked = seldons(replicaConfig={"inferenceSvc": host})
    assert subscription_of(asked, PEER).config.address == ReplicaAddress("10.0.0.7", 9001, 9501)
    assert subscription_of(asked, "[fe80::1]:9").config.address.host == "fe80::1"


def test_an_agent_is_known_by_the_instance_that_it_says():
    def of(instance):
        hello = Hello(1, 1, "0.1.0", instance) if instance is not None else None
        return Subscription(R0, ReplicaConfig((), 0, 0), hello)

    assert of("a").is_of_same_agent(of("a"))
    assert not of("a").is_of_same_agent(of("b"))
    assert not of("").is_of_same_agent(of(""))
    assert not of(None).is_of_same_agent(of("a"))
    assert not of("a").is_of_same_agent(of(None))


def test_an_agent_may_be_without_an_address():
    config = ReplicaConfig(("sklearn",), 7, 0)
    message = subscribe_message(R0, config, Hello(1, 1, "0.1.0", "a"))
    assert message.availableMemoryBytes == 7
    assert subscription_of(message, PEER).config.address == ReplicaAddress("10.0.0.7", 0, 0, True)


def test_what_is_held_and_cannot_be_understood_is_told_apart():
    explained = pb.ModelVersion(version=1)
    explained.model.meta.name = "why"
    explained.model.modelSpec.uri = "/why"
    explained.model.modelSpec.explainer.type = "anchor"
    unnumbered = load_message(replace(IRIS, version=0), 0).modelVersion
    good = load_message(IRIS, 0).modelVersion
    found = subscription_of(seldons(loadedModels=[explained, good, unnumbered, good]), PEER)
    assert [held.version.internal_name for held in found.config.held] == ["iris_3"]
    assert [(each.model.meta.name, why) for each, why in found.unknown] == [
        ("why", "modelSpec.explainer: models of this sort are not served yet"),
        ("iris", "version: 'iris' has none"),
    ]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (seldons(serverName="ML"), "serverName: 'ML' must be"),
        (seldons(replicaConfig={"memoryBytes": 2**63}), "replicaConfig.memoryBytes: 92233"),
        (
            seldons(replicaConfig={"memoryBytes": 2**62, "overCommitPercentage": 2**32 - 1}),
            "replicaConfig.overCommitPercentage: 4294967295 of 4611686018427387904 bytes is too",
        ),
        (seldons(replicaConfig={"inferenceHttpPort": -1}), "inferenceHttpPort: -1 is no port"),
        (seldons(replicaConfig={"inferenceGrpcPort": 2**16}), "GrpcPort: 65536 is no port"),
        (seldons(replicaConfig={"inferenceSvc": "a\r\nb"}), "inferenceSvc: .* is no host"),
        (seldons(replicaConfig={"inferenceSvc": "a" * 254}), "inferenceSvc: .* is no host"),
    ],
    ids=["name", "memory", "over-commit", "negative", "large", "two lines", "long"],
)
def test_what_no_replica_can_say_is_refused(asked, why):
    with pytest.raises(InvalidResourceError, match=why):
        subscription_of(asked, PEER)


def test_an_agent_of_seldons_hears_of_no_knobs():
    assert version_of(load_message(IRIS, 0).modelVersion).spec.knobs == NO_KNOBS
    assert version_of(load_message(IRIS, 1).modelVersion) == IRIS


S3 = Remote("s3", "s3", {"token": "hunter2"})


@pytest.mark.parametrize("order", [0, 1], ids=["seldon's", "ours"])
@pytest.mark.parametrize("remote", [None, S3], ids=["none", "s3"])
def test_the_remote_of_an_order_is_read_as_it_was_meant(order, remote):
    spec = ModelSpec("iris", "s3://iris", storage_secret="minio")
    told = load_message(ModelVersion(spec, 3), order, remote)
    assert remote_in(told) == remote
    known = "" if remote is not None and not order else "minio"
    assert version_of(without_remote(told.modelVersion)).spec.storage_secret == known


def test_a_remote_that_is_none_is_refused_without_showing_it():
    told = load_message(IRIS, 0)
    told.modelVersion.model.modelSpec.storageConfig.storageRcloneConfig = "hunter2"
    with pytest.raises(InvalidResourceError, match="storageRcloneConfig: defines no rem") as caught:
        remote_in(told)
    assert "hunter2" not in str(caught.value)


def test_what_is_held_is_known_without_the_remote_that_was_told():
    told = load_message(IRIS, 0, S3)
    subscription = subscription_of(seldons(loadedModels=[told.modelVersion]), PEER)
    (held,) = subscription.config.held
    assert held.version == replace(IRIS, spec=replace(IRIS.spec, knobs=NO_KNOBS))
    assert subscription.unknown == ()


def test_a_version_may_be_known_by_its_name_alone():
    bare = bare_version("iris", 3)
    assert (bare.model.meta.name, bare.version) == ("iris", 3)


def test_an_agent_of_seldons_is_told_which_models_are_scaled():
    bounded = ModelVersion(ModelSpec("iris", "/iris", max_replicas=2), 1)
    assert load_message(bounded, 0).autoscalingEnabled
    assert not load_message(IRIS, 0).autoscalingEnabled
