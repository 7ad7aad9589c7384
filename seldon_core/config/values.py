"""What a setting's value may look like: each function here takes what a file, the environment or a
flag gives, and returns the value.

They raise ValueError with a sentence: what is wanted, what was found. They stand here, though
pydantic could do it, because importing pydantic takes 96 ms of every start and 11 MiB.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, TypeVar

from seldon_core.config.sizes import parse_bytes

Number = TypeVar("Number", int, float)


def text(value: object) -> str:
    """Return `value`, which must be text."""
    if not isinstance(value, str):
        raise ValueError(f"wanted text, found {value!r}")
    return value


def truth(value: object) -> bool:
    """Return yes or no; in the environment and in flags it is written `true` or `false`."""
    word = value.lower() if isinstance(value, str) else value
    if word in (True, "true"):
        return True
    if word in (False, "false"):
        return False
    raise ValueError(f"wanted true or false, found {value!r}")


def whole(least: int, most: int | None = None) -> Callable[[object], int]:
    """Return a reader of whole numbers from `least` to `most`, both included."""
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(value: object) -> int:
        number = _number(int, value)
        if number is None or number < least or (most is not None and number > most):
            raise ValueError(f"wanted a whole number {wanted}, found {value!r}")
        return number

    return read


def seconds(value: object) -> float:
    """Return a time above 0 in seconds."""
    number = _number(float, value)
    if number is None or not number > 0:
        raise ValueError(f"wanted a number of seconds above 0, found {value!r}")
    return number


def share(value: object) -> float:
    """Return a share from 0 to 1; a number above 1, up to 100, is percent."""
    number = _number(float, value)
    if number is None or not 0 <= number <= 100:
        raise ValueError(f"wanted a share from 0 to 1, or percent up to 100, found {value!r}")
    return number / 100 if number > 1 else number


def size(value: object) -> int:
    """Return the bytes, at least one, that `sizes.parse_bytes` finds in `value`."""
    nbytes = parse_bytes(value)
    if nbytes < 1:
        raise ValueError(f"wanted at least one byte, found {value!r}")
    return nbytes


def size_up_to(most: int) -> Callable[[object], int]:
    """Return a reader of sizes as `size`, of at most `most` bytes."""

    def read(value: object) -> int:
        nbytes = size(value)
        if nbytes > most:
            raise ValueError(f"wanted at most {most} bytes, found {value!r}")
        return nbytes

    return read


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a reader of one of `choices`, in small letters or large."""

    def read(value: object) -> str:
        word = value.lower() if isinstance(value, str) else value
        if word not in choices:
            raise ValueError(f"wanted {' or '.join(choices)}, found {value!r}")
        return str(word)

    return read


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts; in the environment and in flags it is written `a,b`."""
    if isinstance(value, str):
        return tuple(_parts(value))
    if not isinstance(value, list):
        raise ValueError(f"wanted a list of texts, found {value!r}")
    return tuple(map(text, value))


def table(read: Callable[[object], str]) -> Callable[[object], Mapping[str, str]]:
    """Return a reader of tables of what `read` reads; in the environment and in flags `a=1,b=2`."""

    def read_all(value: object) -> Mapping[str, str]:
        given: Any = value
        if isinstance(value, str):
            given = dict(part.partition("=")[::2] for part in _parts(value))
        if not isinstance(given, dict):
            raise ValueError(f"wanted a table, found {value!r}")
        return {text(name): read(entry) for name, entry in given.items()}

    return read_all


def _parts(value: str) -> list[str]:
    return [part for part in value.split(",") if part]


def _number(kind: type[Number], value: object) -> Number | None:
    """Return `value` as a number of `kind` if it is one or text that says one; yes is not 1."""
    if isinstance(value, bool) or not isinstance(value, (kind, int, str)):
        return None
    try:
        return kind(value)
    except (ValueError, OverflowError):  # no number, or one too large for a float
        return None


LOOPBACK = "127.0.0.1"


def is_everywhere(host: str) -> bool:
    """Return whether to listen there is to listen on every address of the machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether an address can only be reached from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
