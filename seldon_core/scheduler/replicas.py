"""What events about replicas lead to: they connect with what they hold, are lost, and drain."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Decision,
    PublishReplica,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import ReplicaConnected, ReplicaDrainRequested, ReplicaLost
from seldon_core.scheduler.lifecycle import settle
from seldon_core.scheduler.slices import place_all
from seldon_core.scheduler.state import (
    LIVE,
    PLACED,
    Assignment,
    ModelRecord,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    ServerRecord,
    VersionRecord,
)
from seldon_core.transport.control import HeldModel, ReplicaId

DRAIN_REASON = "trigger to drain"
"""Why a version is Draining, in Seldon's words."""


def on_connected(state: SchedulerState, event: ReplicaConnected) -> list[Decision]:
    """Take in a replica with what it holds, then place what has no place, or not enough of them.

    What it holds and is still wanted serves at once. It may be back before its loss was noticed:
    then what it does not hold any more is lost, and orders under way are given again.
    """
    replica, config, now = event.replica, event.config, event.now
    server = state.servers.setdefault(replica.server, ServerRecord(replica.server))
    before = server.replicas.get(replica)
    concerned = _detach(state, server, replica, now)
    record = server.replicas[replica] = ReplicaRecord(
        replica,
        frozenset(tag.strip() for tag in config.capabilities),
        config.memory_bytes,
        config.over_commit_percentage,
        address=config.address,
    )
    if config.address is not None and not config.address.is_ours:
        record.reported_bytes = config.available_bytes
    server.is_shared = config.is_shared
    state.touched_servers[server.name] = None
    callers = before.drain_callers if before is not None else ()
    decisions: list[Decision] = [AnswerCaller(caller) for caller in callers]
    unloads: list[Decision] = []
    for held in sorted(config.held, key=lambda held: held.version.version):
        unloads += _attach(state, record, held, concerned, now)
    decisions += _forget_routes(state, replica, concerned, now)
    if config.address is not None:
        decisions.append(PublishReplica(replica, config.address))
    if stop_waiting(state, server):
        concerned |= {model.name: model for model in models_on(state, replica.server)}
    return decisions + unloads + _place_anew(state, concerned.values(), now)


def on_lost(state: SchedulerState, event: ReplicaLost) -> list[Decision]:
    """Do without a replica, and place what it held elsewhere."""
    server = state.servers.get(event.replica.server)
    record = server.replicas.get(event.replica) if server is not None else None
    if server is None or record is None:
        return []
    concerned = _detach(state, server, event.replica, event.now)
    state.touched_servers[server.name] = None
    decisions: list[Decision] = [AnswerCaller(caller) for caller in record.drain_callers]
    if record.address is not None:  # routers do without it before the routes change, one by one
        decisions.append(PublishReplica(event.replica, None))
    return decisions + _place_anew(state, concerned.values(), event.now)


def on_drain_requested(state: SchedulerState, event: ReplicaDrainRequested) -> list[Decision]:
    """Place nothing more on a replica, and what is there elsewhere."""
    record = state.replica(event.replica)
    if record is None:
        return [AnswerCaller(event.caller)]
    record.drain_callers.append(event.caller)
    if record.is_draining:
        return []
    record.is_draining = True
    state.draining[event.replica] = record
    state.touched_servers[event.replica.server] = None
    concerned = list(_with(state, event.replica))
    for model in concerned:
        record.leaving[model.name] = None
        for version in model.versions.values():
            _drain(version, event.replica, event.now)
    return _place_anew(state, concerned, event.now)


def drained(state: SchedulerState) -> list[Decision]:
    """Return the answers to those who drain replicas from which every model has gone by now."""
    decisions: list[Decision] = []
    for replica, record in state.draining.items():
        for name in [name for name in state.touched if name in record.leaving]:
            if _has_left(state, name, replica):
                del record.leaving[name]
        if not record.leaving:
            decisions += [AnswerCaller(caller) for caller in record.drain_callers]
            record.drain_callers.clear()
    return decisions


def needing_room(state: SchedulerState) -> Iterator[ModelRecord]:
    """Yield the models that failed or lack replicas; there may be room for them now."""
    return (state.models[name] for name in list(state.lacking))


def models_on(state: SchedulerState, server: str) -> list[ModelRecord]:
    """Return the models that have a version on a server that is to stand."""
    return [
        model
        for model in state.models.values()
        if any(record.server == server for record in model.standing())
    ]


def _place_anew(
    state: SchedulerState, concerned: Iterable[ModelRecord], now: float
) -> list[Decision]:
    """Place the models that a replica's coming or going concerns, and those that need room.

    Their routes and states change when their turn comes. Meanwhile routers know whether the replica
    can be reached, and ask another if it cannot.
    """
    needing = needing_room(state) if state.is_synced else ()  # all are placed then
    return place_all(state, [*concerned, *needing], now)


