"""The door to the extensions' gRPC calls, which are in `rpc_extension_calls.py`.

The descriptors of their messages are 0.25 MiB and 1.5 ms, which a process is spared that nobody
asks for them.
"""

from typing import Final

from seldon_core.protocol.dialects import Verb
from seldon_core.transport.handler import DataServices
from seldon_core.transport.rpc_call import RpcCall, RpcMethod

VERBS: Final = (
    Verb.MODEL_CONFIG,
    Verb.STATISTICS,
    Verb.REPOSITORY_INDEX,
    Verb.REPOSITORY_LOAD,
    Verb.REPOSITORY_UNLOAD,
    Verb.TRACE_SETTING,
    Verb.LOG_SETTINGS,
)
"""The calls that are answered here."""


def extension_methods(services: DataServices) -> dict[Verb, RpcMethod]:
    """Return what answers the gRPC calls of the extensions."""

    async def answer(call: RpcCall) -> bytes:
        from seldon_core.transport.rpc_extension_calls import ANSWERS

        return await ANSWERS[call.verb](services, call)

    return dict.fromkeys(VERBS, answer)
