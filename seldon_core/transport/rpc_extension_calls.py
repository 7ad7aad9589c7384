"""The extensions' gRPC calls: model configuration, statistics, repository, trace, log settings.

`rpc_extensions` imports this when the first of them comes.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from seldon_core.protocol import extension_messages as messages
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.oip_grpc import peek_model
from seldon_core.transport.changes import changed_settings, load_model, unload_model
from seldon_core.transport.handler import DataServices
from seldon_core.transport.locality import Caller
from seldon_core.transport.rpc_call import RpcCall
from seldon_core.transport.turns import INDEX_A_TURN, STATISTICS_A_TURN, in_turns

NOTHING: Final = b""
"""The message of an answer that says nothing."""


def _caller(call: RpcCall) -> Caller:
    return Caller(call.peer, call.headers)


async def _config(services: DataServices, call: RpcCall) -> bytes:
    asked = call.for_handler(*peek_model(call.message))
    return messages.config_message(await services.handler.config(asked))


async def _statistics(services: DataServices, call: RpcCall) -> bytes:
    asked = call.for_handler(*peek_model(call.message))
    models = await services.handler.statistics(asked)
    return b"".join(await in_turns(models, messages.statistics_message, STATISTICS_A_TURN))


async def _index(services: DataServices, call: RpcCall) -> bytes:
    only_ready = messages.read_only_ready(call.message)
    models = await services.repository.index(only_ready=only_ready)
    return b"".join(await in_turns(models, messages.index_message, INDEX_A_TURN))


async def _load(services: DataServices, call: RpcCall) -> bytes:
    model, parameters = messages.read_load(call.message)
    await load_model(services.repository, model, parameters, _caller(call))
    return NOTHING


async def _unload(services: DataServices, call: RpcCall) -> bytes:
    model, parameters = messages.read_unload(call.message)
    await unload_model(services.repository, model, parameters, _caller(call))
    return NOTHING


async def _trace_settings(services: DataServices, call: RpcCall) -> bytes:
    model, changes = messages.read_trace_settings(call.message)
    settings = changed_settings(services.traces, changes, _caller(call), model)
    return messages.trace_settings_message(settings)


async def _log_settings(services: DataServices, call: RpcCall) -> bytes:
    changes = messages.read_log_settings(call.message)
    return messages.log_settings_message(changed_settings(services.logs, changes, _caller(call)))


ANSWERS: Final[dict[Verb, Callable[[DataServices, RpcCall], Awaitable[bytes]]]] = {
    Verb.MODEL_CONFIG: _config,
    Verb.STATISTICS: _statistics,
    Verb.REPOSITORY_INDEX: _index,
    Verb.REPOSITORY_LOAD: _load,
    Verb.REPOSITORY_UNLOAD: _unload,
    Verb.TRACE_SETTING: _trace_settings,
    Verb.LOG_SETTINGS: _log_settings,
}
"""What answers each call, with a message."""
