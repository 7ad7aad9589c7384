"""Where calls to a model go, derived from its versions.

One version serves: the latest once it has come, until then the fallback if it is loaded, and else
the latest on what replicas it has. So a new version that fails, or finds no room, never takes the
route from a healthy older one. While a new version has come on some of its replicas and is yet to
come on others, both serve, each its share by the number of its replicas. A model that may be scaled
to zero keeps a route without replicas while it is loaded nowhere: calls wait.
"""

from seldon_core.resources.words import without_folders
from seldon_core.scheduler.state import (
    HAS_COME,
    ModelRecord,
    ModelState,
    VersionRecord,
)
from seldon_core.transport.control import RouteCandidate, RouteUpdate

FULL_WEIGHT = 100


def derive(model: ModelRecord) -> RouteUpdate:
    """Return the route of `model` as its state wants it; one without anything if it is deleted."""
    if model.is_deleted:
        return RouteUpdate(model.name)
    serving = _serving_versions(model)
    if not serving:
        return _route_to_nowhere(model)
    if len(serving) == 1:
        (only,) = serving
        candidate = RouteCandidate(model.name, only.number, FULL_WEIGHT, only.serving_replicas())
        return RouteUpdate(model.name, (candidate,))
    replicas = [record.serving_replicas() for record in serving]
    total = sum(map(len, replicas))
    # The later one's is the rest: what was rounded off is the new version's.
    first = FULL_WEIGHT * len(replicas[0]) // total
    weights = (first, FULL_WEIGHT - first)
    return RouteUpdate(
        model.name,
        tuple(
            RouteCandidate(model.name, record.number, weight, its)
            for record, weight, its in zip(serving, weights, replicas, strict=True)
        ),
    )


def _route_to_nowhere(model: ModelRecord) -> RouteUpdate:
    """Return the route of a model that is loaded nowhere: calls wait if they are to load it."""
    latest = model.latest
    spec = latest.version.spec
    notice = "" if latest.is_asleep else without_folders(_notice(latest), spec.storage_uri)
    if not spec.knobs.scale_to_zero:
        return RouteUpdate(model.name, notice=notice)
    return RouteUpdate(
        model.name, (RouteCandidate(model.name, latest.number, FULL_WEIGHT, ()),), notice
    )


def _serving_versions(model: ModelRecord) -> tuple[VersionRecord, ...]:
    """Return the versions that answer, the older first; none if none that is to stay is loaded."""
    loaded = tuple(record for record in model.standing() if record.serving_replicas())
    if model.latest.state in HAS_COME:
        return loaded
    return loaded[:1]


def _notice(latest: VersionRecord) -> str:
    match latest.state:
        case ModelState.FAILED:
            return f"failed to load: {latest.reason}"
        case ModelState.SCHEDULE_FAILED:
            return f"cannot be placed: {latest.reason}"
        case ModelState.SCALED_DOWN:
            return "is scaled down to no replica"
        case _:
            return f"is loading, {latest.reason}" if latest.reason else "is loading"
