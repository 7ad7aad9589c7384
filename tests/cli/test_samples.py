from pathlib import Path

import pytest

from seldon_core.cli import samples
from seldon_core.cli.samples import run_samples
from seldon_core.errors import ConfigError


def test_what_was_written_is_listed_with_the_way_to_serve_it(monkeypatch, capsys):
    written = [Path("here/models/iris.yaml"), Path("here/models/add10.yaml")]
    monkeypatch.setattr(samples, "write_samples", lambda folder: written)
    run_samples(Path("here"))
    assert capsys.readouterr().out.splitlines() == [
        "here/models/iris.yaml",
        "here/models/add10.yaml",
        "serve them:  seldon-core serve --models here/models",
    ]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot write to .*file"):
        run_samples(tmp_path / "file" / "below")
