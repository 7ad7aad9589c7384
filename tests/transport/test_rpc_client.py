"""The control plane's gRPC client, against gRPC's own server and against peers that misbehave."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import grpc
import ngh2
import pytest
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue, StringValue

from seldon_core.errors import DeadlineError, RelayedError, UnreachableError, UpstreamError
from seldon_core.transport.rpc_client import Answers, Http2RpcClient, open_rpc_client
from tests.support.hop import free_port

MIB = 1024 * 1024


class Peer:
    """What a server of gRPC's own does, by the name of the method."""

    def __init__(self):
        self.left = asyncio.Event()

    async def echo(self, request, context):
        return request

    async def join(self, requests, context):
        return StringValue(value="+".join([request.value async for request in requests]))

    async def refuse(self, request, context):
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: ü\n")

    async def sleep(self, request, context):
        assert 0 < context.time_remaining() <= 0.3
        await asyncio.sleep(30)

    async def count(self, request, context):
        for number in range(int(request.value)):
            yield StringValue(value=str(number))

    async def much(self, request, context):
        for _ in range(40):
            yield StringValue(value="x" * MIB)

    async def forever(self, request, context):
        try:
            yield StringValue(value="first")
            await asyncio.sleep(30)
        finally:
            self.left.set()

    async def break_off(self, request, context):
        yield StringValue(value="first")
        await context.abort(grpc.StatusCode.UNAVAILABLE, "")


@asynccontextmanager
async def a_peer(port=0):
    peer = Peer()
    server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
    kinds = {
        "echo": 0,
        "refuse": 0,
        "sleep": 0,
        "count": 1,
        "much": 1,
        "forever": 1,
        "break_off": 1,
    }
    make = (grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler)
    handlers = {
        name: make[kind](getattr(peer, name), StringValue.FromString, StringValue.SerializeToString)
        for name, kind in kinds.items()
    }
    handlers["join"] = grpc.stream_unary_rpc_method_handler(
        peer.join, StringValue.FromString, StringValue.SerializeToString
    )
    handlers["raw"] = grpc.unary_unary_rpc_method_handler(peer.echo)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Test", handlers)])
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        async with open_rpc_client("127.0.0.1", port, "the peer") as client:
            yield peer, client
    finally:
        await server.stop(0)


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            return await test()

    return asyncio.run(limited())


def call(client, method, value="", timeout_s=5):
    return client.unary(f"/test.Test/{method}", StringValue(value=value), StringValue, timeout_s)


def stream(client, method, value=""):
    return aclosing(client.stream(f"/test.Test/{method}", StringValue(value=value), StringValue))


def test_a_call_is_answered():
    async def test():
        async with a_peer() as (_, client):
            assert (await call(client, "echo", "hello")).value == "hello"
            large = "x" * (3 * MIB)
            assert (await call(client, "echo", large)).value == large

    run(test)


def test_calls_share_a_connection():
    async def test():
        async with a_peer() as (_, client), asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(call(client, "echo", str(n))) for n in range(50)]
            assert [(await each).value for each in calls] == [str(n) for n in range(50)]

    run(test)


def test_a_refusal_has_its_code_and_its_text():
    async def test():
        async with a_peer() as (_, client):
            with pytest.raises(RelayedError, match="not today: ü") as refused:
                await call(client, "refuse")
            assert refused.value.grpc == grpc.StatusCode.FAILED_PRECONDITION.value[0]

    run(test)


def test_a_call_without_an_answer_ends_at_its_deadline():
    async def test():
        async with a_peer() as (_, client):
            with pytest.raises((DeadlineError, RelayedError)):
                await call(client, "sleep", timeout_s=0.2)

    run(test)


def test_a_stream_yields_its_messages_in_their_order():
    async def test():
        async with a_peer() as (_, client), stream(client, "count", "1000") as answers:
            found = [int(answer.value) async for answer in answers]
            assert found == list(range(1000))

    run(test)


def test_a_stream_that_is_not_taken_is_held_back_and_goes_on():
    async def test():
        async with a_peer() as (_, client), stream(client, "much") as answers:
            sizes = []
            async for answer in answers:
                sizes.append(len(answer.value))
                await asyncio.sleep(0.005)
            assert sizes == [MIB] * 40

    run(test)


def test_who_leaves_a_stream_ends_it():
    async def test():
        async with a_peer() as (peer, client):
            async with stream(client, "forever") as answers:
                assert (await anext(answers)).value == "first"
            await peer.left.wait()

    run(test)


def test_a_stream_may_end_with_an_error_that_says_nothing():
    async def test():
        async with a_peer() as (_, client), stream(client, "break_off") as answers:
            assert (await anext(answers)).value == "first"
            with pytest.raises(
                RelayedError, match=r"the peer at .* ended the call with gRPC code 14"
            ):
                await anext(answers)

    run(test)


def test_an_answer_that_is_something_else_is_no_answer():
    async def test():
        async with a_peer() as (_, client):
            with pytest.raises(UpstreamError, match=r"is no google\.protobuf\.StringValue"):
                await client.unary("/test.Test/raw", BytesValue(value=b"\xff"), StringValue, 5)

    run(test)


