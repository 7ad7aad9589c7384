"""Everything that the program says to the person at the terminal; the only place that prints."""

import json
import logging
import math
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from seldon_core.cli.columns import aligned
from seldon_core.cli.tables import draw, tabbed
from seldon_core.config.sizes import describe_bytes
from seldon_core.errors import SeldonError
from seldon_core.resources.servers import DEFAULT_SERVERS
from seldon_core.scheduler.state import ModelState

if TYPE_CHECKING:  # `--help` prints too, and need not wait for the whole program to be imported
    from seldon_core.config.settings import Settings
    from seldon_core.protocol.inference import ModelMetadata
    from seldon_core.running import Ports
    from seldon_core.scheduler.status import ModelStatus

_log = logging.getLogger(__name__)

_EVERYWHERE = {"0.0.0.0": "localhost", "::": "localhost"}
_OPEN = "; open to the network, without authentication or TLS"
_INSIDE = "each of " + " and ".join(f"{server.name}/0" for server in DEFAULT_SERVERS)
_LONGEST_EXAMPLE = 64  # numbers: what still reads well on a terminal


# What a terminal might obey, in names and reasons that others wrote; but tabs and ends of lines.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class OutputError(SeldonError):
    """An answer could not be written: the disk is full, say."""


def say(text: str) -> None:
    """Print lines of an answer at once, also into a pipe: somebody may be waiting for them.

    Raises OutputError if they cannot be written, BrokenPipeError if nobody reads them any more.
    """
    try:
        print(_safe(text, sys.stdout), flush=True)
    except BrokenPipeError:
        raise  # click ends the program in silence
    except OSError as error:
        raise OutputError(f"the answer cannot be written: {error.strerror}") from error


def say_error(text: str) -> None:
    """Print `error: …` on standard error."""
    say_note(f"error: {text}")


def say_warning(text: str) -> None:
    """Print `warning: …` on standard error."""
    say_note(f"warning: {text}")


def say_note(text: str) -> None:
    """Print a line on standard error as it is: what a person may want to know besides."""
    print(_safe(text, sys.stderr), file=sys.stderr, flush=True)


def say_failure(text: str) -> None:
    """Print `Error: …` on standard error, as the commands of Seldon's tool end."""
    say_note(f"Error: {text}")


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, separated by tabs in Seldon's shape elsewhere."""
    if sys.stdout.isatty():
        _draw(header, rows)
    else:
        say(tabbed(header, rows))


def say_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, has_header: bool = True
) -> None:
    """Print a table: drawn on a terminal, aligned text as kubectl's elsewhere."""
    if sys.stdout.isatty() and has_header:
        _draw(header, rows)
    else:
        say(aligned(header, rows, has_header=has_header))


