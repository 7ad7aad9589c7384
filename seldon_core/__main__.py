"""`python -m seldon_core` is `seldon-core`."""

import sys

LACKS_LIBRARY = 78  # EX_CONFIG; whoever starts an agent in another Python looks for it

try:
    from seldon_core.cli.main import main

    main()
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] == "seldon_core":
        raise
    sys.stderr.write(
        f"{sys.executable} lacks the library {error.name!r}, which seldon-core needs; "
        f"install seldon-core there: {sys.executable} -m pip install seldon-core\n"
    )
    sys.exit(LACKS_LIBRARY)
