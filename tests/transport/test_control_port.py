import asyncio
import logging
import socket
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import repeat

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.wrappers_pb2 import BytesValue, StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from seldon_core.errors import (
    ConfigError,
    DeadlineError,
    InvalidRequestError,
    InvalidResourceError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    StoreError,
    UnsupportedError,
)
from seldon_core.proto import health_pb2 as seldon_health_pb2
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.control_services import (
    ControlService,
    GatherMethod,
    StreamMethod,
    UnaryMethod,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
CODE = grpc.StatusCode


class Served:
    """An open port and a channel to it."""

    def __init__(self, port, channel):
        self.port = port
        self.channel = channel

    def unary(self, method, request=b""):
        return self.channel.unary_unary(f"/test.Test/{method}")(request, timeout=5)

    def stream(self, method, request=b""):
        return self.channel.unary_stream(f"/test.Test/{method}")(request, timeout=5)


@asynccontextmanager
async def a_port(*methods, **options):
    services = [ControlService("test.Test", methods)]
    async with (
        AsyncExitStack() as client,  # ends after the port, so that it sees its end
        open_control_port("scheduler.port", 0, services, **options) as port,
    ):
        # So that it takes in no more than is read from it.
        options = [("grpc.http2.bdp_probe", 0)]
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)
        client.push_async_callback(channel.close, 0.5)  # seconds in which its calls may end
        yield Served(port, channel)


def run(test):
    async def limited():
        async with asyncio.timeout(15):
            return await test

    return asyncio.run(limited())


