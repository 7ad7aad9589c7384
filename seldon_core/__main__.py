"""`python -m seldon_core` is `seldon-core`."""

from seldon_core.cli.main import main

main()
