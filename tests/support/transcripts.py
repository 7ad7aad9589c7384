"""Transcripts of the scheduler: an event a line, and beneath it, indented, all that followed.

    ReplicaConnected mlserver/0 has=sklearn memory=100
    ModelLoadRequested iris needs=sklearn memory=10
      AnswerCaller ok
      PublishRoute iris "is loading"
      LoadOnReplica iris_1 -> mlserver/0
      = iris v1 ModelProgressing

Lines that begin with `=` are the rows of the status that changed. `#` begins a comment.
"""

import itertools
import shlex

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    LoadOnReplica,
    PublishRoute,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent


def replay(text):
    """Return `text` with the decisions that the machine makes now."""
    machine = SchedulerMachine()
    clock = itertools.count(1)
    lines, rows = [], {}
    for line in text.splitlines():
        if line.startswith(" "):
            continue
        lines.append(line)
        if not line or line.startswith("#"):
            continue
        lines += [f"  {describe(done)}" for done in machine.handle(parse_event(line, next(clock)))]
        now_rows = {row.name: describe_row(row) for row in machine.status()}
        lines += [f"  = {name} gone" for name in rows if name not in now_rows]
        lines += [f"  = {row}" for name, row in now_rows.items() if rows.get(name) != row]
        rows = now_rows
        assert violations(machine.state) == []
    return "".join(f"{line}\n" for line in lines)


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
            return ModelLoadRequested(now, parse_spec(words[0], options), caller=now)
        case "ModelUnloadRequested":
            return ModelUnloadRequested(now, words[0], caller=now)
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
        namespace=options.get("namespace", "default"),
    )


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
        case AnswerCaller(_, None):
            return "AnswerCaller ok"
        case AnswerCaller(_, error):
            return f"AnswerCaller {type(error).__name__}: {error}"
    raise AssertionError(decision)


def describe_row(row):
    text = f"{row.name} v{row.version} {row.state.value}"
    return f'{text} "{row.reason}"' if row.reason else text
