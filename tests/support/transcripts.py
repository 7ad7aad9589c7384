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

from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    DropModel,
    LoadOnReplica,
    PublishRoute,
    PublishStatus,
    SaveModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent


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
            for stored in list(self.kept.values()):
                yield from self.handle(ModelRestored(self.now, stored))
        elif kind == "Tick":
            wakeup = self.machine.next_wakeup()
            assert wakeup is not None
            self.now = max(self.now, wakeup)
            yield f"+ {self.now:g}"
            yield from self.handle(Tick(self.now))
        else:
            yield from self.handle(parse_event(line, self.now))

    def handle(self, event):
        for decision in self.machine.handle(event):
            match decision:
                case SaveModel(stored):
                    self.kept[stored.name] = stored
                case DropModel(name):
                    del self.kept[name]
                case PublishStatus():
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
            return ReplicaConnected(
                now,
                parse_replica(words[0]),
                tuple(options.get("has", "").split(",")),
                int(options.get("memory", 100)),
                int(options.get("overcommit", 0)),
            )
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
        case "SyncReached":
            return SyncReached(now)
        case "ModelReported":
            return ModelReported(now, parse_report(words, options))
    raise AssertionError(f"no such event: {line}")


def parse_replica(text):
    server, replica_idx = text.split("/")
    return ReplicaId(server, int(replica_idx))


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
        case SaveModel(stored):
            return f"SaveModel {describe_stored(stored)}"
        case DropModel(name):
            return f"DropModel {name}"
        case LoadOnReplica(replica, version):
            return f"LoadOnReplica {version.internal_name} -> {replica}"
        case UnloadOnReplica(replica, model, version):
            return f"UnloadOnReplica {model}_{version} from {replica}"
        case PublishRoute(update):
            targets = [
                f"{candidate.model}_{candidate.version}@{'+'.join(map(str, candidate.replicas))}"
                for candidate in update.candidates
            ]
            notice = f'"{update.notice}"' if update.notice else "(none)"
            return f"PublishRoute {update.name} -> {' '.join(targets) or notice}"
        case AnswerCaller(_, None, change):
            return f"AnswerCaller {change.value}"
        case AnswerCaller(_, error):
            return f"AnswerCaller {type(error).__name__}: {error}"
    raise AssertionError(decision)


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
