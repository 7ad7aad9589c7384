"""What events about Secrets lead to, and which remote a model is to be fetched from.

A Secret is kept as it was declared, and looked at only here: a load is given the remote that it
needs. So whoever changes one changes every load that comes after.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.remote import Remote, remote_name
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler import retries
from seldon_core.scheduler.decisions import AnswerCaller, Change, Decision, Drop, Save
from seldon_core.scheduler.records import Kind, StoredAgentConfig, StoredSecret
from seldon_core.scheduler.secret_events import (
    AboutSecrets,
    SecretDeclared,
    SecretRestored,
    SecretUnloadRequested,
)
from seldon_core.scheduler.secret_state import SecretState, record_of
from seldon_core.scheduler.state import SchedulerState


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """A Secret without its values: how many bytes each has, and the remote that it defines.

    `problem` is why it defines none; `models` are those that name it.
    """

    name: str
    sizes: dict[str, int]
    remote: str
    problem: str
    models: tuple[str, ...]
    meta: KubernetesMeta | None


@dataclass(frozen=True, slots=True)
class PreloadedStatus:
    """A remote of the ConfigMap, by the Secret `secret_name`, or "" if the ConfigMap defines it.

    `problem` is why it cannot be used.
    """

    remote: str
    secret_name: str
    problem: str


@dataclass(frozen=True, slots=True)
class AgentConfigStatus:
    """The ConfigMap without its values."""

    remotes: tuple[PreloadedStatus, ...] = ()
    meta: KubernetesMeta | None = None


def decide(state: SchedulerState, event: AboutSecrets) -> list[Decision]:
    """Take in what happened; return what to do about it, in order."""
    match event:
        case SecretRestored(stored=stored):
            _take(state.vault, stored.spec)
            return []
        case SecretDeclared():
            return _on_declared(state, event)
        case SecretUnloadRequested():
            return _on_unload_requested(state, event)
        case _:
            assert_never(event)


def remote_for(vault: SecretState, spec: ModelSpec) -> Remote | None:
    """Return the remote by which a model is fetched, None if its storageUri needs none.

    Raises InvalidResourceError, a sentence that shows no value, if the Secret that it names does
    not exist or defines another remote.
    """
    wanted = remote_name(spec.storage_uri)
    if not wanted:
        return None
    if not spec.storage_secret:
        return _preloaded(vault, wanted)
    record = vault.secrets.get(spec.storage_secret)
    if record is None:
        raise InvalidResourceError(
            "spec.secretName",
            f"there is no Secret {spec.storage_secret!r}; declare it with `seldon-core apply -f`, "
            "and the model is loaded then",
        )
    secret, remote = record.spec, record.remote
    if not _may_share(secret.meta, spec.meta):
        raise InvalidResourceError(
            "spec.secretName",
            f"Secret {secret.name!r} is in namespace {secret.namespace!r}, and the model in "
            f"{spec.namespace!r}",
        )
    if remote is None:
        raise InvalidResourceError("spec.secretName", record.problem)
    if remote.name != wanted:
        raise InvalidResourceError(
            "spec.secretName",
            f"Secret {secret.name!r} defines the remote {remote.name!r}, and the storageUri is on "
            f"{wanted!r}",
        )
    return remote


def secret_statuses(state: SchedulerState) -> list[SecretStatus]:
    """Return every Secret without its values, in the order of their declaration."""
    users: dict[str, list[str]] = {}
    for model in state.models.values():
        if not model.is_deleted and (named := model.latest.version.spec.storage_secret):
            users.setdefault(named, []).append(model.name)
    found = []
    for record in state.vault.secrets.values():
        secret = record.spec
        sizes = {key: len(value) for key, value in secret.data.items()}
        name = record.remote.name if record.remote is not None else ""
        models = tuple(users.get(secret.name, ()))
        found.append(SecretStatus(secret.name, sizes, name, record.problem, models, secret.meta))
    return found


def agent_config_status(vault: SecretState) -> AgentConfigStatus | None:
    """Return the ConfigMap without its values, None if nobody declared it."""
    config = vault.agent_config
    if config is None:
        return None
    remotes = []
    for name in config.secret_names:
        record = vault.secrets.get(name)
        if record is None:
            remotes.append(PreloadedStatus("", name, "there is no such Secret"))
        else:
            remote = record.remote.name if record.remote is not None else ""
            remotes.append(PreloadedStatus(remote, name, record.problem))
    remotes += [PreloadedStatus(remote.name, "", "") for remote in config.remotes]
    return AgentConfigStatus(tuple(remotes), config.meta)


def _on_declared(state: SchedulerState, event: SecretDeclared) -> list[Decision]:
    spec = event.spec
    known = _known(state.vault, spec)
    if known == spec:
        return [AnswerCaller(event.caller, change=Change.UNCHANGED)]
    if known is not None and known.namespace != spec.namespace:
        error = InvalidResourceError(
            "metadata.namespace",
            f"{event.resource} is already declared in namespace {known.namespace!r}",
        )
        return [AnswerCaller(event.caller, error)]
    _take(state.vault, spec)
    _try_again(state, event.now)
    stored = (
        StoredSecret(spec.name, spec)
        if isinstance(spec, SecretSpec)
        else StoredAgentConfig(spec.name, spec)
    )
    change = Change.CREATED if known is None else Change.CONFIGURED
    return [Save(stored), AnswerCaller(event.caller, change=change)]


def _on_unload_requested(state: SchedulerState, event: SecretUnloadRequested) -> list[Decision]:
    vault = state.vault
    if event.kind is Kind.SECRET and event.name in vault.secrets:
        del vault.secrets[event.name]
    elif event.kind is Kind.AGENT_CONFIG and vault.agent_config is not None:
        vault.agent_config = None
    else:
        kind, _, name = event.resource.partition("/")
        return [AnswerCaller(event.caller, NotFoundError(kind, name))]
    return [Drop(event.kind, event.name), AnswerCaller(event.caller, change=Change.DELETED)]


def _known(
    vault: SecretState, spec: SecretSpec | AgentConfigSpec
) -> SecretSpec | AgentConfigSpec | None:
    """Return what is known by the kind and name of `spec`."""
    if isinstance(spec, AgentConfigSpec):
        return vault.agent_config
    record = vault.secrets.get(spec.name)
    return record.spec if record is not None else None


def _take(vault: SecretState, spec: SecretSpec | AgentConfigSpec) -> None:
    if isinstance(spec, SecretSpec):
        vault.secrets[spec.name] = record_of(spec)
    else:
        vault.agent_config = spec


def _try_again(state: SchedulerState, now: float) -> None:
    """Have models that failed and are on a remote tried soon: what they lacked may be there."""
    for model in state.models.values():
        if retries.is_in_trouble(model) and remote_name(model.latest.version.spec.storage_uri):
            retries.try_soon(state, model, now)


def _preloaded(vault: SecretState, wanted: str) -> Remote | None:
    """Return the last of the ConfigMap's remotes that has this name; what cannot be used is none.

    Those that it defines itself come after those of its Secrets.
    """
    config = vault.agent_config
    if config is None:
        return None
    remotes = [*_of_secrets(vault, config), *config.remotes]
    return next((remote for remote in reversed(remotes) if remote.name == wanted), None)


def _of_secrets(vault: SecretState, config: AgentConfigSpec) -> Iterator[Remote]:
    for name in config.secret_names:
        record = vault.secrets.get(name)
        if record is not None and record.remote is not None:
            yield record.remote


def _may_share(one: KubernetesMeta | None, other: KubernetesMeta | None) -> bool:
    """Whether two resources are in one namespace, or one of them does not say."""
    namespaces = {meta.namespace for meta in (one, other) if meta is not None and meta.namespace}
    return len(namespaces) < 2
