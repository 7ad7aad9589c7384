"""What it costs to find the call that a REST path means, known and seen for the first time.

python -m perf.micro.bench_dialects [SECONDS]
"""

import sys
from functools import partial
from itertools import count

from perf.micro.timing import Row, report
from seldon_core.protocol.dialects import rest_target


def main() -> int:
    """Print a line for each."""
    numbers = count()
    known = partial(rest_target, b"POST", b"/v2/models/iris/infer")
    rows: tuple[Row, ...] = (
        ("known", known),
        ("new", lambda: rest_target(b"POST", b"/v2/models/iris%d/infer" % next(numbers))),
    )
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())
