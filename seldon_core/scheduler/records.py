"""What the scheduler keeps across restarts, as values. `store` writes them down."""

from dataclasses import dataclass

from seldon_core.resources.model import ModelSpec


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One generation of a model.

    `server` is where it was placed, "" if nowhere. Times are UTC seconds; `terminated_at` is None
    while the version may still be loaded somewhere.
    """

    number: int
    spec: ModelSpec
    server: str
    declared_at: float
    terminated_at: float | None


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model and its versions from the oldest to the latest, of which there is at least one.

    `fallback` is the older version that serves until the latest has come, None if there is none.
    `deleted_at` is when somebody deleted the model, None if nobody did.
    """

    name: str
    versions: tuple[StoredVersion, ...]
    fallback: int | None
    deleted_at: float | None
