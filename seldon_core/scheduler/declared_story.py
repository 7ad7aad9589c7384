"""Tells in words what happened to pipelines and experiments."""

from typing import assert_never

from seldon_core.scheduler.declared_events import (
    DeclaredEvent,
    ExperimentRestored,
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineRestored,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_status import ExperimentStatus, PipelineStatus


def tell_pipeline(status: PipelineStatus) -> str:
    """Return what a pipeline's status is in words."""
    latest = status.latest
    ready = "its models are ready" if latest.models_ready else "its models are not all ready"
    sides = ", ".join(
        f"{side.value}: {state.value}{f' ({reason})' if reason else ''}"
        for side, state, reason in (
            (Side.ENGINE, latest.state, latest.reason),
            (Side.GATEWAY, latest.gateway_state, latest.gateway_reason),
        )
    )
    return f"version {latest.version.version} is told of as {sides}; {ready}"


def tell_experiment(status: ExperimentStatus) -> str:
    """Return what an experiment's status is in words."""
    return f"told of as {'active' if status.is_active else 'inactive'}: {status.description}"


def tell_declared_event(event: DeclaredEvent) -> str:
    """Return what happened in words, without the time."""
    match event:
        case PipelineRestored(stored=stored):
            return f"pipeline {stored.name} restored from the store"
        case PipelineLoadRequested(spec=spec):
            return f"pipeline {spec.name} declared by {event.actor or 'this process'}"
        case PipelineUnloadRequested(pipeline=name):
            return f"pipeline {name} deleted by {event.actor or 'this process'}"
        case PipelineMemberJoined(side=side, member=member):
            return f"{side.value} {member} connected"
        case PipelineMemberLeft(side=side, member=member):
            return f"{side.value} {member} is gone"
        case PipelineAcknowledged(side=side, member=member, version=version, answer=answer):
            return f"{side.value} {member} reports version {version} {answer.value}"
        case ExperimentRestored(stored=kept):
            return f"experiment {kept.name} restored from the store"
        case ExperimentStartRequested(spec=split):
            return f"experiment {split.name} declared by {event.actor or 'this process'}"
        case ExperimentStopRequested(experiment=name):
            return f"experiment {name} stopped by {event.actor or 'this process'}"
        case _:
            assert_never(event)
