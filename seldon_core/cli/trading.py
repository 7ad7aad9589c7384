"""What Seldon's tool does with models, pipelines and experiments alike."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import Message

from seldon_core.cli.control import open_scheduler_client, say_message, say_request
from seldon_core.cli.declarations import Named, read_declared, read_named
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trades import TRADES
from seldon_core.cli.waiting import wait_until
from seldon_core.errors import DeadlineError, InvalidRequestError
from seldon_core.resources.declared_kinds import kind_of
from seldon_core.resources.words import did_you_mean
from seldon_core.transport.control_client import SchedulerClient

ALL: Final = tuple(TRADES)


def load_all(
    file: str, kinds: Sequence[str], options: ControlOptions, *, is_quiet: bool = False
) -> None:
    """Declare everything of a file, in its order, and print each answer unless it `is_quiet`.

    `-` is standard input. Nothing is declared if any part of the file is wrong, or of another kind
    than `kinds`. Raises SeldonError if that is so, the scheduler refuses something or cannot be
    reached.
    """
    requests = [
        (TRADES[kind_of(spec)], TRADES[kind_of(spec)].load_request(spec))
        for spec in read_declared(file, kinds)
    ]
    with open_scheduler_client(options) as client:
        for trade, request in requests:
            say_request(request, options)
            answer = trade.load(client, request)
            if not is_quiet:
                say_message(answer)


def unload_given(name: str | None, file: str | None, kind: str, options: ControlOptions) -> None:
    """Delete what is named, or what a file names. Quiet, unless verbose.

    Raises InvalidRequestError unless exactly one of them is given, SeldonError as `load_all`.
    """
    what = kind.lower()
    article = "an" if what[0] in "aeiou" else "a"
    if (name is None) == (file is None):
        raise InvalidRequestError(
            f"name {article} {what} or give its manifest with -f FILE, one of the two"
            if name is None
            else f"both the {what} {name!r} and -f {file} are given; give one of the two"
        )
    named = [(kind, name)] if name is not None else read_named(file or "", [kind])
    _unload_each(named, options, is_quiet=not options.verbose)


def unload_all(file: str, options: ControlOptions) -> None:
    """Delete everything that a file names and print each answer."""
    _unload_each(read_named(file, ALL), options, is_quiet=False)


def show_all_status(file: str, must_wait: bool, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of everything that a file names, once each is ready if asked to wait.

    Raises SeldonError as `show_status`; `timeout_s` is for each.
    """
    named = read_named(file, ALL)
    with open_scheduler_client(options) as client:
        for kind, name in named:
            say_request(TRADES[kind].status_request(name), options)
            condition = TRADES[kind].ready if must_wait else ""
            say_message(_await(client, kind, name, condition, timeout_s))


def show_status(
    kind: str,
    name: str,
    condition: str,
    timeout_s: int,
    options: ControlOptions,
    *,
    marks_success: bool = False,
) -> None:
    """Print the status of a resource, once it is in the state `condition` unless that is "".

    If it `marks_success`, an empty message is printed after a wait.
    Raises DeadlineError if it is not reached in time, and SeldonError if the scheduler does not
    know the resource or cannot be reached.
    """
    with open_scheduler_client(options) as client:
        say_request(TRADES[kind].status_request(name), options)
        seen = _await(client, kind, name, condition, timeout_s)
        say_message(type(seen)() if condition and marks_success else seen)


def check_state(kind: str, condition: str, states: Sequence[str]) -> None:
    """Raise InvalidRequestError, with the nearest of `states`, if `condition` is none of them."""
    if condition and condition not in states:
        hint = did_you_mean(condition, states) or f"; there are: {', '.join(states)}"
        raise InvalidRequestError(
            f"there is no {kind.lower()} state {condition!r} to wait for{hint}"
        )


def _await(
    client: SchedulerClient, kind: str, name: str, condition: str, timeout_s: int
) -> Message:
    """Return a status once it is as wanted; the error begins with the words of Seldon's tool."""
    trade = TRADES[kind]
    seen, is_met = wait_until(
        lambda: next(trade.status(client, trade.status_request(name)), trade.nothing(name)),
        lambda status: not condition or trade.state_of(status)[0] == condition,
        timeout_s,
    )
    if not is_met:
        state, reason = trade.state_of(seen)
        raise DeadlineError(
            f"{kind} wait status timeout\n{name} is in state {state} after {timeout_s} s"
            f"{': ' if reason else ''}{reason}"
        )
    return seen


def _unload_each(named: Sequence[Named], options: ControlOptions, *, is_quiet: bool) -> None:
    with open_scheduler_client(options) as client:
        for kind, name in named:
            request = TRADES[kind].unload_request(name)
            say_request(request, options)
            answer = TRADES[kind].unload(client, request)
            if not is_quiet:
                say_message(answer)
