"""The scheduler API's Experiment message: what it declares, and how one is echoed in statuses."""

import re
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.declaration_size import check_size
from seldon_core.protocol.model_message import kubernetes_message, kubernetes_meta
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)

# Seldon takes any; but it is sent in a header, with `.experiment` behind it.
_NAME: Final = re.compile(r"[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?", re.ASCII)
_MAX_NAME_LENGTH: Final = 253  # what Kubernetes allows for a resource

_TYPES: Final = {pb.MODEL: ResourceType.MODEL, pb.PIPELINE: ResourceType.PIPELINE}
_NUMBERS: Final = {sort: number for number, sort in _TYPES.items()}


def experiment_of(message: pb.Experiment) -> ExperimentSpec:
    """Return what `message` declares; whether it is valid beside the others is not looked at.

    Raises InvalidResourceError, with the path of the field in the message, if a part of it cannot
    be read.
    """
    if len(message.name) > _MAX_NAME_LENGTH or _NAME.fullmatch(message.name) is None:
        raise InvalidResourceError(
            "name",
            f"{message.name[:_MAX_NAME_LENGTH]!r} must be letters, digits, '-', '_' and '.', begin "
            f"and end with a letter or digit, and have at most {_MAX_NAME_LENGTH} characters",
        )
    check_size(message, "experiment")
    if message.resourceType not in _TYPES:
        raise InvalidResourceError(
            "resourceType", f"{message.resourceType} is neither MODEL (0) nor PIPELINE (1)"
        )
    mirror = None
    if message.HasField("mirror"):
        mirror = ExperimentMirror(message.mirror.name, message.mirror.percent)
    return ExperimentSpec(
        name=message.name,
        candidates=tuple(ExperimentCandidate(one.name, one.weight) for one in message.candidates),
        default=message.default if message.HasField("default") and message.default else None,
        mirror=mirror,
        resource_type=_TYPES[message.resourceType],
        sticky_sessions=message.config.stickySessions,
        meta=kubernetes_meta(message.kubernetesMeta, "kubernetesMeta")
        if message.HasField("kubernetesMeta")
        else None,
    )


def experiment_message(spec: ExperimentSpec) -> pb.Experiment:
    """Return the message that declares `spec`; what has its default value is left out of it."""
    return pb.Experiment(
        name=spec.name,
        default=spec.default,
        candidates=[
            pb.ExperimentCandidate(name=one.name, weight=one.weight) for one in spec.candidates
        ],
        mirror=None
        if spec.mirror is None
        else pb.ExperimentMirror(name=spec.mirror.name, percent=spec.mirror.percent),
        config=pb.ExperimentConfig(stickySessions=True) if spec.sticky_sessions else None,
        kubernetesMeta=kubernetes_message(spec.meta),
        resourceType=_NUMBERS[spec.resource_type],
    )
