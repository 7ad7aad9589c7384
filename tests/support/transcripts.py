"""Transcripts of the scheduler: an event a line, and beneath it, indented, all that followed.

    ReplicaConnected mlserver/0 has=sklearn memory=100
    ModelLoadRequested iris needs=sklearn memory=10
      AnswerCaller ok
      PublishRoute iris "is loading"
      LoadOnReplica iris_1 -> mlserver/0
      = iris v1 ModelProgressing

Lines that begin with `=` are the rows of the status that changed. `#` begins a comment.
`at=SECONDS` says when an event happens; else it is a second after the one before. One that says
when SyncReached comes begins before it, all others after.

    Restart

sends what was kept to a new machine, and `Tick` comes when the machine asked for it.
"""

import shlex
from dataclasses import replace

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec, ModelVersion
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    AskForReplicas,
    Drop,
    LoadOnReplica,
    PublishReplica,
    PublishRoute,
    PublishServer,
    PublishStatus,
    RunServer,
    Save,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ModelWakeRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
    Tick,
    restored_event,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind, StoredScaling, StoredServer
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)


def replay(text):
    """Return `text` with the decisions that the machine makes now."""
    player = Player("SyncReached" not in text)
    lines = []
    for line in text.splitlines():
        if line.startswith(" "):
            continue
        lines.append(line)
        if line and not line.startswith("#"):
            lines += [f"  {told}" for told in player.play(line)]
            assert violations(player.machine.state) == []
    return "".join(f"{line}\n" for line in lines)


class Player:
    """A machine, what is kept of it, and the time."""

    def __init__(self, is_synced):
        self.machine = SchedulerMachine()
        self.now = 0
        self.kept = {}
        self.rows = {}
        if is_synced:
            self.machine.handle(SyncReached(0))

    def play(self, line):
        """Yield what follows from a line of a transcript."""
        kind, *words = shlex.split(line)
        at = [word.removeprefix("at=") for word in words if word.startswith("at=")]
        self.now = int(at[0]) if at else self.now + 1
        if kind == "Restart":
            self.machine, self.rows = SchedulerMachine(), {}
            in_order = sorted(self.kept.values(), key=lambda each: each.kind is Kind.SCALING)
            for stored in in_order:
                yield from self.handle(restored_event(self.now, stored))
        elif kind == "Tick":
            wakeup = self.machine.next_wakeup()
            assert wakeup is not None
            self.now = max(self.now, wakeup)
            yield f"+ {self.now:g}"
            yield from self.handle(Tick(self.now))
        else:
            event = parse_event(line, self.now)
            if isinstance(event, ReplicaConnected):
                event = replace(event, config=self.as_declared(event.config))
            yield from self.handle(event)

    def as_declared(self, config):
        """Held models without a URI are those that were declared."""
        return replace(config, held=tuple(map(self.held_as_declared, config.held)))

    def held_as_declared(self, held):
        spec, number = held.version.spec, held.version.version
        model = self.machine.state.models.get(spec.name)
        is_known = model is not None and number in model.versions
        return (
            HeldModel(model.versions[number].version) if is_known and not spec.storage_uri else held
        )

    def handle(self, event):
        for decision in self.machine.handle(event):
            match decision:
                case Save(stored):
                    self.kept[stored.kind, stored.name] = stored
                case Drop(kind, name):
                    del self.kept[kind, name]
                case PublishStatus() | PublishServer():
                    continue  # told by the rows
            yield describe(decision)
        rows = {
            model.name: describe_row(model)
            for model in self.machine.models()
            if model.latest.state is not ModelState.TERMINATED
        }
        yield from [f"= {name} gone" for name in self.rows if name not in rows]
        yield from [f"= {row}" for name, row in rows.items() if self.rows.get(name) != row]
        self.rows = rows


def parse_event(line, now):
    kind, *words = shlex.split(line)
    options = dict(word.split("=", 1) for word in words if "=" in word)
    words = [word for word in words if "=" not in word]
    match kind:
        case "ReplicaConnected":
            return ReplicaConnected(now, parse_replica(words[0]), parse_config(words, options))
        case "ReplicaDrainRequested":
            return ReplicaDrainRequested(now, parse_replica(words[0]), caller=now)
        case "ReplicaLost":
            return ReplicaLost(now, parse_replica(words[0]))
        case "ModelLoadRequested":
            spec = parse_spec(words[0], options)
            return ModelLoadRequested(
                now,
                spec,
                caller=now,
                from_folder="folder" in words,
                is_again="again" in words,
            )
        case "ModelUnloadRequested":
            return ModelUnloadRequested(now, words[0], caller=now)
        case "ModelWakeRequested":
            return ModelWakeRequested(now, words[0], caller=now)
        case "ModelScalingSignalled":
            replica, internal_name, signal, amount = words
            model, _, version = internal_name.rpartition("_")
            kind, of = SignalKind(signal), parse_replica(replica)
            return ModelScalingSignalled(
                now, ScalingSignal(of, model, int(version), kind, float(amount))
            )
        case "SyncReached":
            return SyncReached(now, float(options.get("patience", 0)))
        case "ModelReported":
            return ModelReported(now, parse_report(words, options))
    return parse_server_event(kind, words, options, now)


def parse_server_event(kind, words, options, now):
    match kind:
        case "ServerDeclared":
            return ServerDeclared(now, parse_server(words[0], options), caller=now)
        case "ServerUnloadRequested":
            return ServerUnloadRequested(now, words[0], now, parse_meta(options))
        case "ServersNotified":
            notice = ServerNotice(
                words[0],
                int(options["replicas"]),
                int(options.get("min", 0)),
                int(options.get("max", 0)),
                "exclusive" not in words,
                parse_meta(options),
            )
            return ServersNotified(now, (notice,), "first" in words, caller=now)
    raise AssertionError(f"no such event: {kind}")


