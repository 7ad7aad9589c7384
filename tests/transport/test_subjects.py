"""Services that only those may call who are listed."""

import asyncio

import pytest
from grpc_health.v1 import health_pb2

from seldon_core.errors import RelayedError
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.control_services import (
    ControlService,
    GatherMethod,
    StreamMethod,
    UnaryMethod,
)
from seldon_core.transport.endpoints import ClientTls
from seldon_core.transport.rpc_client import open_rpc_client
from seldon_core.transport.subjects import only_for
from seldon_core.transport.tls import DialTls, ServerKeys, ServerTls
from tests.support.certificates import make_certificates

REQUEST = health_pb2.HealthCheckRequest()


async def answer(request, peer):
    return health_pb2.HealthCheckRequest(service=peer)


async def stream(request, peer):
    yield health_pb2.HealthCheckRequest(service=peer)


async def gather(requests, peer):
    async for _ in requests:
        pass
    return health_pb2.HealthCheckRequest(service=peer)


METHODS = (
    UnaryMethod("Answer", health_pb2.HealthCheckRequest, answer),
    StreamMethod("Stream", health_pb2.HealthCheckRequest, stream),
    GatherMethod("Gather", health_pb2.HealthCheckRequest, gather),
)
SERVICE = ControlService("test.Test", METHODS)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def called(certificates, subjects):
    """What the client of the certificates hears of a port that is for `subjects`."""
    keys = ServerKeys(ServerTls(certificates.server, certificates.server_key, certificates.ca))
    shown = ClientTls(certificates.ca, certificates.client, certificates.client_key)
    heard = []

    async def main():
        services = only_for(subjects, "a.setting", [SERVICE])
        async with (
            asyncio.timeout(15),
            open_control_port("agent.port", 0, services, keys=keys) as port,
            open_rpc_client("127.0.0.1", port, "the scheduler", DialTls(shown)) as client,
        ):
            for path in ("Answer", "Stream", "Gather"):
                try:
                    heard.append(await ask(client, path))
                except RelayedError as error:
                    heard.append(str(error))

    async def ask(client, path):
        kind = health_pb2.HealthCheckRequest
        if path == "Stream":
            async for each in client.stream(f"/test.Test/{path}", REQUEST, kind):
                return each.service
        if path == "Gather":
            return (await client.gather(f"/test.Test/{path}", [REQUEST], kind, 5)).service
        return (await client.unary(f"/test.Test/{path}", REQUEST, kind, 5)).service

    asyncio.run(main())
    return heard


@pytest.mark.parametrize(
    "subjects", [(), ("CN=test client",), ("CN=x", "CN=test client")], ids=["any", "one", "two"]
)
def test_who_is_listed_is_answered(certificates, subjects):
    assert called(certificates, subjects) == ["CN=test client"] * 3


def test_who_is_not_listed_is_refused_and_told_where_he_would_be(certificates, caplog):
    heard = called(certificates, ("CN=another",))
    assert len(heard) == 3
    for said in heard:
        assert "'CN=test client' is none of those who may call this: a.setting" in said
    (record,) = [each for each in caplog.records if "not listed" in each.message]
    said = "refused who is not listed peer=CN=test client setting=a.setting others=0"
    assert record.getMessage() == said
