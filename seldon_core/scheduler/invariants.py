"""What is true of the scheduler's state after every event; tests check it after each step."""

from collections.abc import Iterator

from seldon_core.scheduler.declared_invariants import declared_violations
from seldon_core.scheduler.keeping import stored_of, stored_server_of
from seldon_core.scheduler.lifecycle import lacks_room, needs_room
from seldon_core.scheduler.retries import is_in_trouble
from seldon_core.scheduler.routes import derive
from seldon_core.scheduler.state import (
    HOLDING,
    LIVE,
    PLACED,
    ModelRecord,
    ModelState,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    ServerRecord,
)
from seldon_core.transport.control import RouteCandidate


def violations(state: SchedulerState) -> list[str]:
    """Return a sentence for each rule that is broken; nothing if the state is sound."""
    found = list(_memory_violations(state))
    for model in state.models.values():
        found += _route_violations(state, model)
        found += _version_violations(state, model)
        found += _retry_violations(state, model)
        if model.name not in state.to_place:
            found += _keeping_violations(model)
    for server in state.servers.values():
        found += _server_violations(state, server)
    for name in state.awaited.keys() - state.servers.keys():
        found.append(f"replicas of {name} are waited for, which is no server")
    return [*found, *declared_violations(state)]


def _memory_violations(state: SchedulerState) -> Iterator[str]:
    holding = {
        (replica, model.name, number)
        for model in state.models.values()
        for number, record in model.versions.items()
        for replica in record.replicas_in(*HOLDING)
    }
    connected = {
        replica: record
        for server in state.servers.values()
        for replica, record in server.replicas.items()
    }
    for record in connected.values():
        if record.used_bytes != sum(record.held.values()):
            yield f"{record.replica} counts {record.used_bytes} bytes, not the sum of its models"
        reserved = sum(each for held, each in record.held.items() if held not in record.loaded)
        if record.reserved_bytes != reserved:
            yield f"{record.replica} reserves {record.reserved_bytes} bytes, not {reserved}"
        yield from _reserve_violations(record)
        for name, number in record.held:
            if (record.replica, name, number) not in holding:
                yield f"{record.replica} counts {name}_{number}, which it does not hold"
    for replica, name, number in holding:
        if replica not in connected:
            yield f"{name}_{number} is on {replica}, which is not connected"
        elif (name, number) not in connected[replica].held:
            yield f"{replica} does not count {name}_{number}"


def _reserve_violations(record: ReplicaRecord) -> Iterator[str]:
    reserved = sum(record.held[key] for key in record.held.keys() - record.loaded.keys())
    if record.reserved_bytes != reserved:
        yield f"{record.replica} reserves {record.reserved_bytes} bytes, not {reserved}"
    for name, number in record.loaded.keys() - record.held.keys():
        yield f"{record.replica} has {name}_{number} loaded and does not count it"


def _route_violations(state: SchedulerState, model: ModelRecord) -> Iterator[str]:
    candidates = model.route.candidates if model.route is not None else ()
    if model.is_deleted and candidates:
        yield f"{model.name} is deleted and still routed"
    if model.name in state.to_place:
        return  # its turn has yet to come
    if model.route != derive(model):
        yield f"{model.name} has another route than its state wants"
    if len(candidates) > 1 and {each.version for each in candidates} != {
        record.number for record in model.standing()
    }:
        yield f"{model.name} is routed to other versions than those that stand"
    for candidate in candidates:
        yield from _candidate_violations(state, model, candidate)
    is_woken = model.latest.version.spec.knobs.scale_to_zero and not model.is_deleted
    if is_woken and not candidates:
        yield f"{model.name} is to be loaded by calls and has no route"
    if not is_woken and any(not candidate.replicas for candidate in candidates):
        yield f"{model.name} is routed to no replica, and no call loads it"
    loaded = [number for number, record in model.versions.items() if record.replicas_in(*LIVE)]
    if loaded and not candidates and not model.is_deleted:
        yield f"{model.name} has version {loaded[-1]} loaded and no route"


def _candidate_violations(
    state: SchedulerState, model: ModelRecord, candidate: RouteCandidate
) -> Iterator[str]:
    for replica in candidate.replicas:
        if state.replica(replica) is None:
            yield f"{model.name} is routed to {replica}, which is not connected"
        held = model.versions[candidate.version].assignments.get(replica)
        if held is None or held.state not in LIVE:
            yield f"{model.name}_{candidate.version} is routed to {replica} and not loaded there"


def _version_violations(state: SchedulerState, model: ModelRecord) -> Iterator[str]:
    standing = model.standing()
    if model.fallback == model.latest.number:
        yield f"{model.name} is to fall back on its latest version"
    for number, record in model.versions.items():
        servers = {replica.server for replica in record.replicas_in(*PLACED)}
        if len(servers) > 1:
            yield f"{model.name}_{number} is on more than one server: {sorted(servers)}"
        for replica in record.replicas_in(*PLACED):
            connected = state.replica(replica)
            capabilities = connected.capabilities if connected is not None else frozenset()
            if not capabilities.issuperset(record.version.spec.requirements):
                yield f"{model.name}_{number} is on {replica}, which lacks what it requires"
        is_settled = model.name not in state.to_place
        if (
            is_settled
            and record.state is ModelState.AVAILABLE
            and not record.replicas_in(ReplicaState.AVAILABLE)
        ):
            yield f"{model.name}_{number} is ModelAvailable and loaded nowhere"
        if is_settled and record not in standing and record.state is ModelState.PROGRESSING:
            yield f"{model.name}_{number} is on its way and nobody wants it"


def _retry_violations(state: SchedulerState, model: ModelRecord) -> Iterator[str]:
    if is_in_trouble(model) and model.wake_at is None:
        yield f"{model.name} is in trouble and never tried again"
    if model.wake_at is not None and (model.wake_at, model.name) not in state.wakeups:
        yield f"{model.name} waits for {model.wake_at} and nothing wakes it"
    if model.name in state.to_place:
        return  # its latest version may just have come, or its replica gone
    if any(lacks_room(state, record) for record in model.standing()) != (
        model.name in state.homeless
    ):
        yield f"{model.name} is counted wrongly among those without a place"
    if needs_room(model) != (model.name in state.lacking):
        yield f"{model.name} is counted wrongly among those that lack replicas"


def _keeping_violations(model: ModelRecord) -> Iterator[str]:
    if model.from_folder or model.is_adopted:
        return
    if model.saved != stored_of(model):
        yield f"{model.name} is kept otherwise than it is"


def _server_violations(state: SchedulerState, server: ServerRecord) -> Iterator[str]:
    awaited = state.awaited.get(server.name, set())
    if server.saved != stored_server_of(server, awaited):
        yield f"{server.name} is kept otherwise than it is"
    if server.spec is None and server.expected_replicas == 0 and not server.replicas:
        yield f"{server.name} has gone and is still known"
    connected = {replica.replica_idx for replica in server.replicas}
    if server.name in state.awaited and not awaited - connected:
        yield f"{server.name} is waited for, and all of it is there"
    for replica, record in server.replicas.items():
        if record.is_draining != (state.draining.get(replica) is record):
            yield f"{replica} is counted wrongly among those that drain"
        if record.drain_callers and not record.leaving:
            yield f"{replica} has nothing left to drain, and {record.drain_callers} wait for it"
