"""The extensions' REST calls: model configuration, statistics, repository, trace, log settings."""

from seldon_core.protocol import extension_json
from seldon_core.protocol.dialects import Verb
from seldon_core.transport.changes import changed_settings, load_model, unload_model
from seldon_core.transport.exchange import HttpAnswer
from seldon_core.transport.handler import DataServices
from seldon_core.transport.locality import Caller
from seldon_core.transport.rest_call import RestCall, RestMethod
from seldon_core.transport.turns import INDEX_A_TURN, STATISTICS_A_TURN, in_turns


def extension_methods(services: DataServices) -> dict[Verb, RestMethod]:
    """Return what answers the REST calls of the extensions."""
    methods = _Extensions(services)
    return {
        Verb.MODEL_CONFIG: methods.config,
        Verb.STATISTICS: methods.statistics,
        Verb.REPOSITORY_INDEX: methods.index,
        Verb.REPOSITORY_LOAD: methods.load,
        Verb.REPOSITORY_UNLOAD: methods.unload,
        Verb.TRACE_SETTING: methods.trace_settings,
        Verb.LOG_SETTINGS: methods.log_settings,
    }


class _Extensions:
    def __init__(self, services: DataServices) -> None:
        self._services = services

    async def config(self, call: RestCall) -> HttpAnswer:
        config = await self._services.handler.config(call.for_handler())
        return call.answer(extension_json.config_body(config))

    async def statistics(self, call: RestCall) -> HttpAnswer:
        models = await self._services.handler.statistics(call.for_handler())
        rows = await in_turns(models, extension_json.statistics_rows, STATISTICS_A_TURN)
        return call.answer(extension_json.statistics_body(rows))

    async def index(self, call: RestCall) -> HttpAnswer:
        only_ready = extension_json.read_only_ready(call.request.body)
        models = await self._services.repository.index(only_ready=only_ready)
        rows = await in_turns(models, extension_json.index_rows, INDEX_A_TURN)
        return call.answer(extension_json.index_body(rows))

    async def load(self, call: RestCall) -> HttpAnswer:
        parameters = extension_json.read_load_parameters(call.request.body)
        await load_model(self._services.repository, call.target.model, parameters, _caller(call))
        return HttpAnswer(200, [call.id_header])

    async def unload(self, call: RestCall) -> HttpAnswer:
        parameters = extension_json.read_load_parameters(call.request.body)
        await unload_model(self._services.repository, call.target.model, parameters, _caller(call))
        return HttpAnswer(200, [call.id_header])

    async def trace_settings(self, call: RestCall) -> HttpAnswer:
        changes = _changes(call)
        settings = changed_settings(
            self._services.traces, changes, _caller(call), call.target.model
        )
        return call.answer(extension_json.trace_settings_body(settings))

    async def log_settings(self, call: RestCall) -> HttpAnswer:
        settings = changed_settings(self._services.logs, _changes(call), _caller(call))
        return call.answer(extension_json.settings_body(settings))


def _caller(call: RestCall) -> Caller:
    return Caller(call.peer, call.request.headers)


def _changes(call: RestCall) -> dict[str, extension_json.Setting | None]:
    is_change = call.request.method == b"POST"
    return extension_json.read_settings(call.request.body) if is_change else {}
