"""A scheduler with models, pipelines and experiments, made by events."""

from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
)
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec, PipelineStep
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.decisions import PublishRoute
from seldon_core.scheduler.declared_events import (
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.events import ModelLoadRequested, ModelReported, ModelUnloadRequested
from seldon_core.transport.control import ModelReport, ReplicaModelEvent
from tests.support.scheduler_worlds import R0

GATEWAY, ENGINE = Side.GATEWAY, Side.ENGINE


def declare_model(machine, name, now=1, **fields):
    return machine.handle(ModelLoadRequested(now, ModelSpec(name, f"/{name}", **fields), 1))


def report_model(machine, name, event="Loaded", version=1, replica=R0, now=1):
    told = ModelReport(replica, name, version, ReplicaModelEvent(event))
    return machine.handle(ModelReported(now, told))


def serve_model(machine, name, now=1):
    """Declare a model and have it loaded."""
    return [*declare_model(machine, name, now), *report_model(machine, name, now=now)]


def delete_model(machine, name, now=1):
    return machine.handle(ModelUnloadRequested(now, name, 1))


def a_pipeline(name="p", *models, **fields):
    return PipelineSpec(name, tuple(PipelineStep(model) for model in models or ("a",)), **fields)


def load_pipeline(machine, spec=None, now=1, uid="", **fields):
    spec = spec or a_pipeline()
    return machine.handle(PipelineLoadRequested(now, spec, uid or f"uid{now}", 7, **fields))


def unload_pipeline(machine, name="p", now=1):
    return machine.handle(PipelineUnloadRequested(now, name, 7))


def join(machine, member="g", side=GATEWAY, now=1):
    return machine.handle(PipelineMemberJoined(now, side, member))


def leave(machine, member="g", side=GATEWAY, now=1):
    return machine.handle(PipelineMemberLeft(now, side, member))


def acknowledge(machine, order, answer=Answer.READY, now=1, **changed):
    """Answer an order as the member that it was for."""
    told = {
        "member": order.member,
        "version": order.version.version,
        "uid": order.version.uid,
        "timestamp": order.timestamp,
        **changed,
    }
    name = order.version.spec.name
    return machine.handle(
        PipelineAcknowledged(now, order.side, pipeline=name, answer=answer, caller=7, **told)
    )


def an_experiment(name="e", *candidates, mirror=None, **fields):
    """Candidates are names, each of weight 50."""
    return ExperimentSpec(
        name,
        tuple(ExperimentCandidate(each, 50) for each in candidates),
        mirror=ExperimentMirror(mirror, 10) if mirror else None,
        **fields,
    )


def start(machine, spec, now=1):
    return machine.handle(ExperimentStartRequested(now, spec, 7))


def stop(machine, name="e", now=1):
    return machine.handle(ExperimentStopRequested(now, name, 7))


def made(decisions, kind):
    """The decisions of one kind."""
    return [each for each in decisions if isinstance(each, kind)]


def routes(decisions):
    """What was published, by name: the shares of the versions, or the notice."""
    return {
        each.update.name: [
            (f"{one.model}_{one.version}", one.weight) for one in each.update.candidates
        ]
        or each.update.notice
        for each in made(decisions, PublishRoute)
    }
