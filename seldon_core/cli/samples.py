"""`seldon-core samples`: write models to try things with."""

from pathlib import Path

from seldon_core.cli.output import say
from seldon_core.errors import ConfigError
from seldon_core.samples import write_samples


def run_samples(folder: Path) -> None:
    """Write the sample models below `folder` and say how to serve them.

    Raises ConfigError if the folder cannot be written or a library is missing.
    """
    try:
        manifests = write_samples(folder)
    except OSError as error:
        raise ConfigError(f"cannot write to {str(folder)!r}: {error.strerror}") from error
    for manifest in manifests:
        say(str(manifest))
    say(f"serve them:  seldon-core serve --models {manifests[0].parent}")
