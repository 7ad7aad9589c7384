"""Where calls to a model go, derived from its versions.

One version serves: the latest once it has come, until then the fallback if it is loaded, and else
the latest on what replicas it has. So a new version that fails, or finds no room, never takes the
route from a healthy older one.
"""

from seldon_core.resources.words import without_folders
from seldon_core.scheduler.state import (
    HAS_COME,
    ModelRecord,
    ModelState,
    ReplicaState,
    VersionRecord,
)
from seldon_core.transport.control import RouteCandidate, RouteUpdate

FULL_WEIGHT = 100


def derive(model: ModelRecord) -> RouteUpdate:
    """Return the route of `model` as its state wants it; one without anything if it is deleted."""
    if model.is_deleted:
        return RouteUpdate(model.name)
    serving = serving_version(model)
    if serving is None:
        storage = model.latest.version.spec.storage_uri
        return RouteUpdate(model.name, notice=without_folders(_notice(model.latest), storage))
    replicas = serving.replicas_in(ReplicaState.AVAILABLE)
    return RouteUpdate(
        model.name, (RouteCandidate(model.name, serving.number, FULL_WEIGHT, replicas),)
    )


def serving_version(model: ModelRecord) -> VersionRecord | None:
    """Return the version that answers, None if none that is to stay is loaded."""
    standing = model.standing()
    if model.latest.state in HAS_COME:
        standing = standing[::-1]
    loaded = (record for record in standing if record.replicas_in(ReplicaState.AVAILABLE))
    return next(loaded, None)


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
