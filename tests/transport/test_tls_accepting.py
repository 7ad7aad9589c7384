"""Ports that speak TLS: who is let in, and what others are told."""

import asyncio
import errno
import socket
import ssl
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop
from grpc_health.v1 import health_pb2

from seldon_core.errors import RelayedError, UnreachableError
from seldon_core.proto import scheduler_pb2
from seldon_core.transport import tls_accepting
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control_client import RpcError, SchedulerClient
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.control_services import ControlService, UnaryMethod
from seldon_core.transport.endpoints import ClientTls, client_context
from seldon_core.transport.listener import listen
from seldon_core.transport.rpc_client import open_rpc_client
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.tls import DialTls, ServerKeys, ServerTls
from seldon_core.transport.tls_accepting import PlainHttpRefusal, PlainRpcRefusal, TlsServer
from tests.support.certificates import make_certificates, make_expired

LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def run(test, loop=asyncio.new_event_loop):
    async def limited():
        async with asyncio.timeout(15):
            await test

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(limited())


async def who(request, actor):
    """Answer the caller's name, in a message that has a field for it."""
    return health_pb2.HealthCheckRequest(service=actor)


WHO = ControlService("test.Test", [UnaryMethod("Who", health_pb2.HealthCheckRequest, who)])
REQUEST = health_pb2.HealthCheckRequest()


def keys_of(certificates, *, mutual=True):
    ca = certificates.ca if mutual else ""
    return ServerKeys(ServerTls(certificates.server, certificates.server_key, ca))


def dial_of(certificates, *, client=True, name=""):
    shown = (certificates.client, certificates.client_key) if client else ("", "")
    return DialTls(ClientTls(certificates.ca, *shown), name)


@asynccontextmanager
async def tls_port(certificates, *, mutual=True, host="127.0.0.1"):
    keys = keys_of(certificates, mutual=mutual)
    async with open_control_port("scheduler.port", 0, [WHO], keys=keys, host=host) as port:
        yield port


async def ask(port, tls, host="127.0.0.1"):
    async with open_rpc_client(host, port, "the scheduler", tls) as client:
        answer = await client.unary("/test.Test/Who", REQUEST, health_pb2.HealthCheckRequest, 5)
    return answer.service


@LOOPS
def test_the_actor_of_a_call_is_the_subject_of_its_certificate(certificates, loop):
    async def main():
        async with tls_port(certificates) as port:
            assert await ask(port, dial_of(certificates)) == "CN=test client"

    run(main(), loop)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("none", "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        ("other authority", "unable to get local issuer certificate"),
        ("expired", "certificate has expired"),
    ],
    ids=["none", "another authority's", "expired"],
)
@LOOPS
def test_who_is_not_let_in_hears_so_and_the_log_says_why(
    certificates, tmp_path, caplog, loop, kind, reason
):
    if kind == "none":
        shown = ("", "")
    elif kind == "expired":
        shown = make_expired(Path(certificates.ca).parent)
    else:
        others = make_certificates(tmp_path)
        shown = (others.client, others.client_key)

    async def main():
        async with tls_port(certificates) as port:
            with pytest.raises(UnreachableError, match=r"closed at once: its .*clientCrtPath"):
                await ask(port, DialTls(ClientTls(certificates.ca, *shown)))
            assert await ask(port, dial_of(certificates)) == "CN=test client"

    run(main(), loop)
    (said,) = [record.getMessage() for record in caplog.records if "refused" in record.message]
    assert said.startswith("refused a TLS connection peer=127.0.0.1:")
    assert reason in said
    assert said.endswith("others=0")


def test_a_flood_of_who_is_not_let_in_is_one_line(certificates, caplog):
    async def main():
        async with tls_port(certificates) as port:
            for _ in range(5):
                with pytest.raises(UnreachableError):
                    await ask(port, dial_of(certificates, client=False))

    run(main())
    assert sum("refused a TLS" in record.message for record in caplog.records) == 1


def test_without_an_authority_for_clients_they_are_called_by_their_address(certificates):
    async def main():
        async with tls_port(certificates, mutual=False) as port:
            actor = await ask(port, dial_of(certificates, client=False))
            assert actor.startswith("127.0.0.1:")

    run(main())


def test_a_host_by_name_is_served_at_each_of_its_addresses(certificates):
    async def main():
        async with tls_port(certificates, host="localhost") as port:
            assert await ask(port, dial_of(certificates), "localhost") == "CN=test client"

    run(main())


