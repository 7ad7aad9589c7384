"""What goes out to clients that read, read slowly or do not read at all, over real sockets."""

import asyncio

import ngh2
import pytest
import uvloop

from seldon_core.transport.settings import ListenerSettings
from tests.support.http2_peer import (
    call_headers,
    connected,
    framed,
    request_headers,
    serving,
)


def run(test):
    """Run on uvloop, as the server does, within 30 seconds."""

    async def bounded():
        async with asyncio.timeout(30):
            await test()

    uvloop.run(bounded())


def test_large_messages_go_both_ways():
    async def test():
        async with serving() as server, connected(server) as client:
            client.h2.set_local_window_size(1 << 26)
            message = bytes(range(256)) * 40_000
            answer = await client.call(call_headers(), framed(message))
            assert answer.message == message
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


def test_a_client_that_never_reads_is_not_begun_for():
    async def test():
        async with serving() as server, connected(server, receive_buffer=4096) as client:
            client.h2.set_local_window_size(1 << 30)
            headers = call_headers(path=b"/large/100000")
            for _ in range(100):
                client.request(headers, framed(b"x"))
            client.flush()
            await server.until(lambda: bool(server.shared.paused))
            begun = server.rpc.begun
            for _ in range(50):
                client.request(headers, framed(b"x"))
            client.flush()
            async with connected(server) as other:
                for _ in range(20):
                    assert (await other.call(call_headers(), framed(b"on"))).message == b"on"
            assert server.rpc.begun == begun + 20
            assert server.shared.budget.used <= begun * 100_005
            answers = await client.finish(client.answers)
            assert {len(answer.message) for answer in answers} == {100_000}
            assert not server.shared.paused

    run(test)


def test_draining_answers_what_is_outstanding_and_closes():
    async def test():
        async with serving() as server, connected(server) as client, connected(server) as idle:
            stream = client.request(call_headers(path=b"/wait"), framed(b"late"))
            client.flush()
            await server.until(
                lambda: server.rpc.begun == 1 and len(server.shared.connections) == 2
            )
            for connection in list(server.shared.connections):
                connection.drain()
                connection.drain()
            while not idle.is_over:
                await idle.read()
            server.rpc.go.set()
            assert (await client.finish([stream]))[0].message == b"late"
            while not client.is_over:
                await client.read()
            kinds = [type(event) for event in client.others]
            assert kinds.count(ngh2.GoAwayReceived) == 2
            assert not server.shared.connections

    run(test)


def test_a_client_that_takes_nothing_for_too_long_is_cut_off():
    async def test():
        settings = ListenerSettings(write_idle_timeout_s=0.05)
        async with serving(settings) as server, connected(server) as client:
            client.request(call_headers(path=b"/large/1000000"), framed(b"x"))
            client.h2.set_local_window_size(1)
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.timeouts == 1
            assert server.shared.budget.used == 0

    run(test)


def test_a_client_that_says_goaway_is_answered_first():
    async def test():
        async with serving() as server, connected(server) as client:
            stream = client.request(call_headers(path=b"/wait"), framed(b"late"))
            client.h2.send_goaway()
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            server.rpc.go.set()
            assert (await client.finish([stream]))[0].message == b"late"
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.bad_requests == 0

    run(test)


def test_answers_that_wait_in_the_library_are_counted():
    async def test():
        async with serving() as server, connected(server) as client:
            client.h2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 0})
            streams = [
                client.request(call_headers(path=b"/large/100000"), framed(b"x")) for _ in range(20)
            ]
            client.flush()
            await server.until(lambda: server.rpc.begun == 20)
            await client.read()
            (connection,) = server.shared.connections
            connection.visit(asyncio.get_running_loop().time())
            assert server.shared.budget.used >= 20 * 100_000
            for stream in streams:
                client.h2.set_local_window_size(200_000, stream_id=stream)
            client.h2.set_local_window_size(4_000_000)
            await client.finish(streams)
            connection.visit(asyncio.get_running_loop().time())
            assert server.shared.budget.used == 0

    run(test)


def test_pings_do_not_keep_a_client_that_reads_nothing():
    async def test():
        settings = ListenerSettings(write_idle_timeout_s=10, write_bytes_per_s=100)
        async with serving(settings) as server, connected(server) as client:
            client.h2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 0})
            client.request(call_headers(path=b"/large/100000"), framed(b"x"))
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            (connection,) = server.shared.connections
            server.shared.sweeper.stop()  # this test says what time it is
            now = asyncio.get_running_loop().time()
            connection.visit(now)
            for second in range(12):
                for _ in range(100):
                    client.h2.ping()
                client.flush()
                await client.read()
                await asyncio.sleep(0.01)
                connection.visit(now + second)
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.timeouts == 1

    run(test)


@pytest.mark.parametrize("size", [100, 1_000_000], ids=["in the library", "and beyond"])
def test_an_answer_that_is_left_is_reset_though_others_are_taken(size):
    async def test():
        settings = ListenerSettings(write_idle_timeout_s=10, write_bytes_per_s=100)
        async with serving(settings) as server, connected(server) as client:
            client.h2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 1})
            left = client.request(request_headers(b"GET", b"/large/%d" % size))
            client.flush()
            await server.until(lambda: server.shared.connections)
            (connection,) = server.shared.connections
            server.shared.sweeper.stop()  # this test says what time it is
            now = asyncio.get_running_loop().time()
            for second in range(12):
                heads = [request_headers(b"HEAD", b"/")] * 20
                await client.finish([client.request(head) for head in heads])
                connection.visit(now + second)
            (answer,) = await client.finish([left])
            assert answer.reset == ngh2.ErrorCode.CANCEL
            connection.visit(now + 12)
            assert server.shared.counters.timeouts == 1
            assert server.shared.budget.used == 0
            assert server.shared.connections

    run(test)
