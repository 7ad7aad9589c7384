import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.interpreters import importable_by, interpreter_of, names_of


def make(folder, name):
    python = folder / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return str(python)


def test_a_server_runs_in_this_program_s_own_python_unless_it_says_more(tmp_path):
    assert interpreter_of(ServerSpec("a"), tmp_path) == sys.executable


def test_a_path_stands_above_a_name(tmp_path):
    server = ServerSpec("a", python="/opt/python", environment_name="e")
    assert interpreter_of(server, tmp_path) == "/opt/python"


def test_an_environment_is_a_folder_of_its_name(tmp_path):
    python = make(tmp_path, "fraud")
    for name in ("fraud", "registry.org:5000/team/fraud:1.2", "team/fraud@sha256:12ab"):
        assert interpreter_of(ServerSpec("a", environment_name=name), tmp_path) == python
    tagged = make(tmp_path, "fraud-1.2")
    assert interpreter_of(ServerSpec("a", environment_name="team/fraud:1.2"), tmp_path) == tagged


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("team/fraud:1", "no {0}/fraud-1/bin/python and no {0}/fraud/bin/python"),
        ("fraud", "no {0}/fraud/bin/python"),
        ("..", "no such folder in {0}"),
    ],
    ids=["image", "name", "no-name"],
)
def test_an_environment_that_is_not_there_is_named_with_its_place(name, missing, tmp_path):
    with pytest.raises(InvalidResourceError) as raised:
        interpreter_of(ServerSpec("a", environment_name=name), tmp_path)
    assert str(raised.value) == (
        f"environment: {name!r} is not on this machine: there is {missing.format(tmp_path)}"
    )


@given(st.text())
def test_no_name_leads_out_of_the_folder(environment):
    for name in names_of(environment):
        assert "/" not in name
        assert name not in ("", ".", "..")


def test_a_package_is_imported_from_where_it_is(tmp_path):
    package = tmp_path / "tree" / "seldon_core"
    assert importable_by("/other/python", package, tmp_path) == package.parent
    installed = tmp_path / "site-packages" / "seldon_core"
    assert importable_by(sys.executable, installed, tmp_path) == installed.parent


def test_another_python_finds_the_package_and_no_library_beside_it(tmp_path):
    for folder in ("old", "new"):  # as after an update
        installed = tmp_path / folder / "site-packages" / "seldon_core"
        installed.mkdir(parents=True)
        (installed.parent / "numpy").mkdir()
        for _ in range(2):
            alone = importable_by("/other/python", installed, tmp_path / "environments")
            assert [path.name for path in alone.iterdir()] == ["seldon_core"]
            assert (alone / "seldon_core").resolve() == installed


def test_a_link_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "environments").touch()
    installed = tmp_path / "site-packages" / "seldon_core"
    with pytest.raises(InvalidResourceError, match="cannot be made, by which /other/python"):
        importable_by("/other/python", installed, tmp_path / "environments")