@pytest.mark.parametrize("kind", ["authority", "name"])
def test_a_server_that_is_another_is_not_trusted(certificates, tmp_path, caplog, kind):
    if kind == "name":
        tls = dial_of(certificates, name="elsewhere.example")
    else:
        others = make_certificates(tmp_path)
        tls = DialTls(ClientTls(others.ca, certificates.client, certificates.client_key))

    async def main():
        async with tls_port(certificates) as port:
            with pytest.raises(UnreachableError, match="its certificate is not accepted: "):
                await ask(port, tls)

    run(main())
    assert "it hung up: it may not accept the certificate of this port" in caplog.text


def test_a_server_whose_certificate_has_expired_is_not_trusted(certificates):
    old = make_expired(Path(certificates.ca).parent)
    keys = ServerKeys(ServerTls(*old, certificates.ca))

    async def main():
        async with open_control_port("scheduler.port", 0, [WHO], keys=keys) as port:
            with pytest.raises(UnreachableError, match="accepted: certificate has expired"):
                await ask(port, dial_of(certificates))

    run(main())


@LOOPS
def test_a_plain_call_is_told_that_the_port_speaks_tls(certificates, loop):
    async def main():
        async with tls_port(certificates) as port:
            with pytest.raises(RelayedError, match="this port speaks TLS, and you speak plain"):
                await ask(port, None)

    run(main(), loop)


@LOOPS
def test_a_plain_http_request_is_told_that_the_port_speaks_tls(certificates, loop):
    async def main():
        async with tls_port(certificates) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"this port speaks TLS" in answer
            writer.close()
            await writer.wait_closed()

    run(main(), loop)


def test_tls_to_a_plain_port_is_told_so():
    async def main():
        async with open_control_port("scheduler.port", 0, [WHO]) as port:
            with pytest.raises(UnreachableError, match="it speaks plain text where TLS is wanted"):
                await ask(port, DialTls(ClientTls()))

    run(main())


def test_grpc_s_own_client_is_served(certificates):
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(
        read(certificates.ca), read(certificates.client_key), read(certificates.client)
    )

    async def main():
        async with (
            tls_port(certificates) as port,
            grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel,
        ):
            answer = await channel.unary_unary("/test.Test/Who")(b"", timeout=5)
            assert health_pb2.HealthCheckRequest.FromString(answer).service == "CN=test client"

    run(main())


def test_plain_http_over_tls_is_told_to_speak_grpc(certificates):
    tls = ClientTls(certificates.ca, certificates.client, certificates.client_key)

    async def main():
        async with tls_port(certificates) as port:
            context = client_context(tls)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 415 ")
            writer.close()

    run(main())


@LOOPS
def test_a_bad_request_over_tls_is_refused_and_closed(certificates, loop):
    tls = ClientTls(certificates.ca, certificates.client, certificates.client_key)

    async def main():
        async with tls_port(certificates) as port:
            context = client_context(tls)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"no request\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run(main(), loop)


def test_who_says_nothing_or_leaves_holds_nobody_up(certificates):
    async def main():
        async with tls_port(certificates) as port:
            silent = socket.create_connection(("127.0.0.1", port))
            socket.create_connection(("127.0.0.1", port)).close()
            assert await ask(port, dial_of(certificates)) == "CN=test client"
        with silent:
            silent.settimeout(5)
            assert silent.recv(1) == b""  # it was hung up on when the port closed

    run(main())


def test_a_new_certificate_is_shown_after_a_reload(certificates, tmp_path):
    others = make_certificates(tmp_path)
    crt, key = tmp_path / "now.pem", tmp_path / "now.key"

    def put(source):
        for to, path in ((crt, source.server), (key, source.server_key)):
            with open(path, "rb") as file:
                to.write_bytes(file.read())

    put(certificates)
    keys = ServerKeys(ServerTls(str(crt), str(key)))

    async def main():
        async with open_control_port("scheduler.port", 0, [WHO], keys=keys) as port:
            await ask(port, dial_of(certificates, client=False))
            put(others)
            await ask(port, dial_of(certificates, client=False))  # nobody has read it yet
            keys.reload()
            await ask(port, dial_of(others, client=False))
            with pytest.raises(UnreachableError, match="not accepted"):
                await ask(port, dial_of(certificates, client=False))

    run(main())


