"""The version of what the processes of this project tell each other beyond Seldon's protocol.

A process understands its own version and the one before, so that those of a deployment can be
updated one after the other.
"""

from typing import Final

from seldon_core.errors import InvalidResourceError

PROTOCOL: Final = 1

OLDEST_PROTOCOL: Final = 1
"""The one before, once there is one."""


def agreed_protocol(newest: int, oldest: int, whose: str) -> int:
    """Return the newest version that both sides understand.

    The other side understands `oldest` to `newest`; `whose` says what it is. Raises
    InvalidResourceError if there is none.
    """
    agreed = min(newest, PROTOCOL)
    if oldest > newest or agreed < max(oldest, OLDEST_PROTOCOL):
        raise InvalidResourceError(
            "protocol",
            f"the {whose} speaks versions {oldest} to {newest}, the scheduler {OLDEST_PROTOCOL} to "
            f"{PROTOCOL}; update the older of the two",
        )
    return agreed
