"""`seldon model infer` and `seldon model metadata`."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from seldon_core.cli.callers import Caller, GrpcCaller, Outcome, RestCaller, read_metadata
from seldon_core.cli.output import say
from seldon_core.cli.seldon_click import read_file
from seldon_core.cli.session import keep_session, read_session
from seldon_core.cli.targets import inference_endpoint
from seldon_core.errors import InvalidRequestError
from seldon_core.transport.endpoints import Endpoint
from seldon_core.transport.rest_client import RestClient

_HEADER_NAME = re.compile(r"[0-9A-Za-z_.-]+")  # what both HTTP/1.1 and gRPC take
_BY_AUTHORITY = frozenset({"host", ":authority"})


@dataclass(frozen=True, slots=True)
class InferOptions:
    """What the flags say. With `seconds` above 0 `iterations` do not count."""

    mode: str = "rest"
    host: str | None = None
    authority: str = ""
    headers: tuple[str, ...] = ()
    shows_request: bool = False
    shows_response: bool = True
    shows_headers: bool = False
    is_sticky: bool = False
    iterations: int = 1
    seconds: int = 0


def infer(
    name: str,
    data: str | None,
    file: str | None,
    options: InferOptions,
    *,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Send a payload to a model and print the answer; of several calls, how many took which route.

    Raises SeldonError if there is no payload, an option is wrong, there is no server, or if the
    only call fails.
    """
    if options.iterations < 1:
        raise InvalidRequestError(f"--iterations {options.iterations}: at least one call is made")
    headers = [_header(text) for text in options.headers]
    payload = _payload(data, file)
    with _open_caller(name, payload, headers, options) as caller:
        if options.shows_request:
            caller.show_request()
        if options.iterations > 1 or options.seconds > 0:
            _call_often(caller, options, now)
            return
        outcome = _call(caller, options)
        if outcome.error is not None:
            raise outcome.error
        if options.shows_response:
            say(outcome.text)


def show_metadata(name: str, host: str | None, authority: str) -> None:
    """Print what a model takes and gives. Raises SeldonError if that is not answered."""
    say(read_metadata(RestClient(inference_endpoint(host, authority)), name))


@contextmanager
def _open_caller(
    name: str, payload: str, headers: Sequence[tuple[str, str]], options: InferOptions
) -> Iterator[Caller]:
    endpoint = inference_endpoint(options.host, options.authority)
    match options.mode:
        case "rest":
            client = RestClient(endpoint)
            yield RestCaller(client, name, payload, headers, shows_headers=options.shows_headers)
        case "grpc":
            with _open_grpc_caller(endpoint, name, payload, headers, options) as caller:
                yield caller
        case other:
            raise InvalidRequestError(f"Unknown infer mode {other}")


@contextmanager
def _open_grpc_caller(
    endpoint: Endpoint,
    name: str,
    payload: str,
    headers: Sequence[tuple[str, str]],
    options: InferOptions,
) -> Iterator[Caller]:
    # 0.1 s that a REST call is spared.
    from seldon_core.protocol.oip_protojson import read_request
    from seldon_core.transport.grpc_client import open_grpc

    request = read_request(payload, name)
    with open_grpc(endpoint) as client:
        yield GrpcCaller(client, name, request, headers, shows_headers=options.shows_headers)


def _call(caller: Caller, options: InferOptions) -> Outcome:
    """Call once, by the kept session if it is sticky, and keep the session of a good answer."""
    outcome = caller.call(read_session() if options.is_sticky else ())
    if outcome.error is None:
        keep_session(outcome.routes)
    return outcome


def _call_often(caller: Caller, options: InferOptions, now: Callable[[], float]) -> None:
    """Print how many calls succeeded by each route, and how many failed with which code."""
    successes: Counter[str] = Counter()
    failures: dict[str, Counter[int]] = {}
    end = now() + options.seconds
    calls = 0
    try:
        while now() < end if options.seconds > 0 else calls < options.iterations:
            outcome = _call(caller, options)
            calls += 1
            if outcome.error is None:
                successes.update(outcome.routes)
            else:
                for route in outcome.routes or ("",):
                    failures.setdefault(route, Counter())[outcome.code] += 1
    finally:  # also of what was done before the server went away, or the user had enough
        say(f"Success: {_go_map(successes)}")
        if failures:
            say(f"Errors: {_go_map({route: _go_map(codes) for route, codes in failures.items()})}")


def _go_map(entries: "dict[str, str] | Counter[str] | Counter[int]") -> str:
    """Return a mapping as Go prints it, in the order of its keys."""
    return f"map[{' '.join(f'{key}:{value}' for key, value in sorted(entries.items()))}]"


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if name.lower() in _BY_AUTHORITY:
        raise InvalidRequestError(
            f"Setting {name} via headers is not supported, please use '--authority' instead"
        )
    if not equals or not _HEADER_NAME.fullmatch(name):
        raise InvalidRequestError(f"Badly formed header {text}: use key=val")
    return name, value


def _payload(data: str | None, file: str | None) -> str:
    if data is not None and file is not None:
        raise InvalidRequestError(f"both a payload and -f {file} are given; give one of the two")
    if data is not None:
        return data
    if file is not None:
        return read_file(file)
    raise InvalidRequestError(
        "a payload is needed: give the request as an argument, or its file with -f FILE"
    )
