"""How many replicas a server should have, by what is on it.

Up when a model that is on it already finds too few replicas, as many as the model with the most of
them asks for; down when a model left, by the replicas that hold none. Packing, which moves models
together to make replicas empty, is off unless it is asked for.
"""

from seldon_core.scheduler.decisions import AskForReplicas, Decision, RunServer
from seldon_core.scheduler.state import ModelRecord, SchedulerState, ServerRecord

NO_BOUND = 2**32 - 1
"""What Seldon's operator says of a server that may have any number of replicas."""


def target_up(expected: int, max_replicas: int, max_hosted: int) -> int | None:
    """Return how many replicas a server should have that has too few, None for no more.

    `expected` is -1 if nobody said how many there are, `max_replicas` 0 if it is never to grow,
    `max_hosted` the largest number of replicas of a model that is on it.
    """
    if expected < 0:
        return None
    target = min(max_hosted, max_replicas)
    return target if target > expected else None


def target_down(
    expected: int, min_replicas: int, empty: int, max_hosted: int, *, is_packing: bool = False
) -> int | None:
    """Return how many replicas a server should have of which `empty` hold no model, None if all.

    `min_replicas` 0 is one. With `is_packing` also those are given up that its models could do
    without.
    """
    least = max(min_replicas, 1)
    target = max(least, expected - empty)
    if is_packing and 0 < max_hosted < target:
        target = max(least, max_hosted)
    return target if target < expected else None


def scale_up(state: SchedulerState, name: str, model: ModelRecord) -> list[Decision]:
    """Ask for more replicas of the server of a model that has fewer than it should."""
    server = state.servers.get(name)
    if server is None or server.expected_replicas < 0:
        return []
    most = max(max_hosted(state, name), model.latest.replicas)
    return _ask(state, server, target_up(server.expected_replicas, _bound(server), most))


def scale_down(state: SchedulerState, name: str, model: ModelRecord) -> list[Decision]:
    """Ask for fewer replicas of a server that `model` has left, or on one of which it failed.

    It keeps as many as the model is to have there still.
    """
    server = state.servers.get(name)
    if server is None or server.expected_replicas <= 1:
        return []
    is_packing = state.packing.is_tried()
    empty = sum(not (replica.held or replica.is_draining) for replica in server.replicas.values())
    most = max_hosted(state, name) if is_packing else 0
    is_there = not model.is_deleted and model.latest.server == name
    least = max(server.min_replicas, model.latest.replicas if is_there else 0)
    target = target_down(server.expected_replicas, least, empty, most, is_packing=is_packing)
    return _ask(state, server, target)


def max_hosted(state: SchedulerState, server: str) -> int:
    """Return the largest number of replicas that a model on a server should have."""
    return max(
        (
            model.latest.replicas
            for model in state.models.values()
            if not model.is_deleted and model.latest.server == server
        ),
        default=0,
    )


def _bound(server: ServerRecord) -> int:
    return NO_BOUND if server.spec is not None and not server.max_replicas else server.max_replicas


def _ask(state: SchedulerState, server: ServerRecord, target: int | None) -> list[Decision]:
    """A server that runs here is changed if its manifest gives bounds; who runs others is asked."""
    if target is None or not state.scaling.scales_servers:
        return []
    if server.spec is None:
        return [AskForReplicas(server.name, target)]
    if not (server.min_replicas or server.max_replicas):
        return []
    server.expected_replicas = target
    state.touched_servers[server.name] = None
    return [RunServer(server.spec, target)]
