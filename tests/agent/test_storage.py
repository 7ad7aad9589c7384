"""Where the files of models lie that are on remotes."""

import pytest

from seldon_core.agent.storage import Remotes, fetch
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.remote import Remote

SHELF = Remote("shelf", "alias", {"remote": "/models"})
HERE = Remote("here", "local")


@pytest.mark.parametrize(
    ("uri", "remote", "path"),
    [
        ("shelf:iris", SHELF, "/models/iris"),
        ("shelf://iris/v1", SHELF, "/models/iris/v1"),
        ("shelf:", SHELF, "/models/"),
        ("shelf:../../etc/passwd", SHELF, "/models/etc/passwd"),
        ("here:/models/iris", HERE, "/models/iris"),
        ("here:///models/../iris", HERE, "/iris"),
    ],
)
def test_what_is_on_a_remote_of_this_machine_is_found(uri, remote, path):
    assert fetch(uri, remote) == path


@pytest.mark.parametrize(
    ("uri", "remote", "problem"),
    [
        (
            "s3://iris",
            Remote("s3", "s3", {"token": "hunter2"}),
            "of type 's3', which is not yet supported here; supported types: alias, local",
        ),
        ("a:x", Remote("a", "alias", {"remote": "hunter2"}), "no absolute path of this machine"),
        ("a:x", Remote("a", "alias"), "an alias whose parameter 'remote' is missing"),
        ("here:iris", HERE, "here:iris: needs an absolute path behind here:"),
    ],
    ids=["type", "no path", "no parameter", "relative"],
)
def test_what_cannot_be_fetched_is_said_without_a_parameter(uri, remote, problem):
    with pytest.raises(InvalidResourceError) as caught:
        fetch(uri, remote)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_model_is_on_the_last_remote_that_was_said():
    remotes = Remotes()
    assert remotes.of("iris_1") is None
    remotes.put("iris_1", SHELF)
    remotes.put("iris_1", HERE)
    assert remotes.of("iris_1") is HERE
    for forget in (lambda: remotes.put("iris_1", None), lambda: remotes.drop("iris_1")):
        remotes.put("iris_1", HERE)
        forget()
        assert remotes.of("iris_1") is None
        forget()
