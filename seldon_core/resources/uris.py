"""What a storageUri is: a URL, an rclone remote, an absolute path or a relative one."""

import posixpath
import re

# `gs://bucket/x`, and rclone's `remote:path`. A colon after the first slash belongs to a path.
_WITH_SCHEME = re.compile(r"[^/:]+:")


def is_relative(uri: str) -> bool:
    """Return whether `uri` is a path that means something only beside its manifest."""
    return not uri.startswith("/") and _WITH_SCHEME.match(uri) is None


def resolve(uri: str, folder: str) -> str:
    """Return `uri`, made absolute against the absolute path `folder` if it is relative."""
    if not is_relative(uri):
        return uri
    return posixpath.normpath(posixpath.join(folder, uri))
