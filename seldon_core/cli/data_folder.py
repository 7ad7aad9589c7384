"""Where a process keeps its state."""

from pathlib import Path


def locate(given: str) -> Path:
    """Return the folder that the setting `data.dir` means: the user's own if it is empty."""
    if given:
        return Path(given).expanduser()
    # Imported here: it brings 1 MB with it, which whoever names a folder is spared.
    import platformdirs

    return platformdirs.user_data_path("seldon-core")
