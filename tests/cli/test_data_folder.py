from pathlib import Path

import platformdirs

from seldon_core.cli.data_folder import locate


def test_a_folder_that_is_given_is_the_one(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert locate("data/here") == Path("data/here")
    assert locate("~/data") == Path("/somewhere/data")


def test_otherwise_it_is_the_users_own():
    assert locate("") == platformdirs.user_data_path("seldon-core")
