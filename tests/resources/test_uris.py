"""Which storageUris need their manifest's folder, and what they become."""

import pytest

from seldon_core.resources.uris import is_relative, resolve


@pytest.mark.parametrize(
    ("uri", "resolved"),
    [
        ("iris", "/models/here/iris"),
        ("./iris", "/models/here/iris"),
        ("../artifacts/iris", "/models/artifacts/iris"),
        ("with/a:colon", "/models/here/with/a:colon"),
    ],
)
def test_a_relative_path_starts_at_its_manifests_folder(uri, resolved):
    assert is_relative(uri)
    assert resolve(uri, "/models/here") == resolved


@pytest.mark.parametrize(
    "uri", ["/mnt/models/iris", "gs://seldon-models/iris", "file:///mnt/iris", "minio:models/iris"]
)
def test_a_url_a_remote_and_an_absolute_path_stay(uri):
    assert not is_relative(uri)
    assert resolve(uri, "/models/here") == uri