def _forget_routes(
    state: SchedulerState, replica: ReplicaId, concerned: dict[str, ModelRecord], now: float
) -> list[Decision]:
    """Take a replica out of the routes to what it holds no more, before it is reached again."""
    waiting = [state.models[name] for name in state.to_place if name in state.models]
    decisions: list[Decision] = []
    for model in {model.name: model for model in (*waiting, *concerned.values())}.values():
        candidates = model.route.candidates if model.route is not None else ()
        if any(
            replica in candidate.replicas
            and replica not in model.versions[candidate.version].serving_replicas()
            for candidate in candidates
        ):
            decisions += settle(state, model, now)
    return decisions


def stop_waiting(state: SchedulerState, server: ServerRecord) -> bool:
    """Wait for a server's replicas no longer, if all are there; return whether that is news.

    All are there if those are that were there before, or as many as there are to be: they may have
    come back by other numbers, and of a server that is going away none comes back.
    """
    awaited = state.awaited.get(server.name)
    if awaited is None:
        return False
    awaited.difference_update(replica.replica_idx for replica in server.replicas)
    if awaited and not 0 <= server.expected_replicas <= len(server.replicas):
        return False
    del state.awaited[server.name]
    return True


def _with(state: SchedulerState, replica: ReplicaId) -> Iterator[ModelRecord]:
    return (
        model
        for model in state.models.values()
        if any(replica in record.assignments for record in model.versions.values())
    )


def _detach(
    state: SchedulerState, server: ServerRecord, replica: ReplicaId, now: float
) -> dict[str, ModelRecord]:
    """Forget a replica and all that was on it; return the models that were."""
    state.draining.pop(replica, None)
    if server.replicas.pop(replica, None) is None:
        return {}
    concerned = {model.name: model for model in _with(state, replica)}
    for model in concerned.values():
        standing = model.standing()
        for record in model.versions.values():
            record.wanted = tuple(other for other in record.wanted if other != replica)
            if record.assignments.pop(replica, None) is not None and record not in standing:
                record.assignments[replica] = Assignment(ReplicaState.UNLOADED, now)
    return concerned


def _attach(
    state: SchedulerState,
    replica: ReplicaRecord,
    held: HeldModel,
    concerned: dict[str, ModelRecord],
    now: float,
) -> list[Decision]:
    """Take in a version that a replica holds; one that cannot be wanted there is unloaded."""
    spec, number = held.version.spec, held.version.version
    model = state.models.get(spec.name)
    if model is None:
        model = state.models[spec.name] = ModelRecord(spec.name, is_adopted=True)
    if model.is_adopted and number not in model.versions:
        model.versions[number] = VersionRecord(held.version, declared_at=now, changed_at=now)
    record = model.versions.get(number)
    if record is None:
        return [UnloadOnReplica(replica.replica, spec.name, number)]
    concerned[model.name] = model
    replica.hold(spec.name, number, record.counted_bytes)
    if _is_wrong(record, held, replica):
        record.assignments[replica.replica] = Assignment(ReplicaState.UNLOADING, now)
        return [UnloadOnReplica(replica.replica, spec.name, number)]
    record.assignments[replica.replica] = Assignment(ReplicaState.AVAILABLE, now)
    record.server = replica.replica.server
    if replica.replica not in record.wanted:
        record.wanted = (*record.wanted, replica.replica)
    replica.note_loaded(spec.name, number, record.measured_bytes)
    return []


def _is_wrong(record: VersionRecord, held: HeldModel, replica: ReplicaRecord) -> bool:
    """Whether what a replica holds is not the version that has its number, or not to be there."""
    declared = record.version.spec
    # By which Secret it was fetched is not always told, and what was fetched is the same.
    said = replace(held.version.spec, storage_secret=declared.storage_secret)
    elsewhere = any(
        other.server != replica.replica.server for other in record.replicas_in(*PLACED, *LIVE)
    )
    return (
        declared.deployed_as(said) != said
        or not replica.capabilities.issuperset(declared.requirements)
        or elsewhere
    )


def _drain(record: VersionRecord, replica: ReplicaId, now: float) -> None:
    record.wanted = tuple(other for other in record.wanted if other != replica)
    held = record.assignments.get(replica)
    if held is not None and held.state is ReplicaState.AVAILABLE:
        record.assignments[replica] = Assignment(ReplicaState.DRAINING, now, DRAIN_REASON)


def _has_left(state: SchedulerState, name: str, replica: ReplicaId) -> bool:
    """Whether nobody is served by `replica` who could be served by another."""
    model = state.models.get(name)
    if model is None or model.is_deleted:
        return True
    if name in state.to_place:
        return False
    candidates = model.route.candidates if model.route is not None else ()
    serving = {other for candidate in candidates for other in candidate.replicas}
    standing = model.standing()
    is_refused = any(record.refusal for record in standing)
    if replica in serving:
        return is_refused and not any(r.replicas_in(ReplicaState.LOADING) for r in standing)
    return bool(serving) or is_refused or model.latest.replicas == 0
