import asyncio
from contextlib import aclosing

import pytest
from grpc_health.v1 import health_pb2

from seldon_core.protocol import status
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.data_health import changes_of, health_of

STATUS = health_pb2.HealthCheckResponse


class Server:
    is_ready = True

    def ready(self):
        return self.is_ready


def asked(service):
    return health_pb2.HealthCheckRequest(service=service).SerializeToString()


def code(answer):
    return STATUS.FromString(answer).status


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService"])
@pytest.mark.parametrize("is_ready", [True, False], ids=["ready", "not ready"])
def test_what_is_served_is_as_ready_as_the_server(service, is_ready):
    server = Server()
    server.is_ready = is_ready
    wanted = STATUS.SERVING if is_ready else STATUS.NOT_SERVING
    assert code(health_of(server, asked(service))) == wanted


def test_a_check_of_what_is_not_known_here_is_refused():
    with pytest.raises(CallStatusError, match="no service 'other") as error:
        health_of(Server(), asked("other.Other"))
    assert error.value.code == status.NOT_FOUND


def test_a_message_that_is_no_question_is_refused():
    with pytest.raises(CallStatusError, match=r"no grpc\.health\.v1\.HealthCheckRequest") as error:
        health_of(Server(), b"\xff")
    assert error.value.code == status.INVALID_ARGUMENT


def test_who_watches_hears_of_each_change_and_of_the_end():
    async def main():
        server, is_draining = Server(), False
        async with aclosing(changes_of(server, asked(""), lambda: is_draining, 0)) as changes:
            assert code(await anext(changes)) == STATUS.SERVING
            server.is_ready = False
            assert code(await anext(changes)) == STATUS.NOT_SERVING
            is_draining = True
            assert [change async for change in changes] == []

    asyncio.run(main())


def test_who_watches_what_is_not_known_waits_for_it():
    async def main():
        changes = changes_of(Server(), asked("other.Other"), lambda: False, 0)
        async with aclosing(changes):
            assert code(await anext(changes)) == STATUS.SERVICE_UNKNOWN
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(changes)

    asyncio.run(main())
