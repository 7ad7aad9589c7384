"""The services that gRPC itself defines, on the data port: health and reflection.

Few processes are ever asked for them, so what answers is imported with the first question.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Final

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.conversations import Conversation, only
from seldon_core.transport.handler import ServerState

REFLECTIONS: Final = (
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",  # the same; which of them a client asks, varies
)

_HEALTH: Final = "grpc.health.v1.Health"
_INFERENCE: Final = "inference.GRPCInferenceService"

_Answers = AsyncGenerator[Sequence[Buffer], None]


def reflection_talks(names: Sequence[str]) -> dict[bytes, Conversation]:
    """Return reflection's calls, by path. Beside itself it lists the services called `names`."""
    listed = sorted([*names, *REFLECTIONS])

    async def reflect(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> _Answers:
        from seldon_core.transport.reflection import answer  # half a mebibyte

        async for message in messages:
            yield [answer(listed, message)]

    return {f"/{name}/ServerReflectionInfo".encode(): reflect for name in REFLECTIONS}


def data_port_talks(
    server: ServerState, is_draining: Callable[[], bool]
) -> dict[bytes, Conversation]:
    """Return the calls of the standard services of the data port, by path.

    Those who watch its health are not kept when it drains, which `is_draining` says.
    """

    async def check(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> _Answers:
        from seldon_core.transport.data_health import health_of

        yield [health_of(server, await only(messages))]

    async def watch(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> _Answers:
        from seldon_core.transport.data_health import changes_of

        async for change in changes_of(server, await only(messages), is_draining):
            yield [change]

    return {
        f"/{_HEALTH}/Check".encode(): check,
        f"/{_HEALTH}/Watch".encode(): watch,
        **reflection_talks([_INFERENCE, _HEALTH]),
    }
