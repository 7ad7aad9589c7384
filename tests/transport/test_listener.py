import asyncio
import logging
import socket
from typing import Any

import pytest
import uvloop

from seldon_core.errors import ConfigError
from seldon_core.transport.handler import DataServices
from seldon_core.transport.listener import PREFACE, open_listener
from seldon_core.transport.settings import ListenerSettings
from tests.support import http2_peer
from tests.support.transport import EchoFront, connected, listening, until

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


class FakeServer:
    def live(self):
        return True

    def ready(self):
        return False

    def metadata(self):
        raise AssertionError("not asked for")


SERVICES: Any = DataServices(None, FakeServer(), None, None, None)  # type: ignore[arg-type]  # nobody asks them


@LOOPS
def test_the_fronts_of_a_handler_are_served(run):
    async def main():
        settings = ListenerSettings(port=0)
        async with (
            open_listener(settings, SERVICES) as listener,
            connected(listener.port) as client,
        ):
            await client.send(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.response())[0] == 200
            await client.send(b"GET /v2/health/ready HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.response())[0] == 400
            assert listener.refusals == {}  # it is an answer, not an error
            await client.send(b"GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.response())[0] == 404
            assert listener.refusals == {("rest", "404"): 1}

    run(main())


@LOOPS
def test_a_tunnel_is_not_implemented_in_either_version_of_http(run):
    async def main():
        settings = ListenerSettings(port=0)
        async with open_listener(settings, SERVICES) as listener:
            async with connected(listener.port) as client:
                await client.send(b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n")
                status, headers, body = await client.response()
                assert (status, headers["connection"]) == (501, "close")
                assert b"opens no tunnel" in body
            async with http2_peer.connected(listener) as peer:  # which waits with its bytes
                asked = [(b":method", b"CONNECT"), (b":authority", b"a:80")]
                answer = await peer.call(asked, end=False)
                assert dict(answer.headers)[b":status"] == b"501"
                assert b"opens no tunnel" in answer.body

    run(main())


@LOOPS
@pytest.mark.parametrize("step", [1, 7, 24], ids=["byte by byte", "in pieces", "whole"])
def test_the_http2_preface_may_arrive_in_any_pieces(run, step):
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            first = PREFACE + bytes.fromhex("000000040000000000")  # empty SETTINGS
            for at in range(0, len(first), step):
                await client.send(first[at : at + step])
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                frame = await client.reader.readexactly(9)
            assert frame[3] == 4  # the server's SETTINGS

    run(main())


def test_a_request_that_begins_like_the_preface_is_http1():
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            await client.send(b"P")
            await asyncio.sleep(0.01)
            await client.send(b"UT /x HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.response())[2] == b"/x "

    asyncio.run(main())


def test_a_tls_hello_on_the_plain_port_is_answered_in_plain_text_and_counted():
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            await client.send(b"\x16\x03\x01\x02\x00\x01\x00")
            status, _, text = await client.response()
            assert (status, text) == (400, b"this port speaks plain text, without TLS\n")
            assert await client.ends() == b""
            assert listener.counters.tls_on_plain_port == 1

    asyncio.run(main())


def test_one_connection_too_many_is_closed_and_logged(caplog):
    async def main():
        async with (
            listening(EchoFront(), connections=1) as listener,
            connected(listener.port) as first,
        ):
            await until(lambda: listener.open_connections == 1)
            async with connected(listener.port) as second:
                assert await second.ends() == b""
            assert listener.counters.refused_connections == 1
            await first.send(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await first.response())[0] == 200

    asyncio.run(main())
    line = caplog.records[0].getMessage()
    assert line.startswith("refused a connection, listener.connections=1 are open peer=127.0.0.1:")


@pytest.mark.parametrize(
    ("sent", "limits"),
    [(b"", {"idle_timeout_s": 0.1}), (b"PRI", {"head_timeout_s": 0.1})],
    ids=["silent", "half a preface"],
)
def test_a_connection_that_never_says_what_it_is_is_closed(sent, limits):
    async def main():
        async with (
            listening(EchoFront(), **limits) as listener,
            connected(listener.port) as client,
        ):
            await client.send(sent)
            assert await client.ends() == b""
            assert listener.counters.timeouts == 1

    asyncio.run(main())


def test_a_drain_closes_connections_that_said_nothing():
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            await until(lambda: listener.open_connections == 1)
            await listener.drain(10)
            assert await client.ends() == b""
            assert listener.in_flight_bytes == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "logged"),
    [({}, ["WARNING"]), ({"cut_off_level": logging.DEBUG}, [])],
    ids=["", "quietly"],
)
def test_a_drain_cuts_off_what_does_not_end_and_says_so(options, logged, caplog):
    caplog.set_level(logging.INFO)

    async def main():
        front = EchoFront()
        async with listening(front) as listener, connected(listener.port) as client:
            await client.send(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
            await front.began.wait()
            await listener.drain(0.05, **options)
            await front.cancelled.wait()

    asyncio.run(main())
    assert [record.levelname for record in caplog.records] == logged


def test_clients_that_vanish_are_asked_after_before_they_would_be_idle_for_too_long():
    assert 0 < ListenerSettings().keep_alive_s <= ListenerSettings().idle_timeout_s


@LOOPS
@pytest.mark.parametrize("keep_alive_s", [0, 60], ids=["not asked", "asked"])
def test_connections_send_at_once_and_may_be_asked_whether_they_are_there(run, keep_alive_s):
    async def main():
        async with (
            listening(EchoFront(), keep_alive_s=keep_alive_s) as listener,
            connected(listener.port),
        ):
            await until(lambda: listener.open_connections == 1)
            (connection,) = listener._shared.connections
            accepted = connection._transport.get_extra_info("socket")
            options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY)]
            options += [(socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
            options += [(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)]
            return [accepted.getsockopt(*option) for option in options]

    no_delay, keep_alive, idle_s = run(main())
    assert no_delay
    assert bool(keep_alive) == bool(keep_alive_s)
    assert (idle_s == 60) == bool(keep_alive_s)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", r"^listener\.port: .*in use"),
        ("203.0.113.1", r"^listener\.host: .*address of this machine"),
    ],
    ids=["port in use", "foreign address"],
)
def test_an_address_that_cannot_be_listened_on_is_a_clear_error(host, words):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigError, match=words) as caught:
                async with open_listener(ListenerSettings(host, port), SERVICES):
                    pass
            assert host in str(caught.value)
            assert str(port) in str(caught.value)

    asyncio.run(main())


@LOOPS
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_an_address_and_a_name_can_be_listened_on(run, host):
    async def main():
        settings = ListenerSettings(host=host, port=0)
        async with open_listener(settings, SERVICES) as listener:
            reader, writer = await asyncio.open_connection(host, listener.port)
            writer.write(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()
            await writer.wait_closed()

    run(main())


def test_other_limits_hold_for_connections_that_begin_then():
    async def main():
        async with listening(EchoFront(), connections=1) as listener, connected(listener.port):
            await until(lambda: listener.open_connections == 1)
            listener.change(ListenerSettings(connections=2))
            async with connected(listener.port) as second:
                await second.send(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
                assert (await second.response())[0] == 200

    asyncio.run(main())
