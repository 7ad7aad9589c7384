"""The parts of the pages that `describe` prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from seldon_core.cli.columns import aligned
from seldon_core.cli.seen import NOTHING, Condition, seconds_of, show_time
from seldon_core.proto import control_pb2

_LABEL: Final = 14  # columns for the names of fields


def field_line(name: str, value: str) -> str:
    """Return a line with the name of a field and its value."""
    return f"{name + ':':<{_LABEL}}{value}"


def declaration_lines(manifest: Mapping[str, object]) -> Iterator[str]:
    """Yield what the user wrote, as YAML: annotations and spec of a manifest."""
    import yaml

    metadata, spec = manifest["metadata"], manifest["spec"]
    assert isinstance(metadata, dict)
    assert isinstance(spec, dict)
    annotations = {"annotations": metadata["annotations"]} if "annotations" in metadata else {}
    text = yaml.safe_dump({**annotations, **spec}, sort_keys=False, allow_unicode=True)
    yield "Declared:"
    for line in text.splitlines():
        yield f"  {line}"


def table_lines(
    title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    """Yield a table below its title."""
    yield f"{title}:"
    if not rows:
        yield f"  {NOTHING}"
        return
    for line in aligned(header, rows).splitlines():
        yield f"  {line}"


def story_lines(story: Sequence[control_pb2.Chapter]) -> Iterator[str]:
    """Yield what happened, event by event, each with what was decided on it."""
    yield "Story:"
    if not story:
        yield f"  {NOTHING}"
    for chapter in story:
        when = show_time(seconds_of(chapter.time))
        yield f"  {when}  event {chapter.eventId}: {chapter.event}"
        for decision in chapter.decisions:
            yield f"      {decision}"


def condition_lines(conditions: Sequence[Condition]) -> Iterator[str]:
    """Yield what can be waited for, and whether it holds."""
    yield from table_lines(
        "Conditions",
        ("TYPE", "STATUS", "REASON", "MESSAGE"),
        [(one.type, one.status, one.reason or "-", one.message) for one in conditions],
    )
