"""Kubernetes quantities (`100Ki`, `1.5M`, `2e9`) as whole bytes.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import ROUND_CEILING, Decimal

_SCALES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{suffix: Decimal(10) ** (3 * i) for i, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** i for i, suffix in enumerate("KMGTPE", start=1)},
}

# An exponent is tried first: "1e3" is a thousand, "1E" an exa. At most 30 digits, so that a
# hostile manifest cannot ask for arithmetic on a million of them.
_QUANTITY = re.compile(
    r"(?P<number>\+?[0-9]{1,30}(?:\.[0-9]{0,30})?|\+?\.[0-9]{1,30})"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>n|u|m|k|[KMGTPE]i|[MGTPE]|))",
    re.ASCII,
)

_MAX_BYTES = 2**63 - 1  # Kubernetes caps quantities at int64


def parse_bytes(quantity: str | int) -> int:
    """Return the bytes that a quantity stands for; fractions are rounded up, as Kubernetes does.

    Raises ValueError with a sentence if it is none, is negative, or exceeds 2^63 - 1.
    """
    match = _QUANTITY.fullmatch(str(quantity))
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity of memory; write for example 100Ki or 1.5Gi")
    if match["exponent"] is None:
        scale = _SCALES[match["suffix"]]
    else:
        scale = Decimal(10) ** int(match["exponent"])
    nbytes = int((Decimal(match["number"]) * scale).to_integral_value(ROUND_CEILING))
    if nbytes > _MAX_BYTES:
        raise ValueError(f"{quantity!r} is more than 2^63 - 1 bytes")
    return nbytes


def show_bytes(nbytes: int) -> str | int:
    """Return a quantity that is exactly `nbytes`: `100Ki`, `1500M`, or the number."""
    for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki", "E", "P", "T", "G", "M", "k"):
        count, rest = divmod(nbytes, int(_SCALES[suffix]))
        if count and not rest:
            return f"{count}{suffix}"
    return nbytes
