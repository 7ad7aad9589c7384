"""Our own API for Secrets, over a scheduler that runs."""

import asyncio
from typing import Any

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.proto import secrets_pb2 as pb
from seldon_core.resources.remote import Remote, show_remote
from seldon_core.scheduler.secret_api import SecretApi
from seldon_core.scheduler.service import open_scheduler
from tests.support.scheduler_fakes import FakeRoutes, FakeStore, StoppedClock

SECRET = pb.Secret(
    name="minio", data={"s3": show_remote(Remote("s3", "s3", {"token": "hunter2"})).encode()}
)
CONFIG = pb.AgentConfig(secretNames=["minio"], remotes=[show_remote(Remote("gs", "gcs"))])


class Sink(list[Any]):
    """An audit log."""

    write = list.append


def run(test):
    async def limited():
        store, sink = FakeStore(), Sink()
        async with (
            asyncio.timeout(5),
            open_scheduler({}, FakeRoutes(), store, StoppedClock(), audit=sink) as scheduler,
        ):
            await test(SecretApi(scheduler))
        return sink

    return asyncio.run(limited())


def change(name):
    return pb.SecretChange(change=name)


def test_what_is_declared_is_listed_without_values_and_deleted():
    async def test(api):
        assert await api.apply_secret(SECRET, "me") == change("CREATED")
        assert await api.apply_secret(SECRET, "me") == change("UNCHANGED")
        assert await api.apply_agent_config(CONFIG, "me") == change("CREATED")
        listed = await api.list_secrets(pb.ListSecretsRequest(), "me")
        (secret,) = listed.secrets
        assert (secret.name, secret.remote, secret.problem) == ("minio", "s3", "")
        assert dict(secret.sizes) == {"s3": len(SECRET.data["s3"])}
        assert [(each.remote, each.secretName) for each in listed.agentConfig.remotes] == [
            ("s3", "minio"),
            ("gs", ""),
        ]
        assert b"hunter2" not in listed.SerializeToString()
        assert await api.delete_secret(pb.SecretReference(name="minio"), "me") == change("DELETED")
        config = pb.SecretReference(name="seldon-agent")
        assert await api.delete_agent_config(config, "me") == change("DELETED")
        listed = await api.list_secrets(pb.ListSecretsRequest(), "me")
        assert listed == pb.ListSecretsResponse()

    told = run(test)
    assert [(line["actor"], line["resource"], line["outcome"]) for line in told] == [
        ("me", "secret/minio", "created"),
        ("me", "secret/minio", "unchanged"),
        ("me", "configmap/seldon-agent", "created"),
        ("me", "secret/minio", "deleted"),
        ("me", "configmap/seldon-agent", "deleted"),
    ]
    assert "hunter2" not in repr(told)


def test_what_is_wrong_or_not_there_is_refused():
    async def test(api):
        with pytest.raises(InvalidResourceError, match="name: 'A' must be"):
            await api.apply_secret(pb.Secret(name="A"), "me")
        for delete in (api.delete_secret, api.delete_agent_config):
            with pytest.raises(NotFoundError, match="not found"):
                await delete(pb.SecretReference(name="minio"), "me")

    run(test)


def test_every_method_is_served():
    (service,) = SecretApi(None).services()
    assert service.name == "seldon_core.control.Secrets"
    methods = pb.DESCRIPTOR.services_by_name["Secrets"].methods_by_name
    assert {method.name for method in service.methods} == set(methods)
    assert service.message_bytes > 1 << 20
