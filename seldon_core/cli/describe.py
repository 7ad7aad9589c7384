"""`describe`: a page about a resource, with the reasons for its state and what happened to it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from seldon_core.cli.control import SUBSCRIBER
from seldon_core.cli.declared_pages import experiment_page, pipeline_page
from seldon_core.cli.get import targets_of
from seldon_core.cli.kinds import Target
from seldon_core.cli.lookup import Lookup, open_lookup
from seldon_core.cli.output import say, say_note
from seldon_core.cli.pages import declaration_lines, field_line, story_lines, table_lines
from seldon_core.cli.seen import NOTHING, Resource, seconds_of, show_since
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.cli.seen_models import SeenModel, replica_state_name, state_name
from seldon_core.cli.seen_pipelines import SeenPipeline
from seldon_core.cli.seen_secrets import SeenAgentConfig, SeenSecret
from seldon_core.cli.seen_server_configs import SeenServerConfig
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import control_pb2, servers_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import spec_of
from seldon_core.resources.experiment import ResourceType
from seldon_core.resources.kubernetes import KINDS, MODEL, PIPELINE, manifest_of
from seldon_core.transport.control_client import RpcError

_HOLDING: Final = frozenset({"Loading", "Loaded", "Available", "LoadedUnavailable", "Draining"})


def describe(
    words: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    namespace: str | None,
    scheduler_host: str | None,
) -> int:
    """Print a page about each resource named; return the exit code, 1 if one is missing.

    A deleted model is described as long as the scheduler remembers it. Raises SeldonError as `get`.
    """
    targets = targets_of(words, files, recursive, "describe model/iris")
    now = datetime.now(UTC).timestamp()
    pages: list[str] = []
    missing: list[Target] = []
    with open_lookup(scheduler_host) as lookup:
        for target in lookup.each(targets, namespace):
            seen = lookup.recall(target, namespace)
            if seen is None:
                missing.append(target)
            else:
                pages.append("\n".join((*_page(lookup, seen, now), *_story(lookup, seen))))
    if pages:
        say("\n\n\n".join(pages))
    for target in missing:
        say_note(target.not_found)
    if not pages and not missing:
        say_note("No resources found.")
    return 1 if missing else 0


def _page(lookup: Lookup, seen: Resource, now: float) -> Iterator[str]:
    if isinstance(seen, SeenServerConfig):
        yield from server_config_page(seen)
    elif isinstance(seen, SeenSecret):
        yield from secret_page(seen)
    elif isinstance(seen, SeenAgentConfig):
        yield from agent_config_page(seen)
    elif isinstance(seen, SeenServer):
        listed = lookup.list(KINDS[MODEL], all_versions=True)
        models = [each for each in listed if isinstance(each, SeenModel)]
        yield from server_page(seen, models, now)
    elif isinstance(seen, SeenPipeline):
        about = pb.PipelineStatusRequest(
            subscriberName=SUBSCRIBER, name=seen.name, allVersions=True
        )
        whole = next(lookup.client.pipeline_status(about), seen.status)
        yield from pipeline_page(SeenPipeline(whole), _states(lookup, MODEL), now)
    elif isinstance(seen, SeenExperiment):
        is_of_models = seen.spec().resource_type is ResourceType.MODEL
        states = _states(lookup, MODEL if is_of_models else PIPELINE)
        yield from experiment_page(seen, states)
    else:
        request = control_pb2.DescribeModelRequest(name=seen.name)
        yield from model_page(lookup.client.describe_model(request), now)


def _story(lookup: Lookup, seen: Resource) -> Iterator[str]:
    """Yield what happened to what is no model, whose page has it already.

    A scheduler of Seldon's tells no stories.
    """
    if isinstance(seen, SeenModel):
        return
    request = control_pb2.StoryRequest(kind=seen.kind.singular, name=seen.name)
    try:
        told = lookup.client.tell_story(request)
    except RpcError as error:
        if error.code != "Unimplemented":
            raise
        return
    yield from story_lines(told.story)


def _states(lookup: Lookup, kind: str) -> dict[str, str]:
    return {seen.name: seen.state for seen in lookup.list(KINDS[kind])}


def model_page(described: control_pb2.DescribeModelResponse, now: float) -> Iterator[str]:
    """Yield the lines of a model's page at `now`, UTC seconds."""
    seen = SeenModel(described.status)
    state = seen.latest.state
    desired = seen.latest.modelDefn.deploymentSpec.replicas
    deleted = ", deleted" if described.status.deleted else ""
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace)
    yield field_line("Kind", seen.kind.name)
    yield field_line("Version", str(seen.latest.version))
    yield field_line("Server", seen.latest.serverName or NOTHING)
    yield field_line("State", f"{seen.state}{deleted}, for {show_since(seen.changed_at, now)}")
    yield field_line("Reason", seen.reason or NOTHING)
    if described.HasField("scaling"):
        chosen = described.scaling
        desired = chosen.replicas
        yield field_line(
            "Scaled",
            f"to {chosen.replicas}, for {show_since(seconds_of(chosen.time), now)}: "
            f"{chosen.reason}",
        )
    yield field_line(
        "Replicas",
        f"{desired} desired, {state.availableReplicas} available, "
        f"{state.unavailableReplicas} unavailable",
    )
    yield field_line("Calls go to", _serving(seen))
    yield from declaration_lines(manifest_of(spec_of(seen.latest.modelDefn)))
    yield from table_lines(
        "Placement",
        ("SERVER", "REPLICA", "FILTER", "REASON"),
        [_verdict(verdict) for verdict in described.verdicts],
    )
    yield from table_lines(
        "Versions",
        ("VERSION", "STATE", "SERVER", "AVAILABLE", "CHANGED", "REASON"),
        [_version(version, now) for version in described.status.versions],
    )
    yield from table_lines(
        "On replicas",
        ("VERSION", "REPLICA", "STATE", "CHANGED", "REASON"),
        [
            _replica(version, index, now)
            for version in described.status.versions
            for index in sorted(version.modelReplicaState)
        ],
    )
    yield from story_lines(described.story)


