from collections.abc import Iterator
from pathlib import Path

import pytest

from seldon_core.samples import write_samples
from tests.support.server import Serving, serving


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="session")
def server(samples, tmp_path_factory) -> Iterator[Serving]:
    """The samples, served by a process of its own on free ports, shared by all system tests."""
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = tmp_path_factory.mktemp("data")
    with serving(
        "serve", "--models", str(samples / "models"), "--data-dir", str(data), *ports
    ) as started:
        yield started
