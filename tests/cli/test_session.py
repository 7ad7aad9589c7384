import pytest

from seldon_core.cli.session import keep_session, read_session
from seldon_core.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_routes_of_a_call_are_kept_for_the_next(home):
    keep_session([":iris_1:", ":p.pipeline:"])
    assert (home / ".config/seldon/cli/session").read_text() == ":iris_1:,:p.pipeline:"
    assert read_session() == [":iris_1:", ":p.pipeline:"]


def test_a_call_without_a_route_keeps_the_session_there_is(home):
    keep_session([":iris_1:"])
    keep_session([])
    assert read_session() == [":iris_1:"]


def test_a_missing_session_says_how_to_get_one():
    with pytest.raises(ConfigError, match=r"there is no session in .*so call once without it"):
        read_session()


def test_a_session_that_cannot_be_kept_is_a_warning(home, capsys):
    (home / ".config").touch()
    keep_session([":iris_1:"])
    assert "warning: the session cannot be kept in" in capsys.readouterr().err


def test_a_session_that_cannot_be_read_is_an_error(home):
    (home / ".config/seldon/cli/session").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_session()


def test_who_has_no_home_is_warned_once_a_call_went_well(monkeypatch, capsys):
    monkeypatch.setattr("os.path.expanduser", str)
    keep_session([":iris_1:"])
    assert "the session cannot be kept: this user has no home folder" in capsys.readouterr().err
