"""`get`: show resources in a table, as manifests or by name, once or as they change."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from seldon_core.cli.columns import Columns
from seldon_core.cli.kinds import Target, parse_targets
from seldon_core.cli.lookup import Lookup, open_lookup
from seldon_core.cli.manifest_files import read_targets
from seldon_core.cli.output import say, say_columns, say_note
from seldon_core.cli.seen import HEADERS, WIDE_HEADERS, Resource
from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.resources.kubernetes import Kind
from seldon_core.resources.words import did_you_mean

FORMATS: Final = ("wide", "yaml", "json", "name")


_USUAL: Final = {"STATE": "ModelProgressing", "CHANGED": "10m30s"}


@dataclass(frozen=True, slots=True)
class GetOptions:
    """How to show resources. `output` is one of FORMATS, or "" for a table.

    `namespace` is None for all of them.
    """

    output: str = ""
    namespace: str | None = None
    is_watch: bool = False
    has_header: bool = True
    ignores_missing: bool = False


def get(
    words: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    options: GetOptions,
    scheduler_host: str | None,
) -> int:
    """Show what `words` or the manifests name; return the exit code, 1 if any of it is missing.

    With `is_watch` it goes on until the scheduler stops, which is an UpstreamError. Raises
    InvalidRequestError if nothing is named, or a kind or format is unknown, and SeldonError as
    `read_targets` does or if the scheduler cannot be reached.
    """
    if options.output and options.output not in FORMATS:
        hint = did_you_mean(options.output, FORMATS) or f"; there are: {', '.join(FORMATS)}"
        raise InvalidRequestError(f"-o: there is no format {options.output!r}{hint}")
    targets = targets_of(words, files, recursive, "get models, get model/iris")
    kinds = list(dict.fromkeys(target.kind for target in targets))
    if options.is_watch and len(kinds) > 1:
        plurals = " and ".join(kind.plural for kind in kinds)
        raise InvalidRequestError(f"--watch is for one kind of resources, not for {plurals}")
    with open_lookup(scheduler_host) as lookup:
        found, missing = _find(lookup, targets, options)
        if options.is_watch:
            with _ended_by_ctrl_c():
                _watch(lookup, kinds[0], targets, found, options)
        elif options.output in ("yaml", "json"):
            is_one = len(targets) == 1 and bool(targets[0].name)
            if found or not is_one:
                say(_document(found, is_one, options.output).rstrip("\n"))
        elif found:
            _show_tables(kinds, found, options)
        elif not missing:
            where = f" in {options.namespace} namespace" if options.namespace else ""
            say_note(f"No resources found{where}.")
    if options.ignores_missing:
        return 0
    for target in missing:
        say_note(target.not_found)
    return 1 if missing else 0


def targets_of(
    words: Sequence[str], files: Sequence[str], recursive: bool, example: str
) -> list[Target]:
    """Return what a command is about: its words or its manifests, one of the two.

    Raises InvalidRequestError, with `example`, if neither or both are given.
    """
    if bool(words) == bool(files):
        problem = "give resources or -f, not both" if words else "say which resources"
        raise InvalidRequestError(f"{problem}; for example: {example}, -f iris.yaml")
    return read_targets(files, recursive) if files else parse_targets(words)


def _find(
    lookup: Lookup, targets: Sequence[Target], options: GetOptions
) -> tuple[list[Resource], list[Target]]:
    """Return the resources that there are, and the targets that name one that there is not."""
    found: list[Resource] = []
    missing: list[Target] = []
    for target in targets:
        if not target.name:
            found += lookup.list(target.kind, options.namespace)
        elif (seen := lookup.find(target, options.namespace)) is not None:
            found.append(seen)
        else:
            missing.append(target)
    return found, missing


def _show_tables(kinds: Sequence[Kind], found: Sequence[Resource], options: GetOptions) -> None:
    """Print a table for each kind; where there are several, names have the kind before them."""
    is_first = True
    for kind in kinds:
        rows = [_row(seen, options, len(kinds) > 1) for seen in found if seen.kind is kind]
        if not rows:
            continue
        if not is_first:
            say("")
        is_first = False
        if options.output == "name":
            say("\n".join(row[0] for row in rows))
        else:
            say_columns(_header(kind, options), rows, has_header=options.has_header)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process at once for the length of a block.

    As KeyboardInterrupt it is lost if it comes while gRPC is in code of its own that may not raise.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(
    lookup: Lookup,
    kind: Kind,
    targets: Sequence[Target],
    found: Sequence[Resource],
    options: GetOptions,
) -> None:
    """Show `found`, then each of the targets when what is shown of it changes."""
    names = {target.name for target in targets}
    wanted = None if "" in names else names
    write = _writer(kind, found, options)
    shown: dict[str, object] = {}
    for seen in _first_then(found, lookup.watch(kind, options.namespace)):
        if wanted is not None and seen.name not in wanted:
            continue
        if seen.is_gone and seen.name not in shown:
            continue
        state = seen.document() if options.output in ("yaml", "json") else seen.wide_cells(0)
        if shown.get(seen.name) != state:
            shown[seen.name] = state
            write(seen)
    raise UpstreamError("the scheduler has stopped, so that there is no more to watch")


def _first_then(found: Sequence[Resource], changes: Iterator[Resource]) -> Iterator[Resource]:
    yield from found
    yield from changes


def _writer(
    kind: Kind, found: Sequence[Resource], options: GetOptions
) -> Callable[[Resource], None]:
    """Return what prints a resource when it has changed."""
    if options.output in ("yaml", "json"):
        separator = "---\n" if options.output == "yaml" else ""
        return lambda seen: say(separator + _document([seen], True, options.output).rstrip("\n"))
    if options.output == "name":
        return lambda seen: say(_row(seen, options)[0])
    header = _header(kind, options)
    # What comes later should fit as well: a state of the usual length, and an age.
    usual = tuple(_USUAL.get(title, "") for title in header)
    columns = Columns(header, [usual, *(_row(seen, options) for seen in found)])
    if options.has_header:
        say(columns.line(header))
    return lambda seen: say(columns.line(_row(seen, options)))


def _header(kind: Kind, options: GetOptions) -> tuple[str, ...]:
    return (WIDE_HEADERS if options.output == "wide" else HEADERS)[kind.name]


def _row(seen: Resource, options: GetOptions, names_kind: bool = False) -> tuple[str, ...]:
    if options.output == "name":
        return (f"{seen.kind.resource}/{seen.name}",)
    now = datetime.now(UTC).timestamp()
    cells = seen.wide_cells(now) if options.output == "wide" else seen.cells(now)
    return (f"{seen.kind.resource}/{seen.name}", *cells[1:]) if names_kind else cells


def _document(found: Sequence[Resource], is_one: bool, output: str) -> str:
    """Return the manifest of the only resource, or a List of them."""
    documents = [seen.document() for seen in found]
    if is_one:
        document: dict[str, object] = documents[0]
    else:
        document = {"apiVersion": "v1", "kind": "List", "items": documents}
    if output == "json":
        return json.dumps(document, indent=4, ensure_ascii=False)
    import yaml  # 30 ms, which a table is spared

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