async def code_of(call):
    """How a call ends: its code and what it says."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), refused.value.details()


def answering(text):
    async def handler(request, peer):
        return StringValue(value=text.format(request=request.value, peer=peer))

    return UnaryMethod("Call", StringValue, handler)


def raising(error):
    async def handler(request, peer):
        raise error

    return UnaryMethod("Call", StringValue, handler)


def yielding(*values, error=None):
    async def handler(request, peer):
        for value in values:
            yield StringValue(value=value)
        if error is not None:
            raise error

    return StreamMethod("Follow", StringValue, handler)


async def read_all(call):
    return [StringValue.FromString(message).value async for message in call]


def test_a_call_is_answered_and_knows_who_calls():
    async def test():
        async with a_port(answering("{request} from {peer}")) as served:
            request = StringValue(value="hello").SerializeToString()
            return await served.unary("Call", request)

    answer = StringValue.FromString(run(test())).value
    assert answer.startswith("hello from 127.0.0.1:")


def test_a_stream_is_sent_to_its_end():
    async def test():
        async with a_port(yielding("a", "b", "c")) as served:
            return await read_all(served.stream("Follow"))

    assert run(test()) == ["a", "b", "c"]


REFUSALS = [
    (InvalidResourceError("meta.name", "is empty"), CODE.FAILED_PRECONDITION, "meta.name: is em"),
    (NotFoundError("model", "iris"), CODE.FAILED_PRECONDITION, "model 'iris' not found"),
    (NotReadyError("it is being deleted"), CODE.FAILED_PRECONDITION, "it is being deleted"),
    (OverloadedError("100 wait"), CODE.RESOURCE_EXHAUSTED, "100 wait"),
    (StoreError("the disk is full"), CODE.UNAVAILABLE, "the disk is full"),
    (UnsupportedError("not yet"), CODE.UNIMPLEMENTED, "not yet"),
    (InvalidRequestError("what?"), CODE.INVALID_ARGUMENT, "what?"),
    (DeadlineError("too late"), CODE.DEADLINE_EXCEEDED, "too late"),
    (ModelRuntimeError("it broke"), CODE.INTERNAL, "it broke"),
]


@pytest.mark.parametrize(
    ("error", "code", "text"), REFUSALS, ids=[type(each[0]).__name__ for each in REFUSALS]
)
def test_an_error_of_ours_is_answered_with_its_text(error, code, text):
    async def test():
        async with a_port(raising(error), yielding("a", error=error)) as served:
            unary = await code_of(served.unary("Call"))
            stream = served.stream("Follow")
            assert StringValue.FromString(await stream.read()).value == "a"
            return unary, await code_of(stream.read())

    unary, stream = run(test())
    assert unary == stream
    assert unary[0] is code
    assert unary[1].startswith(text)


def test_a_long_text_is_cut_and_an_odd_one_does_no_harm():
    async def test():
        async with a_port(raising(StoreError("é" * 5_000 + "\udc80"))) as served:
            return await code_of(served.unary("Call"))

    assert run(test()) == (CODE.UNAVAILABLE, "é" * 170)  # a kibibyte as it is sent


@pytest.mark.parametrize("error", [KeyError("secret"), TimeoutError("secret")], ids=["", "timeout"])
def test_a_bug_is_logged_and_not_told(error, caplog):
    async def test():
        async with a_port(raising(error), yielding(error=error)) as served:
            unary = await code_of(served.unary("Call"))
            return unary, await code_of(served.stream("Follow").read())

    assert run(test()) == ((CODE.INTERNAL, "internal error"),) * 2
    unary, stream = caplog.records
    assert "call failed method=test.Test/Call peer=127.0.0.1:" in unary.getMessage()
    assert "call failed method=test.Test/Follow peer=127.0.0.1:" in stream.getMessage()
    assert "secret" in str(unary.exc_info[1])


def test_a_request_that_nobody_answers_any_more_is_told_so():
    async def abandoned(request, peer):
        answer = asyncio.get_running_loop().create_future()
        answer.cancel()
        return await answer

    async def test():
        async with a_port(UnaryMethod("Call", StringValue, abandoned)) as served:
            return await code_of(served.unary("Call"))

    assert run(test()) == (CODE.UNAVAILABLE, "the process is stopping")


class Watched:
    """A method that never answers again, and what becomes of its handler."""

    def __init__(self, first=()):
        self.first = first
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def call(self, request, peer):
        await self._wait()
        return StringValue()

    async def follow(self, request, peer):
        for value in self.first:
            yield BytesValue(value=value)
        await self._wait()

    async def _wait(self):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


def test_a_caller_that_leaves_ends_its_handler_and_no_task_stays():
    async def test():
        watched = Watched(first=[b"a"])
        call = UnaryMethod("Call", StringValue, watched.call)
        follow = StreamMethod("Follow", StringValue, watched.follow)
        async with a_port(call, follow) as served:
            await answer_health(served)
            tasks = len(asyncio.all_tasks())
            for method in (served.unary, served.stream):
                watched.begun.clear(), watched.ended.clear()
                leaving = method("Call" if method == served.unary else "Follow")
                await watched.begun.wait()
                leaving.cancel()
                await watched.ended.wait()
            await answer_health(served)
            return len(asyncio.all_tasks()) - tasks

    assert run(test()) <= 0


async def answer_health(served):
    await health_pb2_grpc.HealthStub(served.channel).Check(
        health_pb2.HealthCheckRequest(), timeout=5
    )


def test_streams_end_well_with_the_port():
    async def test():
        watched = Watched(first=[b"a"])
        opened = a_port(StreamMethod("Follow", StringValue, watched.follow))
        served = await opened.__aenter__()
        stream = served.stream("Follow")
        await stream.read()
        await watched.begun.wait()
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        begun = asyncio.get_running_loop().time()
        end = await stream.read()
        took = asyncio.get_running_loop().time() - begun
        code = await stream.code()
        await closing
        return end, code, watched.ended.is_set(), took

    end, code, has_ended, took = run(test())
    assert end is grpc.aio.EOF
    assert code is CODE.OK
    assert has_ended
    assert took < 0.5  # the grace that other calls have is a second


CHUNK = bytes(100_000)


def test_a_subscriber_that_does_not_read_is_dropped_and_others_are_not(caplog):
    caplog.set_level(logging.WARNING)

    async def test():
        watched = Watched(first=[CHUNK] * 100)
        method = StreamMethod("Follow", StringValue, watched.follow)
        async with a_port(method, answering("yes"), write_timeout_s=0.2) as served:
            slow = served.stream("Follow")
            while not caplog.records:  # it is dropped when its line is written
                await served.unary("Call")
                await asyncio.sleep(0.01)
            # What was on its way still arrives, and then a clean end.
            received = [message async for message in slow]
            quick = served.stream("Follow")
            read = [await quick.read() for _ in range(100)]
            quick.cancel()
            return len(received), await slow.code(), len(read)

    received, code, read = run(test())
    assert received < 100
    assert code is CODE.OK
    assert read == 100
    assert [record.getMessage().partition(" peer=")[0] for record in caplog.records] == [
        "dropped a caller that does not read method=/test.Test/Follow"
    ]


def test_a_subscriber_that_answers_pings_stays():
    async def seldom(request, peer):
        await asyncio.sleep(3)
        yield StringValue(value="late")

    async def test():
        async with a_port(StreamMethod("Follow", StringValue, seldom), ping_s=0.1) as served:
            return await read_all(served.stream("Follow"))

    assert run(test()) == ["late"]


def test_a_service_hears_of_the_end_before_its_calls_do():
    told = []

    async def follow(request, peer):
        try:
            yield StringValue(value="a")
            await asyncio.sleep(60)
        finally:
            told.append("call")

    async def test():
        method = StreamMethod("Follow", StringValue, follow)
        service = ControlService("test.Test", [method], lambda: told.append("service"))
        async with AsyncExitStack() as stack:
            port = await stack.enter_async_context(
                open_control_port("scheduler.port", 0, [service])
            )
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = Served(port, channel).stream("Follow")
                await call.read()
                await stack.aclose()

    run(test())
    assert told == ["service", "call"]


def test_a_message_may_be_as_long_as_any_service_allows():
    async def test():
        services = [
            ControlService("test.Small", [answering("{peer}")], message_bytes=100),
            ControlService("test.Test", [answering("{peer}")], message_bytes=5_000_000),
        ]
        async with (
            open_control_port("scheduler.port", 0, services) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            served = Served(port, channel)
            await served.unary("Call", StringValue(value="x" * 4_900_000).SerializeToString())
            return await code_of(served.unary("Call", b"x" * 5_000_001))

    assert run(test())[0] is CODE.RESOURCE_EXHAUSTED


def test_a_subscriber_to_whom_nothing_is_told_for_long_stays():
    async def seldom(request, peer):
        yield StringValue(value="a")
        await asyncio.sleep(0.15)
        yield StringValue(value="b")

    async def test():
        follow = StreamMethod("Follow", StringValue, seldom)
        async with a_port(follow, write_timeout_s=0.05) as served:
            return await read_all(served.stream("Follow"))

    assert run(test()) == ["a", "b"]


def test_a_subscriber_that_does_not_read_does_not_hold_up_the_end(caplog):
    async def test():
        watched = Watched(first=[CHUNK] * 100)
        opened = a_port(StreamMethod("Follow", StringValue, watched.follow))
        served = await opened.__aenter__()
        slow = served.stream("Follow")
        await slow.read()
        await asyncio.sleep(0.1)  # the client takes in what it has room for, and no more
        begun = asyncio.get_running_loop().time()
        await opened.__aexit__(None, None, None)
        return asyncio.get_running_loop().time() - begun

    assert run(test()) < 3
    assert caplog.records == []


def test_a_stream_that_comes_while_the_port_closes_ends_at_once():
    async def test():
        async def late(request, peer):
            front_ended.set()
            await asyncio.sleep(0.1)
            yield StringValue(value="late")

        front_ended = asyncio.Event()
        opened = a_port(StreamMethod("Follow", StringValue, late))
        served = await opened.__aenter__()
        stream = served.stream("Follow")
        await front_ended.wait()
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        end = await stream.read()
        await closing
        return end

    assert run(test()) is grpc.aio.EOF


@asynccontextmanager
async def a_line_to(port):
    """A port that leads to another, and what cuts every connection through it."""
    ends = []

    async def lead(reader, writer):
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        ends.extend((writer, onward_writer))
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, onward_writer))
            group.create_task(pump(onward_reader, writer))

    async def pump(reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    def cut():
        for end in ends:
            end.transport.abort()

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], cut


@pytest.mark.parametrize("write_timeout_s", [30, 0.1], ids=["while told", "once dropped"])
def test_a_subscriber_whose_line_is_cut_is_let_go_without_a_word(write_timeout_s, caplog):
    async def test():
        watched = Watched(first=repeat(CHUNK))  # so many fit into no buffers on the way
        method = StreamMethod("Follow", StringValue, watched.follow)
        async with (
            a_port(method, write_timeout_s=write_timeout_s) as served,
            a_line_to(served.port) as (port, cut),
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            await answer_health(served)
            tasks = len(asyncio.all_tasks())
            stream = channel.unary_stream("/test.Test/Follow")(b"")
            await stream.read()
            while write_timeout_s < 1 and not caplog.records:
                await asyncio.sleep(0.01)
            cut()
            while len(asyncio.all_tasks()) > tasks:
                await asyncio.sleep(0.01)
            stream.cancel()

    run(test())
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("request_", [b"\xff", b"\x0a\x01\xff"], ids=["no message", "no text"])
def test_what_cannot_be_read_is_the_callers_fault(request_, caplog):
    async def test():
        async with a_port(answering("yes"), yielding("a")) as served:
            unary = await code_of(served.unary("Call", request_))
            return unary, await code_of(served.stream("Follow", request_).read())

    refusal = CODE.INVALID_ARGUMENT, "the request is no google.protobuf.StringValue"
    assert run(test()) == (refusal, refusal)
    assert caplog.records == []


def test_what_the_health_service_cannot_read_writes_nothing(caplog):
    async def test():
        async with a_port() as served:
            call = served.channel.unary_unary("/grpc.health.v1.Health/Check")
            return await code_of(call(b"\xff", timeout=5))

    refusal = CODE.INVALID_ARGUMENT, "the request is no grpc.health.v1.HealthCheckRequest"
    assert run(test()) == refusal
    assert caplog.records == []


def test_a_message_over_the_limit_is_refused():
    async def test():
        async with a_port(answering("no")) as served:
            request = StringValue(value="a" * 5_000_000).SerializeToString()
            return await code_of(served.unary("Call", request))

    assert run(test())[0] is CODE.RESOURCE_EXHAUSTED


def test_thousands_who_call_at_once_are_all_answered():
    begun = []

    async def wait_for_all(request, peer):
        begun.append(peer)
        while len(begun) < 4_000:
            await asyncio.sleep(0.01)
        return StringValue(value="yes")

    async def test():
        async with a_port(UnaryMethod("Call", StringValue, wait_for_all)) as served:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(answered(served)) for _ in range(4_000)]
            return {call.result() for call in calls}

    async def answered(served):
        return await served.channel.unary_unary("/test.Test/Call")(b"", timeout=15)

    assert run(test()) == {StringValue(value="yes").SerializeToString()}


def test_an_open_port_says_that_it_serves():
    async def test():
        async with a_port() as served:
            stub = health_pb2_grpc.HealthStub(served.channel)
            names = ("", "test.Test", "seldon.mlops.health.HealthCheckService")
            return [
                (await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)).status
                for name in names
            ]

    assert run(test()) == [SERVING] * 3


def test_seldons_own_health_service_answers():
    async def test():
        async with a_port() as served:
            call = served.channel.unary_unary("/seldon.mlops.health.HealthCheckService/HealthCheck")
            return seldon_health_pb2.HealthCheckResponse.FromString(await call(b"", timeout=5))

    assert run(test()).ok


def test_whoever_watches_hears_of_the_end():
    async def test():
        opened = open_control_port("scheduler.port", 0)
        port = await opened.__aenter__()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(), timeout=5
            )
            states = [(await watch.read()).status]
            closing = asyncio.create_task(opened.__aexit__(None, None, None))
            states.append((await watch.read()).status)
            await closing
        return states

    assert run(test()) == [SERVING, NOT_SERVING]


async def reflect(channel, **question):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(**question)
    (answer,) = [each async for each in stub.ServerReflectionInfo(iter([request]), timeout=5)]
    return answer


def test_reflection_lists_what_is_served_and_describes_it():
    async def test():
        async with a_port() as served:
            listed = await reflect(served.channel, list_services="")
            name = "seldon.mlops.health.HealthCheckService"
            return listed, await reflect(served.channel, file_containing_symbol=name)

    listed, described = run(test())
    assert [service.name for service in listed.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "seldon.mlops.health.HealthCheckService",
        "test.Test",
    ]
    (file,) = described.file_descriptor_response.file_descriptor_proto
    assert FileDescriptorProto.FromString(file).package == "seldon.mlops.health"


def test_reflection_costs_nothing_before_somebody_asks():
    program = (
        "import asyncio, sys\n"
        "from seldon_core.transport.control_port import open_control_port\n"
        "async def main():\n"
        "    async with open_control_port('scheduler.port', 0):\n"
        "        assert not [name for name in sys.modules if 'grpc_reflection' in name]\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
def test_what_is_not_served_is_unimplemented(kind):
    async def test():
        async with a_port() as served:
            call = getattr(served.channel, kind)("/seldon.mlops.scheduler.Scheduler/LoadPipeline")
            call = call(b"", timeout=5) if kind.startswith("unary") else call(timeout=5)
            answer = call.read() if kind.endswith("stream") else call
            return await code_of(answer)

    assert run(test()) == (
        CODE.UNIMPLEMENTED,
        "/seldon.mlops.scheduler.Scheduler/LoadPipeline is not served here",
    )


def test_plain_http_is_told_what_the_port_is():
    async def test():
        async with a_port() as served:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    answer = run(test())
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"this port answers gRPC calls only" in answer


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_both_versions_of_reflection_answer_one_question_after_the_other(version):
    async def test():
        async with a_port() as served:
            name = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            call = served.channel.stream_stream(name)(timeout=5)
            question = reflection_pb2.ServerReflectionRequest(list_services="")
            answers = []
            for _ in range(3):
                await call.write(question.SerializeToString())
                answers.append(await call.read())
            await call.done_writing()
            return answers, await call.read(), await call.code()

    answers, end, code = run(test())
    listed = [reflection_pb2.ServerReflectionResponse.FromString(each) for each in answers]
    assert [len(each.list_services_response.service) for each in listed] == [5] * 3
    assert (end, code) == (grpc.aio.EOF, CODE.OK)


def test_a_taken_port_is_named_and_nothing_else_said(capfd):
    async def test(port):
        async with open_control_port("scheduler.port", port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^scheduler.port: .* port {port}: it is in use"):
            run(test(port))
    assert capfd.readouterr().err == ""


def test_two_of_our_own_do_not_share_a_port():
    async def test():
        async with open_control_port("scheduler.port", 0) as port:
            with pytest.raises(ConfigError, match=r"agent\.port"):
                async with open_control_port("agent.port", port):
                    pass

    run(test())


def gathering(taken):
    async def handler(requests, peer):
        async for request in requests:
            taken.append(request.value)
        return StringValue(value=f"{len(taken)} from {peer.partition(':')[0]}")

    return GatherMethod("Gather", StringValue, handler)


def test_any_number_of_requests_are_taken_as_they_come_and_have_one_answer():
    async def test():
        taken = []
        async with a_port(gathering(taken)) as served:
            call = served.channel.stream_unary("/test.Test/Gather")(timeout=5)
            await call.write(StringValue(value="a").SerializeToString())
            while not taken:
                await asyncio.sleep(0.001)
            await call.write(StringValue(value="b").SerializeToString())
            await call.done_writing()
            assert StringValue.FromString(await call).value == "2 from 127.0.0.1"
            assert taken == ["a", "b"]

    run(test())


def test_a_request_among_others_that_cannot_be_read_ends_the_call():
    async def test():
        taken = []
        async with a_port(gathering(taken)) as served:
            call = served.channel.stream_unary("/test.Test/Gather")(timeout=5)
            await call.write(b"\xff")
            code, text = await code_of(call)
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert "is no google.protobuf.StringValue" in text
            assert taken == []

    run(test())
