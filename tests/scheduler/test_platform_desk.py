"""Servers, their configs and secrets as the scheduler's shell takes them in."""

import asyncio

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.service import open_scheduler
from tests.support.scheduler_fakes import FakeRoutes, FakeStore, StoppedClock


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


def test_a_server_that_is_declared_is_run_and_kept_until_it_is_deleted():
    class Owner:
        def __init__(self):
            self.told = []

        def run_server(self, spec, replicas):
            self.told.append((spec.name, replicas))

    async def test():
        store, owner = FakeStore(), Owner()
        for _ in range(2):
            async with open_scheduler({}, FakeRoutes(), store, StoppedClock(), owner) as scheduler:
                await scheduler.carried_out()
                if not owner.told:
                    spec = ServerSpec("big", replicas=2)
                    assert (
                        await scheduler.platform.declare_server(spec, actor="me") is Change.CREATED
                    )
        assert owner.told == [("big", 2), ("big", 2)]
        async with open_scheduler({}, FakeRoutes(), store, StoppedClock(), owner) as scheduler:
            assert await scheduler.platform.unload_server("big") is Change.DELETED
            with pytest.raises(NotFoundError):
                await scheduler.platform.unload_server("big")
        assert owner.told[-1] == ("big", 0)
        assert store.stored == ()

    run(test)


def test_what_servers_have_in_common_is_declared_shown_and_deleted():
    async def test():
        store = FakeStore()
        async with open_scheduler({}, FakeRoutes(), store, StoppedClock()) as scheduler:
            platform, config = scheduler.platform, ServerConfigSpec("common")
            assert await platform.declare_server_config(config) is Change.CREATED
            assert platform.server_configs() == [config]
            spec = ServerSpec("big", "common")
            await platform.declare_server(spec)
            assert platform.server_specs() == [spec]
            assert {kept.name for kept in store.stored} == {"common", "big"}
            assert await platform.unload_server_config("common") is Change.DELETED
            assert platform.server_configs() == []
            with pytest.raises(NotFoundError):
                await platform.unload_server_config("common")

    run(test)


def test_secrets_are_declared_told_of_and_deleted():
    async def test():
        async with open_scheduler({}, FakeRoutes(), FakeStore(), StoppedClock()) as scheduler:
            platform = scheduler.platform
            assert await platform.declare_secret(SecretSpec("s3", {})) is Change.CREATED
            assert [secret.name for secret in platform.secrets()] == ["s3"]
            assert platform.agent_config() is None
            await platform.declare_secret(AgentConfigSpec(("s3",)))
            assert platform.agent_config() is not None
            assert await platform.unload_secret(Kind.SECRET, "s3") is Change.DELETED
            assert platform.secrets() == []
            with pytest.raises(NotFoundError):
                await platform.unload_secret(Kind.SECRET, "s3")

    run(test)