def parse_replica(text):
    server, replica_idx = text.split("/")
    return ReplicaId(server, int(replica_idx))


def parse_config(words, options):
    """`exclusive`: not shared; `remote`: in another process; `held=iris_1,wine_2:/uri`."""
    return ReplicaConfig(
        tuple(options.get("has", "").split(",")),
        int(options.get("memory", 100)),
        int(options.get("overcommit", 0)),
        "exclusive" not in words,
        ReplicaAddress("there", 9000, 9000, is_ours=True) if "remote" in words else None,
        tuple(map(parse_held, filter(None, options.get("held", "").split(",")))),
    )


def parse_held(text):
    internal_name, _, uri = text.partition(":")
    name, _, version = internal_name.rpartition("_")
    return HeldModel(ModelVersion(ModelSpec(name, uri), int(version)))


def parse_server(name, options):
    return ServerSpec(
        name,
        capabilities=tuple(filter(None, options.get("has", "").split(","))),
        replicas=int(options.get("replicas", 1)),
        min_replicas=int(options.get("min", 0)),
        max_replicas=int(options.get("max", 0)),
        meta=parse_meta(options),
    )


def parse_spec(name, options):
    return ModelSpec(
        name,
        options.get("uri", f"/models/{name}"),
        requirements=tuple(filter(None, options.get("needs", "").split(","))),
        memory_bytes=int(options.get("memory", 0)),
        server=options.get("server"),
        replicas=int(options.get("replicas", 1)),
        min_replicas=int(options.get("min", 0)),
        max_replicas=int(options.get("max", 0)),
        knobs=Knobs(
            target_rps=float(options["target"]) if "target" in options else None,
            scale_to_zero="zero" in options,
        ),
        meta=parse_meta(options),
    )


def parse_meta(options):
    if not {"namespace", "generation"} & set(options):
        return None
    return KubernetesMeta(options.get("namespace", ""), int(options.get("generation", 0)))


def parse_report(words, options):
    replica, internal_name, event = words
    model, _, version = internal_name.rpartition("_")
    return ModelReport(
        parse_replica(replica),
        model,
        int(version),
        ReplicaModelEvent(event),
        options.get("reason", ""),
        int(options.get("memory", 0)),
    )


def describe(decision):
    match decision:
        case Save(stored):
            return describe_save(stored)
        case ScaleModel(model, before, replicas, why):
            return f"ScaleModel {model} {before} -> {replicas} ({why})"
        case Drop(kind, name):
            return f"Drop{kind.value.capitalize()} {name}"
        case LoadOnReplica(replica, version):
            return f"LoadOnReplica {version.internal_name} -> {replica}"
        case UnloadOnReplica(replica, model, version):
            return f"UnloadOnReplica {model}_{version} from {replica}"
        case PublishRoute(update):
            targets = [describe_candidate(candidate) for candidate in update.candidates]
            notice = f'"{update.notice}"' if update.notice else "(none)"
            if all(candidate.replicas for candidate in update.candidates):
                return f"PublishRoute {update.name} -> {' '.join(targets) or notice}"
            return f"PublishRoute {update.name} -> {' '.join(targets)} {notice}"
        case AnswerCaller(_, None, change):
            return f"AnswerCaller {change.value}"
        case AnswerCaller(_, error):
            return f"AnswerCaller {type(error).__name__}: {error}"
    return describe_for_servers(decision)


def describe_for_servers(decision):
    match decision:
        case PublishReplica(replica, address):
            return f"PublishReplica {replica} {'here' if address else 'gone'}"
        case RunServer(spec, replicas):
            return f"RunServer {spec.name} {replicas}"
        case AskForReplicas(server, replicas):
            return f"AskForReplicas {server} {replicas}"
    raise AssertionError(decision)


def describe_candidate(candidate):
    text = f"{candidate.model}_{candidate.version}@{'+'.join(map(str, candidate.replicas))}"
    return text if candidate.weight == 100 else f"{text}:{candidate.weight}%"


def describe_stored_server(stored):
    bounds = f", {stored.min_replicas} to {stored.max_replicas}"
    return (
        f"{stored.name} expects {stored.expected_replicas}"
        + (bounds if stored.min_replicas or stored.max_replicas else "")
        + (", declared" if stored.spec is not None else "")
        + ("" if stored.is_shared else ", exclusive")
        + (f", had {' '.join(map(str, stored.replicas))}" if stored.replicas else "")
    )


def describe_save(stored):
    match stored:
        case StoredServer():
            return f"SaveServer {describe_stored_server(stored)}"
        case StoredScaling():
            return f"SaveScaling {stored.name} v{stored.version} {stored.replicas} ({stored.why})"
    return f"SaveModel {describe_stored(stored)}"


def describe_stored(stored):
    numbers = [
        f"({version.number})" if version.terminated_at else str(version.number)
        for version in stored.versions
    ]
    text = f"{stored.name} versions {' '.join(numbers)}"
    text += f", falls back on {stored.fallback}" if stored.fallback is not None else ""
    return text + (", deleted" if stored.deleted_at is not None else "")


def describe_row(model):
    latest = model.latest
    text = f"{model.name} v{latest.version.version} {latest.state.value}"
    return f'{text} "{latest.reason}"' if latest.reason else text
