"""What the frames of a client do to its streams, over real sockets."""

import asyncio
from itertools import pairwise

import ngh2
import pytest
import uvloop

from seldon_core.transport.conversations import not_served
from seldon_core.transport.http2_frames import EVENTS_PER_TURN, STREAM_WINDOW
from seldon_core.transport.settings import ListenerSettings
from tests.support.http2_peer import (
    METHOD,
    EchoRpc,
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


def test_a_reset_in_the_packet_of_its_request_harms_no_other_stream():
    async def test():
        async with serving() as server, connected(server) as client:
            before = client.request(call_headers(), framed(b"before"))
            gone = client.request(call_headers(), framed(b"gone"))
            packet = client.h2.data_to_send()
            client.h2.reset_stream(gone)
            packet += client.h2.data_to_send()
            after = client.request(call_headers(), framed(b"after"))
            client.writer.write(packet)
            answers = await client.finish([before, after])
            assert [answer.message for answer in answers] == [b"before", b"after"]

    run(test)


def test_resets_with_data_do_not_use_the_connections_window_up():
    async def test():
        async with serving() as server, connected(server) as client:
            piece = framed(bytes(1 << 20))[:60_000]
            for _ in range(400):  # 24 MB, the window has 16
                stream = client.request(call_headers(), piece, end=False)
                packet = client.h2.data_to_send()
                client.h2.reset_stream(stream)
                client.writer.write(packet + client.h2.data_to_send())
                await client.writer.drain()
            answer = await client.call(call_headers(), framed(bytes(1 << 20)))
            assert len(answer.message) == 1 << 20
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


def test_a_reset_cancels_the_work_of_its_stream_only():
    async def test():
        async with serving() as server, connected(server) as client:
            gone = client.request(call_headers(path=b"/wait"), framed(b"gone"))
            stays = client.request(call_headers(path=b"/wait"), framed(b"stays"))
            client.flush()
            await server.until(lambda: server.rpc.begun == 2)
            client.h2.reset_stream(gone)
            client.flush()
            await server.until(lambda: server.rpc.cancelled == 1)
            server.rpc.go.set()
            assert (await client.finish([stays]))[0].message == b"stays"
            assert server.shared.counters.hang_ups == 1

    run(test)


def test_answers_whose_streams_are_gone_are_dropped():
    async def test():
        async with serving() as server, connected(server) as client:
            gone = client.request(call_headers(path=b"/large/5000000"), framed(b"x"))
            client.flush()
            await server.until(lambda: server.shared.budget.used > 4_000_000)
            client.h2.reset_stream(gone)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 0)
            assert (await client.call(call_headers(), framed(b"on"))).message == b"on"

    run(test)


def test_interleaved_streams_do_not_mix():
    async def test():
        async with serving() as server, connected(server) as client:
            messages = {}
            for letter in b"abcdef":
                message = framed(bytes([letter]) * 50_000)
                messages[client.request(call_headers(), end=False)] = message
            for start in range(0, 50_005, 9_000):
                for stream, message in messages.items():
                    last = start + 9_000 >= len(message)
                    client.h2.send_data(stream, message[start : start + 9_000], end_stream=last)
                client.flush()
            answers = await client.finish(messages)
            assert [framed(a.message) for a in answers] == list(messages.values())

    run(test)


def test_a_turn_of_the_loop_begins_at_most_its_share_of_requests():
    async def test():
        settings = ListenerSettings(requests_per_turn=4)
        async with serving(settings) as server, connected(server) as client:
            streams = [client.request(call_headers(), framed(b"x")) for _ in range(10)]
            client.flush()
            seen = set()
            while server.rpc.begun < 10:
                await asyncio.sleep(0)
                seen.add(server.rpc.begun)
            assert {4, 8, 10} <= seen
            assert len(await client.finish(streams)) == 10
            assert not server.shared.paused

    run(test)


