"""The requests of one connection and their answers, over real sockets."""

import asyncio
import gc
import tracemalloc

import psutil
import pytest
import uvloop

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import StreamedAnswer
from tests.support.transport import EchoFront, connected, listening, post, until

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])

GET = b"GET %b HTTP/1.1\r\nhost: a\r\n\r\n"


def shared_of(listener):
    return listener._shared


@LOOPS
def test_pipelined_answers_keep_the_order_of_the_requests(run):
    async def main():
        front = EchoFront()
        async with listening(front) as listener, connected(listener.port) as client:
            await client.send(GET % b"/hold" + GET % b"/b" + GET % b"/hold2" + GET % b"/d")
            await until(lambda: len(front.requests) == 4)
            front.release.set()
            bodies = [(await client.response())[2] for _ in range(4)]
            assert bodies == [b"/hold ", b"/b ", b"/hold2 ", b"/d "]
            await until(lambda: listener.in_flight_bytes == 0)

    run(main())


@LOOPS
def test_a_client_that_never_reads_does_not_grow_memory(run):
    async def main():
        front = EchoFront()
        async with listening(front) as listener, connected(listener.port) as client:
            request = GET % b"/large"
            for _ in range(50):
                client.writer.write(request * 100)
                await asyncio.sleep(0.002)
            await until(lambda: shared_of(listener).paused)
            (connection,) = shared_of(listener).connections
            transport = connection._requests.transport
            assert transport.get_write_buffer_size() <= 2 * 1024 * 1024
            assert len(front.requests) < 100
            gc.collect()
            tracemalloc.start()
            client.writer.write(request * 1000)
            await asyncio.sleep(0.05)
            assert tracemalloc.get_traced_memory()[0] < 500_000
            tracemalloc.stop()
            assert transport.get_write_buffer_size() <= 2 * 1024 * 1024
            client.writer.transport.abort()

    run(main())


@LOOPS
def test_a_client_that_reads_late_gets_everything(run):
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            client.writer.write(GET % b"/large" * 10 + GET % b"/end")
            await until(lambda: shared_of(listener).paused)
            for _ in range(10):
                assert len((await client.response())[2]) == 1024 * 1024
            assert (await client.response())[2] == b"/end "
            await until(lambda: listener.in_flight_bytes == 0)

    run(main())


@LOOPS
def test_a_hang_up_cancels_the_work(run):
    async def main():
        front = EchoFront()
        async with listening(front) as listener:
            async with connected(listener.port) as client:
                await client.send(post(b"/hold", b"x" * 1000))
                await until(front.began.is_set)
                assert listener.in_flight_bytes == 1000
            await until(front.cancelled.is_set)
            await until(lambda: listener.open_connections == 0)
            assert listener.in_flight_bytes == 0
            assert listener.counters.hang_ups == 1

    run(main())


@LOOPS
def test_a_repeated_request_behind_one_that_waits_is_answered_in_its_turn(run):
    async def main():
        front = EchoFront()
        async with listening(front) as listener, connected(listener.port) as client:
            for n in range(5):
                await client.send(post(b"/hold", b"%d" % n))
                await until(lambda n=n: len(front.requests) == n + 1)
            front.release.set()
            for n in range(5):
                assert (await client.response())[2] == b"/hold %d" % n

    run(main())


def test_100_continue_is_sent_once_it_is_the_requests_turn():
    async def main():
        front = EchoFront()
        expecting = (
            b"POST /a HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"
        )
        async with listening(front) as listener, connected(listener.port) as client:
            await client.send(expecting)
            assert await client.receive(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"body")
            assert (await client.response())[2] == b"/a body"
            await client.send(GET % b"/hold" + expecting)
            await until(front.began.is_set)
            front.release.set()
            assert (await client.response())[2] == b"/hold "
            assert await client.receive(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"more")
            assert (await client.response())[2] == b"/a more"

    asyncio.run(main())


@pytest.mark.parametrize("target", [b"/fail", b"/cancel"])
def test_a_bug_in_the_front_is_a_500_and_the_connection_goes_on(target, caplog):
    async def main():
        async with listening(EchoFront()) as listener, connected(listener.port) as client:
            await client.send(GET % target)
            status, headers, body = await client.response()
            assert status == 500
            assert b"internal error" in body
            assert f"request_id={headers['x-request-id']}" in caplog.text
            await client.send(GET % b"/next")
            assert (await client.response())[2] == b"/next "
            assert listener.counters.internal_errors == 1

    asyncio.run(main())
    assert len(caplog.records) == 1


class OddFront(EchoFront):
    """Answers with a status that does not exist, at once or after a while."""

    async def answer(self, request):
        answer = await super().answer(request)
        answer.status = 999
        return answer