def _draw(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    draw(header, [[_safe(cell, sys.stdout) for cell in row] for row in rows], sys.stdout)


def _safe(text: str, stream: TextIO) -> str:
    """Return `text` with what a terminal would obey spelt out, if `stream` is one."""
    if not stream.isatty():
        return text
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Journal:
    """Tells of a replica whose process another one started, in the log that they share.

    Implements `running.Reporter`.
    """

    def __init__(self, replica: str) -> None:
        self._replica = replica

    def opened(self, ports: "Ports", settings: "Settings") -> None:
        """Say where the replica is."""
        _log.info(
            "agent process listens replica=%s inference=%s admin=%s",
            self._replica,
            _address(ports.host, ports.data or 0),
            _address(ports.control_host, ports.admin),
        )

    def refused(self, name: str, error: SeldonError) -> None:
        """Say nothing: a replica is declared nothing."""

    def loaded(
        self, models: "Sequence[ModelStatus]", refused: int, example: "ModelMetadata | None"
    ) -> None:
        """Say nothing: of single models the log tells."""

    def draining(self, timeout_s: float) -> None:
        """Say nothing: the log tells of the signal."""


class Console:
    """Tells how `serve` goes; implements `running.Reporter`.

    Of single models the log tells, of each one line: loaded, failed, or not placed. `data_folder`
    is None if the process keeps nothing, `replicas` are those inside it, in words.
    """

    def __init__(self, data_folder: Path | None, replicas: str = _INSIDE) -> None:
        self._data_folder = data_folder
        self._replicas = replicas
        self._address = ""

    def opened(self, ports: "Ports", settings: "Settings") -> None:
        """Print every port, the memory budget and where state is kept."""
        from seldon_core.config.values import is_loopback  # `--help` does without

        notice = "" if is_loopback(ports.host) else _OPEN
        if ports.data is not None:
            self._address = _address(_EVERYWHERE.get(ports.host, ports.host), ports.data)
            address = _address(ports.host, ports.data)
            _tell(f"inference   http://{address}  REST and gRPC, HTTP/1.1 and HTTP/2{notice}")
        notice = "" if is_loopback(ports.control_host) else _OPEN
        for name, port, use in (
            ("scheduler", ports.scheduler, "gRPC, for seldon-core apply, get, model …"),
            ("agent", ports.agent, "gRPC, for agents and routers in other processes"),
        ):
            if port is not None:
                _tell(f"{name:<11} {_address(ports.control_host, port)}  {use}{notice}")
        admin = _address(ports.control_host, ports.admin)
        _tell(f"admin       http://{admin}  metrics, health, status, log levels{notice}")
        memory, in_flight = settings.agent.memory, settings.payload.in_flight_bytes
        if self._replicas:
            _tell(
                f"memory      {describe_bytes(memory)} for models on {self._replicas}, "
                f"{settings.agent.over_commit_percentage} % over-commit; "
                f"{describe_bytes(in_flight)} for requests in flight"
            )
        if self._data_folder is not None:
            _tell(f"data        {self._data_folder}")
        if ports.agent is None:
            scheduler = _address(settings.scheduler.host, settings.agent.port)
            _tell(f"scheduler   {scheduler}  which this process follows; Ctrl-C stops")

    def refused(self, name: str, error: SeldonError) -> None:
        """Print why a model was not accepted."""
        say_warning(f"{name} is not served as its folder says: {error}")

    def loaded(
        self, models: Sequence["ModelStatus"], refused: int, example: "ModelMetadata | None"
    ) -> None:
        """Print how many models are served, how many were refused, and a request to paste."""
        if not models and not refused:
            _tell(
                "no models yet: declare some with `seldon-core apply`, or name a folder that holds "
                "some with --models; Ctrl-C stops"
            )
            return
        # An older version counts, which answers while the latest cannot.
        ready = sum(
            any(version.state is ModelState.AVAILABLE for version in model.versions)
            for model in models
        )
        more = f", {refused} more refused" if refused else ""
        _tell(f"serving {ready} of {len(models)} models{more}; Ctrl-C stops")
        if example is not None and _size(example) <= _LONGEST_EXAMPLE:
            _tell(f"try:  curl -s http://{self._address}/v2/models/{example.name}/infer \\")
            _tell("        -H 'content-type: application/json' \\")
            _tell(f"        -d '{_request(example)}'")

    def draining(self, timeout_s: float) -> None:
        """Print what the process waits for."""
        _tell(f"stopping; requests under way have {timeout_s:g} s, Ctrl-C again ends at once")


def _tell(text: str) -> None:
    """Print a line of `serve`, which goes on if that cannot be written or nobody reads it."""
    with suppress(OSError, OutputError):
        say(text)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _size(model: "ModelMetadata") -> int:
    return sum(math.prod(max(size, 1) for size in tensor.shape) for tensor in model.inputs)


def _request(model: "ModelMetadata") -> str:
    """Return a request that `model` accepts: one row where their number is free, all zeros."""
    inputs = []
    for tensor in model.inputs:
        shape = [max(size, 1) for size in tensor.shape]
        zero = {"BYTES": "", "BOOL": False}.get(tensor.datatype, 0)
        inputs.append(
            {
                "name": tensor.name,
                "shape": shape,
                "datatype": tensor.datatype,
                "data": [zero] * math.prod(shape),
            }
        )
    return json.dumps({"inputs": inputs}, separators=(",", ":"))