def test_window_is_withheld_from_unannounced_bodies_while_the_budget_is_full():
    async def test():
        settings = ListenerSettings(in_flight_bytes=1 << 20)
        async with serving(settings) as server, connected(server) as client:
            budget = server.shared.budget
            budget.take(1 << 20)
            sent = client.request(request_headers(b"POST", b"/x"), bytes(8 << 20))
            client.flush()
            for _ in range(5):
                await client.call(request_headers(b"GET", b"/x"))
            assert client.h2.queued_body_size(sent) > 0
            kept = 4096  # the stream itself, which is counted when it has been there for a while
            assert budget.used <= (1 << 20) + STREAM_WINDOW + kept
            budget.limit = 1 << 30
            budget.give(1 << 20)
            assert (await client.finish([sent]))[0].body == b"POST /x 8388608"
            assert budget.used == 0

    run(test)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param([(b"x-long", b"x" * 2000)], id="too long"),
        pytest.param([(b"x-%d" % n, b"1") for n in range(21)], id="too many"),
    ],
)
def test_too_many_headers_are_answered_and_the_connection_goes_on(extra):
    async def test():
        settings = ListenerSettings(header_bytes=1500, header_count=20)
        async with serving(settings) as server, connected(server) as client:
            assert (await client.call(call_headers(*extra), framed(b"x"))).status == 8
            answer = await client.call(request_headers(b"GET", b"/v2", *extra))
            assert answer.headers[0] == (b":status", b"431")
            assert (await client.call(call_headers(), framed(b"on"))).message == b"on"

    run(test)


def test_far_too_many_headers_close_the_connection_and_no_other():
    async def test():
        settings = ListenerSettings(header_bytes=1500)
        async with (
            serving(settings) as server,
            connected(server) as client,
            connected(server) as other,
        ):
            client.request(call_headers((b"x-long", b"x" * 3000)), framed(b"x"))
            client.flush()
            while not client.is_over:
                await client.read()
            assert (await other.call(call_headers(), framed(b"on"))).message == b"on"

    run(test)


@pytest.mark.parametrize(
    ("nbytes", "status", "goaway"),
    [(65_536, b"431", None), (65_537, b"", 9)],
    ids=["431", "goaway"],
)
def test_a_header_line_that_the_library_does_not_read_ends_the_connection(nbytes, status, goaway):
    async def test():
        async with serving() as server, connected(server) as client:
            client.h2 = ngh2.Connection(
                ngh2.Role.CLIENT, ngh2.Configuration(max_send_header_block_length=1 << 20)
            )
            client.h2.initiate_connection({})
            line = (b"x", b"&" * nbytes)  # which Huffman's code makes no shorter
            answer = await client.call(request_headers(b"GET", b"/", line))
            assert dict(answer.headers).get(b":status", b"") == status
            if goaway:
                while not client.is_over:
                    await client.read()
            told = [other for other in client.others if type(other) is ngh2.GoAwayReceived]
            assert [(each.error_code, each.debug_data) for each in told] == (
                [(goaway, b"")] if goaway else []
            )
            assert server.shared.counters.bad_requests == 1

    run(test)


def test_trailers_of_a_request_end_it():
    async def test():
        async with serving() as server, connected(server) as client:
            stream = client.request(call_headers(), framed(b"x"), end=False)
            client.h2.send_trailers(stream, [(b"x-sum", b"1")])
            assert (await client.finish([stream]))[0].message == b"x"

    run(test)


def test_a_reset_that_waits_behind_other_requests_harms_none_of_them():
    async def test():
        settings = ListenerSettings(requests_per_turn=4)
        async with serving(settings) as server, connected(server) as client:
            gone = client.request(call_headers(path=b"/large/5000000"), framed(b"x"))
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            streams = [client.request(call_headers(), framed(b"%d" % n)) for n in range(8)]
            packet = client.h2.data_to_send()
            client.h2.reset_stream(gone)
            client.writer.write(packet + client.h2.data_to_send())
            answers = await client.finish(streams)
            assert [a.message for a in answers] == [b"%d" % n for n in range(8)]
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


ANNOUNCED = {
    "call": (call_headers(), framed(bytes(100_000))),
    "request": (request_headers(b"POST", b"/p", (b"content-length", b"100005")), bytes(100_005)),
}


@pytest.mark.parametrize(("headers", "body"), ANNOUNCED.values(), ids=ANNOUNCED)
def test_a_body_that_is_announced_and_does_not_come_keeps_nobody_out(headers, body):
    async def test():
        settings = ListenerSettings(in_flight_bytes=110_000)
        async with serving(settings) as server, connected(server) as client:
            begun = [client.request(headers, body[:1000], end=False) for _ in range(5)]
            client.flush()
            await server.until(lambda: server.shared.budget.used == 5000)
            assert (await client.call(headers, body)).reset is None
            for stream in begun:
                client.h2.reset_stream(stream)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


