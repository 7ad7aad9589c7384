"""What events about servers lead to: manifests and operators declare them, delete them, scale them.

A server that a manifest on this machine declared is run here: RunServer says how many replicas. Of
one that others run only their number is known, from their notices.
"""

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Decision,
    Drop,
    PublishServer,
    RunServer,
    Save,
)
from seldon_core.scheduler.events import (
    ServerDeclared,
    ServerNotice,
    ServerRestored,
    ServersNotified,
    ServerUnloadRequested,
)
from seldon_core.scheduler.keeping import restored_server, stored_server_of
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.replicas import models_on, needing_room, stop_waiting
from seldon_core.scheduler.slices import place_all
from seldon_core.scheduler.state import (
    UNKNOWN_REPLICAS,
    SchedulerState,
    ServerRecord,
)


def on_restored(state: SchedulerState, event: ServerRestored) -> list[Decision]:
    """Take up a server that was kept; its models wait for the replicas that it had.

    One that was going away has gone.
    """
    server = restored_server(event.stored)
    if server.spec is None and server.expected_replicas == 0:
        return [Drop(Kind.SERVER, server.name)]
    state.servers[server.name] = server
    if event.stored.replicas:
        state.awaited[server.name] = set(event.stored.replicas)
    if server.spec is None:
        return []
    return [RunServer(server.spec, server.expected_replicas)]


def on_declared(state: SchedulerState, event: ServerDeclared) -> list[Decision]:
    """Take in a manifest: a new server, a changed one, or the same again."""
    spec = event.spec
    server = state.servers.get(spec.name)
    if server is not None and server.spec is not None:
        declared = server.spec
        if declared.namespace != spec.namespace:
            error = InvalidResourceError(
                "metadata.namespace",
                f"server {spec.name!r} is already declared in namespace {declared.namespace!r}",
            )
            return [AnswerCaller(event.caller, error)]
        change = Change.UNCHANGED if declared == spec else Change.CONFIGURED
    else:
        change = Change.CREATED
    if server is None:
        server = state.servers[spec.name] = ServerRecord(spec.name)
    is_bounded = bool(spec.min_replicas or spec.max_replicas)
    is_other = server.spec is None or server.spec.replicas != spec.replicas
    if is_other or not is_bounded:
        server.expected_replicas = spec.replicas  # what scaling made of it counts no more
    else:
        at_most = spec.max_replicas or server.expected_replicas
        server.expected_replicas = max(spec.min_replicas, min(server.expected_replicas, at_most))
    server.spec = spec
    server.min_replicas, server.max_replicas = spec.min_replicas, spec.max_replicas
    server.meta = spec.meta
    state.touched_servers[server.name] = None
    return [
        AnswerCaller(event.caller, change=change),
        RunServer(spec, server.expected_replicas),
        *_moved(state, server, event.now),
    ]


def on_unload_requested(state: SchedulerState, event: ServerUnloadRequested) -> list[Decision]:
    """End a declared server: its models go elsewhere if they can, then its replicas end."""
    server = state.servers.get(event.name)
    spec = server.spec if server is not None else None
    namespace = event.meta.namespace if event.meta is not None else ""
    if server is not None and _is_left_over(server):
        runs: list[Decision] = []
    elif server is None or spec is None or namespace not in ("", spec.namespace):
        # One that is there and shown, which nobody here declared: a process brings it along.
        where = "" if server is None or spec is not None else "among those of a manifest"
        return [AnswerCaller(event.caller, NotFoundError("server", event.name, where))]
    else:
        runs = [RunServer(spec, 0)]
    server.spec = None
    is_here = any(record.address is None for record in server.replicas.values())
    server.expected_replicas = UNKNOWN_REPLICAS if is_here else 0  # this process's stays
    server.min_replicas = server.max_replicas = 0
    state.awaited.pop(server.name, None)
    state.touched_servers[server.name] = None
    return [
        AnswerCaller(event.caller, change=Change.DELETED),
        *_moved(state, server, event.now),
        *runs,
    ]


def _is_left_over(server: ServerRecord) -> bool:
    """Whether nobody declared a server, waits for it, or runs a replica of it any more."""
    return (
        server.spec is None and server.expected_replicas == UNKNOWN_REPLICAS and not server.replicas
    )


def on_notified(state: SchedulerState, event: ServersNotified) -> list[Decision]:
    """Take in how many replicas servers are to have that others run; manifests here stand."""
    decisions: list[Decision] = [AnswerCaller(event.caller)]
    for notice in event.notices:
        server = state.servers.get(notice.name)
        if server is not None and server.spec is not None:
            continue
        if server is None:
            server = state.servers[notice.name] = ServerRecord(
                notice.name, is_shared=notice.is_shared
            )
        server.expected_replicas = notice.expected_replicas
        server.min_replicas, server.max_replicas = notice.min_replicas, notice.max_replicas
        server.meta = notice.meta
        state.touched_servers[server.name] = None
        if event.is_first_sync:
            _await(state, server, notice)
        decisions += _moved(state, server, event.now)
    return decisions


def finish(state: SchedulerState) -> tuple[list[Decision], list[Decision]]:
    """Return what is to be kept and told of the servers that the event changed."""
    kept: list[Decision] = []
    told: list[Decision] = []
    for name in state.touched_servers:
        server = state.servers[name]
        stored = stored_server_of(server, state.awaited.get(name, ()))
        if stored != server.saved:
            kept.append(Save(stored) if stored is not None else Drop(Kind.SERVER, name))
            server.saved = stored
        told.append(PublishServer(name))
        if server.spec is None and server.expected_replicas == 0 and not server.replicas:
            del state.servers[name]
    return kept, told


def _await(state: SchedulerState, server: ServerRecord, notice: ServerNotice) -> None:
    """Let the server's models wait for all of its replicas, unless the time for that is over."""
    if state.is_synced and state.patience_until is None:
        return
    state.awaited[server.name] = set(range(notice.expected_replicas))


def _moved(state: SchedulerState, server: ServerRecord, now: float) -> list[Decision]:
    """Place a server's models elsewhere if it is going away, and those that had no place if not."""
    is_waiting_over = stop_waiting(state, server)
    if not state.is_synced:
        return []
    is_going = server.expected_replicas == 0
    here = models_on(state, server.name) if is_going or is_waiting_over else []
    return place_all(state, here if is_going else [*here, *needing_room(state)], now)
