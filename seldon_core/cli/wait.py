"""`wait`: until resources are as one wants them; and until deleted ones are gone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from seldon_core.cli import seen_models, seen_pipelines
from seldon_core.cli.durations import parse_duration
from seldon_core.cli.get import targets_of
from seldon_core.cli.kinds import Target
from seldon_core.cli.lookup import Lookup, open_lookup
from seldon_core.cli.output import say, say_error, say_note
from seldon_core.cli.seen import Condition, Resource
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.cli.seen_models import SeenModel
from seldon_core.cli.seen_pipelines import SeenPipeline
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.cli.waiting import wait_until
from seldon_core.errors import InvalidRequestError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.kubernetes import EXPERIMENT, MODEL, PIPELINE, Kind
from seldon_core.resources.words import nearest

_FOREVER_S = 7 * 86_400.0  # what kubectl makes of a negative time

_VALUES = ("true", "false", "unknown")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to wait for: that a condition has a value, or, without a `name`, the end."""

    name: str = ""
    value: str = "true"

    def is_met(self, seen: Resource | None) -> bool:
        """Return whether a resource is as wanted; None is one that there is not."""
        if not self.name:
            return seen is None
        if seen is None:
            return False
        if seen.state.lower() == self.name:
            return self.value == "true"
        held = [each for each in seen.conditions() if each.type.lower() == self.name]
        status = held[0].status.lower() if held else "false"
        return status == self.value


def wait(
    words: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    wanted_text: str,
    timeout_text: str,
    namespace: str | None,
    scheduler_host: str | None,
) -> int:
    """Wait until all of the resources are as wanted; return the exit code, 1 if one never was.

    Raises InvalidRequestError if an argument is wrong, and SeldonError as `get` does.
    """
    timeout_s = parse_duration(timeout_text, "--timeout")
    targets = targets_of(words, files, recursive, "wait --for condition=ready model/iris")
    wanted = parse_wanted(wanted_text, [target.kind for target in targets])
    end = time.monotonic() + (timeout_s if timeout_s >= 0 else _FOREVER_S)
    failed = False
    with open_lookup(scheduler_host) as lookup:
        for target in lookup.each(targets, namespace):
            if wanted.name and lookup.find(target, namespace) is None:
                say_note(target.not_found)
                failed = True
                continue
            seen, is_met = _wait_for(lookup, target, namespace, wanted, end)
            if is_met:
                say(f"{target} condition met")
            else:
                say_error(timed_out(target, seen))
                failed = True
    return 1 if failed else 0


def timed_out(target: Target, seen: Resource | None) -> str:
    """Return that a wait was in vain, and what was seen at its end."""
    state = seen.summary if seen is not None else "it is gone"
    return f"timed out waiting for the condition on {target.kind.plural}/{target.name}: {state}"


def _wait_for(
    lookup: Lookup, target: Target, namespace: str | None, wanted: Wanted, end: float
) -> tuple[Resource | None, bool]:
    return wait_until(
        lambda: lookup.find(target, namespace), wanted.is_met, max(0.0, end - time.monotonic())
    )


def parse_wanted(text: str, kinds: Sequence[Kind]) -> Wanted:
    """Return what `--for` says: `condition=NAME`, `condition=NAME=VALUE` or `delete`.

    A condition may be the name of a model's state. Raises InvalidRequestError, with the nearest
    word, if it is none of these or one of `kinds` does not have the condition.
    """
    word, equals, rest = text.partition("=")
    if text.lower() == "delete":
        return Wanted()
    if word.lower() != "condition" or not equals:
        near = nearest(word, ("condition", "delete"))
        hint = (
            f", did you mean {near}{equals}{rest}?"
            if near
            else "; write condition=NAME, condition=NAME=VALUE or delete"
        )
        raise InvalidRequestError(f"--for: {text!r} is not understood{hint}")
    name, equals, value = rest.partition("=")
    value = value.lower() if equals else "true"
    if value not in _VALUES:
        raise InvalidRequestError(f"--for: a condition is true, false or unknown, not {value!r}")
    for kind in kinds:
        known = _known_conditions(kind)
        if name.lower() not in [each.lower() for each in known]:
            near = nearest(name, known)
            hint = f", did you mean {near}?" if near else f"; there are: {', '.join(known)}"
            raise InvalidRequestError(f"--for: a {kind.singular} has no condition {name!r}{hint}")
    return Wanted(name.lower(), value)


def _known_conditions(kind: Kind) -> list[str]:
    if kind.name == MODEL:
        conditions = SeenModel(pb.ModelStatusResponse()).conditions()
        return [*_types(conditions), *seen_models.state_names()]
    if kind.name == PIPELINE:
        pipeline = SeenPipeline(pb.PipelineStatusResponse())
        return [*_types(pipeline.conditions()), *seen_pipelines.state_names()]
    if kind.name == EXPERIMENT:
        return _types(SeenExperiment(pb.ExperimentStatusResponse()).conditions())
    return _types(SeenServer(pb.ServerStatusResponse()).conditions())


def _types(conditions: Sequence[Condition]) -> list[str]:
    return [condition.type for condition in conditions]