@pytest.mark.parametrize(("headers", "body"), ANNOUNCED.values(), ids=ANNOUNCED)
def test_a_body_that_has_begun_goes_on_until_a_quarter_beyond_the_budget(headers, body):
    async def test():
        settings = ListenerSettings(in_flight_bytes=200_000)
        async with serving(settings) as server, connected(server) as client:
            budget = server.shared.budget
            stream = client.request(headers, body[:50], end=False)
            client.flush()
            await server.until(lambda: budget.used == 50)
            (connection,) = server.shared.connections
            budget.take(249_000)
            client.h2.send_data(stream, body[50:900])
            client.flush()
            await server.until(lambda: budget.used == 249_900)
            assert not connection._withheld.holds(stream)
            client.h2.send_data(stream, body[900:2000])
            client.flush()
            await server.until(lambda: budget.used == 251_000)
            assert connection._withheld.holds(stream)
            budget.give(249_000)
            assert not connection._withheld.holds(stream)
            client.h2.send_data(stream, body[2000:], end_stream=True)
            (answer,) = await client.finish([stream])
            assert answer.reset is None
            assert budget.used == 0

    run(test)


def test_a_body_beyond_the_budget_goes_on_if_it_is_alone():
    async def test():
        settings = ListenerSettings(in_flight_bytes=10_000)
        async with serving(settings) as server, connected(server) as client:
            answer = await client.call(call_headers(), framed(bytes(8 << 20)))
            assert len(answer.message) == 8 << 20

    run(test)


@pytest.mark.parametrize("path", [METHOD, b"/wait"], ids=["incomplete", "waiting"])
def test_large_heads_are_counted_as_long_as_their_streams_stay(path):
    async def test():
        async with serving() as server, connected(server) as client:
            budget = server.shared.budget
            headers = call_headers((b"x-large", b"x" * 8000), path=path)
            streams = [client.request(headers, framed(b""), end=path == b"/wait") for _ in "12"]
            client.flush()
            await server.until(lambda: server.shared.connections)
            (connection,) = server.shared.connections
            await server.until(lambda: len(connection._streams) == 2)
            assert 20_000 < budget.used < 30_000
            client.h2.reset_stream(streams.pop())
            client.flush()
            await server.until(lambda: 10_000 < budget.used < 15_000)
            if path == b"/wait":
                server.rpc.go.set()
            else:
                client.h2.end_stream(streams[0])
            (answer,) = await client.finish(streams)
            assert answer.status == 0
            await server.until(lambda: budget.used == 0)

    run(test)


def test_a_turn_of_the_loop_takes_at_most_its_share_of_large_heads():
    async def test():
        async with serving() as server, connected(server) as client:
            for n in range(100):
                kept = (b"x-large", b"x" * 2500)  # in HPACK's table
                client.request(call_headers(kept, kept, (b"n", b"%d" % n)), end=False)
            client.flush()
            await server.until(lambda: server.shared.connections)
            (connection,) = server.shared.connections
            opened = [0]
            while opened[-1] < 100:
                await asyncio.sleep(0)
                opened.append(len(connection._streams))
            assert max(after - before for before, after in pairwise(opened)) <= 32

    run(test)


def test_small_heads_are_counted_once_their_streams_have_stayed():
    async def test():
        async with serving() as server, connected(server) as client:
            budget = server.shared.budget
            for _ in range(100):
                client.request(call_headers(), end=False)
            client.flush()
            (connection,) = server.shared.connections
            await server.until(lambda: len(connection._streams) == 100)
            connection.visit(asyncio.get_running_loop().time())
            connection.visit(asyncio.get_running_loop().time())
            assert 200_000 < budget.used < 300_000

    run(test)


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (call_headers(), (b"grpc-status", b"8")),
        (request_headers(b"GET", b"/"), (b":status", b"503")),
    ],
    ids=["call", "request"],
)
def test_a_large_head_finds_no_room_in_a_full_budget(headers, refused):
    async def test():
        settings = ListenerSettings(in_flight_bytes=1000)
        async with serving(settings) as server, connected(server) as client:
            server.shared.budget.take(1000)
            large = await client.call([*headers, (b"x-large", b"x" * 5000)])
            small = await client.call(headers)
            assert refused in large.headers
            assert refused not in small.headers
            assert server.shared.counters.overloaded == 1
            server.shared.budget.give(1000)

    run(test)


