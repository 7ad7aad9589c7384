"""Install the peers that the scenarios are measured beside, outside the tree.

    python -m perf.peers [mlserver|triton|envoy|perf_analyzer|h2spec|tools ...]

Those of Python go into a virtual environment each, below SELDON_CORE_PEERS (default: the user's
cache folder). h2spec measures nothing, it checks the protocol, and it is built there with Go;
perf_analyzer is a client, Triton's. These two and MLServer are what `make test` needs. What is
already there is left as it is. Needs only the standard library.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from ctypes.util import find_library
from pathlib import Path

from perf.harness import peers

MODULE = Path(__file__).parent / "h2spec"
H2SPEC_SOURCE = "github.com/summerwind/h2spec/cmd/h2spec"
TOOLS = Path(__file__).parent.parent / "scripts" / "tools"
STUB = "triton_python_backend_stub"


def installed(environment: Path, packages: tuple[str, ...]) -> bool:
    """Whether each of `packages` (`name==version`) is in `environment` at that version."""
    folder = peers.site_packages(environment)
    names = (package.replace("-", "_").replace("==", "-") for package in packages)
    return all((folder / f"{name}.dist-info").is_dir() for name in names)


def install(name: str) -> None:
    """Make the environment of the peer `name`, unless it is there."""
    environment = peers.home() / name
    packages = peers.PACKAGES[name]
    if installed(environment, packages):
        print(f"{name}: present, {', '.join(packages)}")
    else:
        print(f"{name}: installing {', '.join(packages)} into {environment}", flush=True)
        environment.parent.mkdir(parents=True, exist_ok=True)
        venv.create(environment, with_pip=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", *(["--no-deps"] if name in peers.ALONE else [])]
        subprocess.run([*pip, *packages], check=True)
    if name == "triton":
        link_stub(peers.site_packages(environment) / "pytriton" / "tritonserver")
    elif name == "perf_analyzer" and find_library("b64") is None:
        subprocess.run([TOOLS, "--package", peers.LIBB64])  # which says what is wrong, if anything


def link_stub(triton: Path) -> None:
    """Put the Python backend's stub for this Python where tritonserver looks for it.

    The wheel has one for each Python version, and its launcher copies the right one; we start the
    server directly. The stub needs libpython as a shared library.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = triton / "python_backend_stubs" / version / STUB
    link = triton / "backends" / "python" / STUB
    if not stub.exists():
        print(f"triton: the wheel has no Python backend for Python {version}")
    elif not link.exists():
        link.symlink_to(os.path.relpath(stub, link.parent))
    if not sysconfig.get_config_var("Py_ENABLE_SHARED") and not shutil.which("ldconfig"):
        print("triton: the Python backend needs libpython as a shared library")


def install_h2spec() -> None:
    """Build h2spec with Go from pinned sources, unless it is there.

    Raises FileNotFoundError without Go, CalledProcessError if it cannot be built.
    """
    folder = peers.h2spec_folder()
    if (folder / "h2spec").exists():
        print(f"h2spec: present, {peers.H2SPEC}")
        return
    print(f"h2spec: building {peers.H2SPEC} into {folder}", flush=True)
    command = ["go", "install", "-mod=readonly", H2SPEC_SOURCE]
    subprocess.run(command, cwd=MODULE, env={**os.environ, "GOBIN": str(folder)}, check=True)


def install_tools() -> None:
    """Install the load generators with apt-get if that is allowed, else say what is missing."""
    missing = [package for tool, package in peers.TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        print("tools: present, " + ", ".join(peers.TOOLS))
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            print(f"tools: missing; as root: {' '.join(command)}")
            return
        command = ["sudo", "--non-interactive", *command]
    print(f"tools: {' '.join(command)}", flush=True)
    if shutil.which("apt-get") is None or subprocess.run(command).returncode:
        print(f"tools: not installed; install them yourself: {' '.join(missing)}")


def main(names: list[str]) -> int:
    others = {"h2spec": install_h2spec, "tools": install_tools}
    for name in names or [*peers.PACKAGES, *others]:
        if name in others:
            others[name]()
        elif name in peers.PACKAGES:
            install(name)
        else:
            print(f"{name} is no peer; there are {', '.join([*peers.PACKAGES, *others])}")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