@pytest.mark.parametrize("requests", [[b"/a"], [b"/a", b"/a"], [b"/hold"]])
def test_an_answer_that_cannot_be_written_closes_its_connection_alone(requests, caplog):
    async def main():
        front = OddFront()
        front.release.set()
        async with (
            listening(front) as listener,
            connected(listener.port) as odd,
            connected(listener.port) as other,
        ):
            await odd.send(b"".join(post(target, b"x") for target in requests))
            assert await odd.ends() == b""
            await until(lambda: listener.open_connections == 1)
            assert listener.counters.internal_errors == 1
            assert len(front.requests) == 1
            await other.send(b"NONSENSE\r\n\r\n")
            assert (await other.response())[0] == 400

    asyncio.run(main())
    assert "because of a bug" in caplog.text


def test_over_the_budget_a_new_call_gets_503_and_the_connection_stays():
    async def main():
        budget, front = InFlightBytes(10_000), EchoFront()
        async with listening(front, budget) as listener, connected(listener.port) as client:
            budget.take(10_000)
            await client.send(post(b"/a", b"body"))
            status, headers, _ = await client.response()
            assert (status, headers["retry-after"]) == (503, "1")
            assert listener.counters.overloaded == 1
            budget.give(10_000)
            await client.send(post(b"/a", b"body"))
            assert (await client.response())[0] == 200

    asyncio.run(main())


def test_a_request_that_takes_too_long_is_cancelled_and_answered_with_504():
    async def main():
        front = EchoFront()
        async with (
            listening(front, request_timeout_s=0.1) as listener,
            connected(listener.port) as client,
        ):
            await client.send(GET % b"/hold")
            assert (await client.response())[0] == 504
            await until(front.cancelled.is_set)
            await client.send(GET % b"/next")
            assert (await client.response())[2] == b"/next "

    asyncio.run(main())


def test_a_client_that_stops_reading_is_cut_off():
    async def main():
        async with (
            listening(EchoFront(), write_idle_timeout_s=0.5) as listener,
            connected(listener.port) as client,
        ):
            client.writer.write(GET % b"/large" * 100)
            await until(lambda: shared_of(listener).paused)
            await until(lambda: listener.open_connections == 0)
            assert listener.counters.timeouts == 1
            assert listener.in_flight_bytes == 0

    asyncio.run(main())


@LOOPS
def test_a_drain_answers_what_is_outstanding_and_closes_what_is_idle(run):
    async def main():
        front = EchoFront()
        async with (
            listening(front) as listener,
            connected(listener.port) as idle,
            connected(listener.port) as busy,
        ):
            await idle.send(GET % b"/a")
            await idle.response()
            await busy.send(GET % b"/hold" + GET % b"/last")
            await until(lambda: len(front.requests) == 3)
            draining = asyncio.get_running_loop().create_task(listener.drain(20))
            assert await idle.ends() == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", listener.port)
            front.release.set()
            assert "connection" not in (await busy.response())[1]
            assert (await busy.response())[1]["connection"] == "close"
            assert await busy.ends() == b""
            await draining

    run(main())


def test_an_answer_that_its_client_does_not_read_is_counted_until_it_does():
    async def main():
        budget = InFlightBytes(1 << 30)
        async with (
            listening(EchoFront(), budget) as listener,
            connected(listener.port) as client,
        ):
            client.writer.transport.pause_reading()
            await client.send(GET % b"/large" * 30)
            await until(lambda: budget.used > 100_000)
            client.writer.transport.resume_reading()
            for _ in range(30):
                assert (await client.response())[0] == 200
            await until(lambda: not budget.used)

    asyncio.run(main())


def test_what_is_begun_behind_an_answer_that_is_cut_is_dropped_in_silence(caplog):
    async def pieces():
        yield bytes(16 << 20)

    class Front(EchoFront):
        async def answer(self, request):
            if request.target == b"/cut":
                return StreamedAnswer(200, [], pieces())
            return await super().answer(request)

    async def main():
        front = Front()
        async with (
            listening(front, request_timeout_s=0.3) as listener,
            connected(listener.port) as client,
        ):
            client.writer.transport.pause_reading()  # so that what is unsent keeps it open
            await client.send(GET % b"/cut" + GET % b"/hold")
            await until(front.cancelled.is_set)
            await asyncio.sleep(0.01)
            assert listener.counters.internal_errors == 0

    asyncio.run(main())
    assert caplog.records == []


def test_the_body_of_a_client_that_leaves_is_free_at_once():
    async def main():
        front, process = EchoFront(), psutil.Process()
        async with listening(front) as listener:
            before = process.memory_info().rss
            for _ in range(4):
                async with connected(listener.port) as client:
                    await client.send(
                        post(b"/hold", bytes(40 << 20), b"inference-header-content-length: 0")
                    )
                    await front.began.wait()
                    front.began.clear()
                    client.writer.transport.abort()
                await until(lambda: not listener.in_flight_bytes)
                front.requests.clear()
            await asyncio.sleep(0.01)
            assert process.memory_info().rss - before < 80 << 20

    gc.disable()
    try:
        uvloop.run(main())
    finally:
        gc.enable()