def test_many_events_are_shared_out_over_turns():
    async def test():
        async with serving() as server, connected(server) as client:
            stream = client.request(call_headers(), framed(bytes(3000))[:5], end=False)
            for byte in range(3000):
                client.h2.send_data(stream, b"\0", end_stream=byte == 2999)
            turns, is_over = [], False
            shared, loop = server.shared, asyncio.get_running_loop()

            def count():
                turns.append(shared.budget.used)
                if not is_over:
                    loop.call_soon(count)

            loop.call_soon(count)
            (answer,) = await client.finish([stream])
            is_over = True
            assert len(answer.message) == 3000
            steps = [after - before for before, after in pairwise(turns)]
            assert max(steps) <= EVENTS_PER_TURN + 5
            assert shared.paused == {}

    run(test)


@pytest.mark.parametrize(
    "blocks",
    [
        [[(b"x-request-id", b"r1")], [(b"x-request-id", b"r2")], [(b"x-request-id", b"r3")]],
        [[(b"x-request-id", b"r1")], [(b"x-request-id", b"longer")], [(b"x-request-id", b"r3")]],
        [[(b"x-request-id", b"r1"), (b"a", b"1")], [(b"x-request-id", b"r2"), (b"a", b"1")]],
        [[(b"a", b"1"), (b"x-request-id", b"r1")], [(b"a", b"2"), (b"x-request-id", b"r1")]],
        [[(b"a", b"1"), (b"x-request-id", b"r1")], [(b"x-request-id", b"r1")]],
        [[(b"x-request-id", b"r1")], [(b"x-request-xx", b"r1")], []],
        [[(b"x-request-id", b"a"), (b"x-request-id", b"b")]] * 2
        + [[(b"x-request-id", b"a"), (b"x-request-id", b"c")]],
    ],
    ids=["other ids", "longer", "not last", "more", "fewer", "another name", "two ids"],
)
def test_requests_alike_but_for_their_ids_keep_them(blocks):
    async def test():
        async with serving() as server, connected(server) as client:
            rest = [client.request(request_headers(b"POST", b"/p", *each)) for each in blocks]
            calls = [client.request(call_headers(*each), framed(b"x")) for each in blocks]
            await client.finish([*rest, *calls])
            wanted = []
            for each in blocks:
                joined: dict[bytes, bytes] = {}
                for name, value in each:
                    joined[name] = joined[name] + b"," + value if name in joined else value
                wanted.append(joined)
            asked = [request.headers for request in server.http.seen]
            names = (b"x-request-id", b"x-request-xx", b"a")
            for seen in (asked, server.rpc.seen):
                kept = [{name: one[name] for name in names if name in one} for one in seen]
                assert kept == wanted

    run(test)


def test_an_id_that_makes_a_head_too_large_is_refused_after_a_short_one():
    async def test():
        async with (
            serving(ListenerSettings(header_bytes=4096)) as server,
            connected(server) as client,
        ):
            blocks = [
                request_headers(b"POST", b"/p", (b"x-request-id", b"r" * size))
                for size in (2, 5000)
            ]
            rest = [client.request(block) for block in blocks]
            answers = await client.finish(rest)
            assert [dict(answer.headers)[b":status"] for answer in answers] == [b"200", b"431"]

    run(test)


def test_streaming_calls_alike_but_for_their_ids_keep_them():
    class NotServed(EchoRpc):
        def conversation(self, path):
            return not_served(path)

    async def test():
        async with serving(rpc=NotServed()) as server, connected(server) as client:
            ids = [b"r1", b"r2"]
            heads = [call_headers((b"x-request-id", each)) for each in ids]
            calls = [client.request(head, framed(b"x")) for head in heads]
            answers = await client.finish(calls)
            found = [dict([*answer.headers, *answer.trailers]) for answer in answers]
            assert [one[b"x-request-id"] for one in found] == ids

    run(test)