def server_page(seen: SeenServer, models: Sequence[SeenModel], now: float) -> Iterator[str]:
    """Yield the lines of a server's page; `models` are those of all servers."""
    yield field_line("Name", seen.name)
    yield field_line("Kind", seen.kind.name)
    yield field_line("Ready", f"{seen.conditions()[0].status}, {seen.summary}")
    yield field_line(
        "Memory",
        f"{describe_bytes(seen.total_bytes)}, {describe_bytes(seen.free_bytes)} free "
        "with over-commit",
    )
    yield field_line("Loaded", f"{seen.status.numLoadedModelReplicas} models over all replicas")
    if seen.declared is not None:
        yield from declaration_lines(seen.document())
    yield from table_lines(
        "Replicas",
        ("REPLICA", "MEMORY", "FREE", "OVER-COMMIT", "MODELS"),
        [
            (
                str(replica.replicaIdx),
                describe_bytes(replica.totalMemoryBytes),
                describe_bytes(replica.availableMemoryBytes),
                f"{replica.overCommitPercentage} %",
                str(replica.numLoadedModels),
            )
            for replica in seen.status.resources
        ],
    )
    here = [
        (model, version)
        for model in models
        for version in model.status.versions
        if version.serverName == seen.name
        and (version.version == model.latest.version or _held_on(version))
    ]
    if seen.processes:
        yield from table_lines(
            "Processes of this server",
            ("REPLICA", "PHASE", "PID", "ENDS IN A ROW", "LAST END"),
            [_process(process) for process in seen.processes],
        )
    yield from table_lines(
        "Models",
        ("NAME", "VERSION", "STATE", "REPLICAS", "MEMORY", "CHANGED"),
        [_model_on(model, version, now) for model, version in here],
    )


def server_config_page(seen: SeenServerConfig) -> Iterator[str]:
    """Yield the lines of a server config's page."""
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace or NOTHING)
    yield field_line("Kind", seen.kind.name)
    yield from declaration_lines(seen.document())


def secret_page(seen: SeenSecret) -> Iterator[str]:
    """Yield the lines of a Secret's page, which has no values."""
    secret = seen.secret
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace or NOTHING)
    yield field_line("Kind", seen.kind.name)
    yield field_line("Type", "Opaque")
    yield field_line("Remote", secret.remote or f"{NOTHING}: {secret.problem}")
    yield field_line("Used by", ", ".join(f"model/{name}" for name in secret.models) or NOTHING)
    yield from table_lines("Data", ("KEY", "SIZE"), seen.value_rows())


def agent_config_page(seen: SeenAgentConfig) -> Iterator[str]:
    """Yield the lines of the ConfigMap's page, which shows no definition of a remote."""
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace or NOTHING)
    yield field_line("Kind", seen.kind.name)
    yield from table_lines("Remotes", ("REMOTE", "SECRET", "PROBLEM"), seen.remote_rows())


def _process(process: servers_pb2.AgentProcess) -> tuple[str, ...]:
    pid = str(process.pid) if process.pid else NOTHING
    last_end = process.lastEnd or NOTHING
    return str(process.replicaIdx), process.phase, pid, str(process.ends), last_end


def _verdict(verdict: control_pb2.Verdict) -> tuple[str, ...]:
    replica = str(verdict.replicaIdx) if verdict.HasField("replicaIdx") else "-"
    if not verdict.filter:
        return verdict.serverName, replica, "-", verdict.reason or "suits the model"
    return verdict.serverName, replica, verdict.filter, verdict.reason


def _version(version: pb.ModelVersionStatus, now: float) -> tuple[str, ...]:
    state = version.state
    return (
        str(version.version),
        state_name(state.state),
        version.serverName or NOTHING,
        str(state.availableReplicas),
        show_since(seconds_of(state.lastChangeTimestamp), now),
        state.reason,
    )


def _replica(version: pb.ModelVersionStatus, index: int, now: float) -> tuple[str, ...]:
    replica = version.modelReplicaState[index]
    return (
        str(version.version),
        f"{version.serverName}/{index}",
        replica_state_name(replica.state),
        show_since(seconds_of(replica.lastChangeTimestamp), now),
        replica.reason,
    )


def _held_on(version: pb.ModelVersionStatus) -> list[str]:
    """Return the replicas that hold a version."""
    return [
        f"{version.serverName}/{index}"
        for index, replica in sorted(version.modelReplicaState.items())
        if replica_state_name(replica.state) in _HOLDING
    ]


def _serving(seen: SeenModel) -> str:
    """Return the version that answers: an older one where the latest cannot."""
    for version in reversed(seen.status.versions):
        if version.state.availableReplicas:
            return f"version {version.version} on {version.serverName}"
    return f"version {seen.latest.version}, which the first loads" if seen.is_asleep else NOTHING


def _model_on(model: SeenModel, version: pb.ModelVersionStatus, now: float) -> tuple[str, ...]:
    memory = version.modelDefn.modelSpec.memoryBytes
    return (
        model.name,
        str(version.version),
        state_name(version.state.state),
        ",".join(_held_on(version)) or NOTHING,
        describe_bytes(memory) if memory else NOTHING,
        show_since(seconds_of(version.state.lastChangeTimestamp), now),
    )