def test_a_call_needs_exactly_one_answer():
    async def test():
        async with a_peer() as (_, client):
            with pytest.raises(
                UpstreamError, match=r"the peer at .* sent 2 answers to /test\.Test/count"
            ):
                await call(client, "count", "2")

    run(test)


def test_nobody_there_is_an_error():
    async def test():
        async with open_rpc_client("127.0.0.1", 1, "the peer") as client:
            with pytest.raises(UnreachableError) as caught:
                await call(client, "echo")
            assert str(caught.value) == (
                "the peer at 127.0.0.1:1 cannot be reached: Connection refused"
            )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as a process has it
        runner.run(test())


def test_the_first_call_after_the_other_side_is_back_is_answered():
    async def test():
        port = free_port()
        async with open_rpc_client("127.0.0.1", port, "the peer") as client:
            with pytest.raises(UnreachableError):
                await call(client, "echo")
            async with a_peer(port):
                await asyncio.sleep(0.1)
                assert await call(client, "echo") == StringValue()

    run(test)


def test_a_connection_that_is_lost_ends_the_stream_and_is_made_anew():
    async def test():
        connections = []

        async def cut_off(reader, writer):
            connections.append(writer)
            engine = ngh2.Connection(ngh2.Role.SERVER)
            engine.initiate_connection()
            engine.receive_data(await reader.read(1000))
            writer.write(engine.data_to_send())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(cut_off, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, open_rpc_client("127.0.0.1", port, "the peer") as client:
            for _ in range(2):
                with pytest.raises(UnreachableError, match="the peer"):
                    await call(client, "echo")
            assert len(connections) == 2

    run(test)


def test_a_silent_peer_is_asked_by_pings_once_that_is_allowed():
    class Links:
        """Notes what it is asked."""

        def __init__(self):
            self.asked, self.visits = 0, 0

        def ask_for_life(self):
            self.asked += 1

        def visit(self, now):
            self.visits += 1

        def abort(self):
            pass

    async def test():
        links = Links()
        client = Http2RpcClient(links, "the peer", "h:1", visit_s=0.01)
        client.ask_for_life()
        while links.visits < 3:
            await asyncio.sleep(0.01)
        client.close()
        assert links.asked == 1

    run(test)


class Connection:
    """Notes what is credited."""

    def __init__(self):
        self.credited = 0

    def credit(self, stream_id, nbytes):
        self.credited += nbytes


OK = [(b":status", b"200")]


def prefixed(message, flag=0):
    return bytes([flag]) + len(message).to_bytes(4) + message


def answers_to(*steps):
    """What a call yields, and how it ends, whose other side does `steps`."""

    async def test():
        answers = Answers(asyncio.get_running_loop(), "the peer")
        answers.begin(Connection(), 1)
        answers.on_room()
        for name, *args in steps:
            getattr(answers, name)(*args)
        found = []
        try:
            found.extend([message async for message in answers])
        except UpstreamError as error:
            return found, str(error)
        except RelayedError as error:
            return found, error.grpc
        return found, None

    return run(test)


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ([("on_head", [(b":status", b"404")], True)], "the peer answered HTTP 404 to a gRPC call"),
        ([("on_head", [(b":status", b"\xff")], True)], "the peer answered HTTP ÿ to a gRPC call"),
        ([("on_head", [*OK, (b"grpc-status", b"x")], True)], 2),
        ([("on_head", [*OK, (b"grpc-status", b"5")], True)], 5),
        ([("on_data", b"", True)], "the peer ended a call without a gRPC status"),
        (
            [("on_data", prefixed(b"a", 1), False)],
            f"the peer sent a message that is compressed or has over {64 * MIB} bytes",
        ),
        ([("on_lost", UpstreamError("gone")), ("on_lost", UpstreamError("again"))], "gone"),
        ([("on_trailers", [(b"grpc-status", b"0")])], None),
    ],
    ids=["http", "no-http", "odd", "refused", "bare", "compressed", "lost", "well"],
)
def test_a_call_ends_as_the_peer_says(steps, end):
    assert answers_to(*steps) == ([], end)


def test_messages_come_in_pieces_of_any_size():
    data = prefixed(b"one") + prefixed(b"") + prefixed(b"three")
    pieces = [("on_data", data[at : at + 2], False) for at in range(0, len(data), 2)]
    ended = ("on_trailers", [(b"grpc-status", b"0")])
    assert answers_to(("on_head", OK, False), *pieces, ended) == ([b"one", b"", b"three"], None)


def test_what_nobody_takes_is_credited_late():
    async def test():
        connection = Connection()
        answers = Answers(asyncio.get_running_loop(), "the peer")
        answers.begin(connection, 1)
        large = prefixed(b"x" * 300_000)
        assert not answers.on_data(large, False)
        assert not answers.on_data(prefixed(b"y"), False)
        await anext(answers)
        assert connection.credited == len(large) + 6
        await anext(answers)
        assert connection.credited == len(large) + 6
        assert answers.on_data(prefixed(b"z"), False)

    run(test)


def test_many_requests_have_one_answer():
    async def test():
        async with a_peer() as (_, client):
            requests = [StringValue(value=value) for value in ("a", "b" * 100_000, "c")]
            answer = await client.gather("/test.Test/join", requests, StringValue, 5)
            assert answer.value == f"a+{'b' * 100_000}+c"

    run(test)
