"""What events about server configs lead to: they are kept, and whoever runs servers is told."""

from typing import assert_never

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.server import ServerConfigSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    ConfigureServers,
    Decision,
    Drop,
    Save,
)
from seldon_core.scheduler.events import (
    AboutServerConfigs,
    ServerConfigDeclared,
    ServerConfigRestored,
    ServerConfigUnloadRequested,
)
from seldon_core.scheduler.records import Kind, StoredServerConfig
from seldon_core.scheduler.state import SchedulerState


def decide(state: SchedulerState, event: AboutServerConfigs) -> list[Decision]:
    """Take in what happened; return what to do about it, in order."""
    match event:
        case ServerConfigRestored(stored=stored):
            state.server_configs[stored.name] = stored.spec
            return [ConfigureServers(stored.spec)]
        case ServerConfigDeclared():
            return _on_declared(state, event)
        case ServerConfigUnloadRequested():
            return _on_unload_requested(state, event)
        case _:
            assert_never(event)


def _on_declared(state: SchedulerState, event: ServerConfigDeclared) -> list[Decision]:
    spec = event.spec
    known = state.server_configs.get(spec.name)
    if known == spec:
        return [AnswerCaller(event.caller, change=Change.UNCHANGED)]
    if known is not None and known.namespace != spec.namespace:
        error = InvalidResourceError(
            "metadata.namespace",
            f"server config {spec.name!r} is already declared in namespace {known.namespace!r}",
        )
        return [AnswerCaller(event.caller, error)]
    state.server_configs[spec.name] = spec
    change = Change.CREATED if known is None else Change.CONFIGURED
    return [
        Save(StoredServerConfig(spec.name, spec)),
        AnswerCaller(event.caller, change=change),
        ConfigureServers(spec),
    ]


def _on_unload_requested(
    state: SchedulerState, event: ServerConfigUnloadRequested
) -> list[Decision]:
    if state.server_configs.pop(event.name, None) is None:
        return [AnswerCaller(event.caller, NotFoundError("serverconfig", event.name))]
    return [
        Drop(Kind.SERVER_CONFIG, event.name),
        AnswerCaller(event.caller, change=Change.DELETED),
        ConfigureServers(ServerConfigSpec(event.name)),  # as if nobody had declared it
    ]
