"""What `describe` prints of pipelines and experiments."""

from collections.abc import Iterator, Mapping

from seldon_core.cli.pages import condition_lines, declaration_lines, field_line, table_lines
from seldon_core.cli.seen import NOTHING, seconds_of, show_since
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.cli.seen_pipelines import SeenPipeline, state_name
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.experiment import ResourceType


def pipeline_page(seen: SeenPipeline, models: Mapping[str, str], now: float) -> Iterator[str]:
    """Yield the lines of a pipeline's page at `now`, UTC seconds.

    `seen` has all versions, and `models` the states of the models that there are.
    """
    deleted = ", deleted" if seen.is_deleted else ""
    pipeline = seen.latest.pipeline
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace)
    yield field_line("Kind", seen.kind.name)
    yield field_line("Version", f"{pipeline.version}, uid {pipeline.uid}")
    yield field_line("State", f"{seen.state}{deleted}, for {show_since(seen.changed_at, now)}")
    yield field_line("Reason", seen.latest.state.reason or NOTHING)
    reason = seen.latest.state.pipelineGwReason
    yield field_line("Gateway", ": ".join(part for part in (seen.gateway_state, reason) if part))
    yield from condition_lines(seen.conditions())
    yield from declaration_lines(seen.document())
    yield from table_lines(
        "Steps",
        ("MODEL", "STATE", "INPUTS", "TRIGGERS"),
        [_step(step, models) for step in pipeline.steps],
    )
    yield from table_lines(
        "Versions",
        ("VERSION", "STATE", "GATEWAY", "CHANGED", "REASON"),
        [_version(version, now) for version in seen.status.versions],
    )


def experiment_page(seen: SeenExperiment, members: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of an experiment's page; `members` are the states of what there is."""
    spec = seen.spec()
    routes = f"{seen.name}.experiment" + (f", {spec.default}" if spec.default else "")
    deleted = ", stopped" if seen.is_deleted else ""
    yield field_line("Name", seen.name)
    yield field_line("Namespace", seen.namespace)
    yield field_line("Kind", seen.kind.name)
    yield field_line("Active", ("yes" if seen.status.active else "no") + deleted)
    yield field_line("Reason", seen.status.statusDescription or NOTHING)
    yield field_line("Splits", f"calls to {routes}")
    yield from condition_lines(seen.conditions())
    yield from declaration_lines(seen.document())
    total = sum(one.weight for one in spec.candidates)
    rows = [
        (one.name, _share(one.weight, total, len(spec.candidates)), members.get(one.name, NOTHING))
        for one in spec.candidates
    ]
    if spec.mirror is not None:
        copies = f"copies of {spec.mirror.percent} %"
        rows.append((spec.mirror.name, copies, members.get(spec.mirror.name, NOTHING)))
    title = "MODEL" if spec.resource_type is ResourceType.MODEL else "PIPELINE"
    yield from table_lines("Members", (title, "SHARE", "STATE"), rows)


def _share(weight: int, total: int, count: int) -> str:
    share = weight / total if total else 1 / count  # weights that are all 0 are equal
    return f"{100 * share:.4g} %"


def _step(step: pb.PipelineStep, models: Mapping[str, str]) -> tuple[str, ...]:
    return (
        step.name,
        models.get(step.name, NOTHING),
        ",".join(step.inputs) or "the pipeline's",
        ",".join(step.triggers) or NOTHING,
    )


def _version(version: pb.PipelineWithState, now: float) -> tuple[str, ...]:
    state = version.state
    return (
        str(version.pipeline.version),
        state_name(state.status),
        state_name(state.pipelineGwStatus),
        show_since(seconds_of(state.lastChangeTimestamp), now),
        state.reason,
    )