def test_tls_1_1_is_not_spoken(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    async def main():
        async with tls_port(certificates) as port:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", port, ssl=context)

    run(main())


def asked_by_command_line(port, tls):
    """Return what the command line's client says."""
    client = SchedulerClient(f"localhost:{port}", tls=tls)
    with client, pytest.raises(RpcError) as refused:
        client.scheduler_status(scheduler_pb2.SchedulerStatusRequest(), timeout_s=5)
    return refused.value.detail


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        (lambda made, _: ClientTls(made.ca), "does not accept your certificate, or wants one"),
        (
            lambda made, others: ClientTls(made.ca, others.client, others.client_key),
            "does not accept your certificate, or wants one",
        ),
        (lambda _, others: ClientTls(others.ca), "its certificate is not accepted: "),
        (
            lambda made, _: ClientTls(made.ca, made.client, made.client_key),
            "SchedulerStatus is not served here",
        ),
    ],
    ids=["no certificate", "of another authority", "another server", "let in"],
)
def test_the_command_line_says_why_it_is_not_let_in(certificates, tmp_path, tls, said):
    wanted = tls(certificates, make_certificates(tmp_path))

    async def main():
        async with tls_port(certificates) as port:
            assert said in await asyncio.to_thread(asked_by_command_line, port, wanted)

    run(main())


def test_the_command_line_says_that_a_port_speaks_plain_text(certificates):
    async def main():
        async with open_control_port("scheduler.port", 0, [WHO]) as port:
            tls = ClientTls(certificates.ca)
            said = await asyncio.to_thread(asked_by_command_line, port, tls)
            assert "it speaks plain text where TLS is wanted" in said

    run(main())


@asynccontextmanager
async def tls_listener(certificates, **limits):
    settings = ListenerSettings(port=0, **limits)
    opened = listen(
        settings,
        PlainHttpRefusal(),
        PlainRpcRefusal(),
        InFlightBytes(settings.in_flight_bytes),
        keys=keys_of(certificates),
    )
    async with opened as listener:
        yield listener.port


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"], ids=["nothing", "half a hello"])
@LOOPS
def test_who_does_not_get_on_is_hung_up_on(certificates, loop, said):
    async def main():
        async with tls_listener(certificates, head_timeout_s=0.05) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            assert await reader.read() == b""
            writer.close()

    run(main(), loop)


def test_one_that_waits_too_many_is_hung_up_on(certificates):
    async def main():
        async with tls_listener(certificates, connections=1) as port:
            first = await asyncio.open_connection("127.0.0.1", port)
            second = await asyncio.open_connection("127.0.0.1", port)
            assert await second[0].read() == b""
            assert not first[0].at_eof()
            for _, writer in (first, second):
                writer.close()

    run(main())


def test_a_call_that_would_be_no_conversation_is_told_the_same():
    answer = asyncio.run(PlainRpcRefusal().answer(b"/x/Y", {}, b"", 0.0))
    assert "this port speaks TLS" in answer.message


def test_who_has_left_is_not_known():
    with socket.socket() as nobody:
        assert tls_accepting._peer_of(nobody) == "unknown"


class Exhausted:
    """A listening socket whose connections cannot be accepted for want of file descriptors."""

    def __init__(self):
        self.asked = 0

    def accept(self):
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def fileno(self):
        return 0

    def close(self):
        """Nothing is open."""


class Readers:
    """A loop's readers, of which each is always ready, and its timers."""

    def __init__(self):
        self.readers = {}
        self.timers = []

    def time(self):
        return 0.0

    def add_reader(self, what, call, *arguments):
        self.readers[what] = lambda: call(*arguments)

    def remove_reader(self, what):
        self.readers.pop(what, None)

    def call_later(self, delay, call, *arguments):
        self.timers.append((delay, lambda: call(*arguments)))
        return self

    def cancel(self):
        self.timers.clear()


def test_a_port_without_file_descriptors_left_pauses(certificates, caplog):
    loop: Any = Readers()
    listening: Any = Exhausted()
    keys = keys_of(certificates)
    server = TlsServer(loop, [listening], keys, (asyncio.Protocol, asyncio.Protocol), 1.0, 9)
    loop.readers[listening]()
    assert listening not in loop.readers
    assert "a connection cannot be accepted error=Too many open files" in caplog.text
    [(delay, go_on)] = loop.timers
    assert delay == tls_accepting._PAUSE_S
    go_on()
    loop.readers[listening]()
    assert listening.asked == 2
    server.close()
    assert loop.timers == []
    assert loop.readers == {}
