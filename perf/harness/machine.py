"""Where and with what it was measured: machine, versions, commit."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from perf.harness import peers

OURS = ("numpy", "onnxruntime", "scikit-learn", "uvloop", "httptools", "ngh2", "orjson", "protobuf")


def describe_machine() -> str:
    """Processor, count of cores, memory and system on one line."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processor(_read('/proc/cpuinfo'))}, {cores} cores, {memory:.0f} GiB, {_system()}"


def processor(cpuinfo: str) -> str:
    """The model's name out of /proc/cpuinfo's text, or `unknown processor`."""
    match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return match[1].strip() if match else "unknown processor"


def versions() -> dict[str, str]:
    """Of this interpreter and its libraries, of the peers that are installed, of the tools."""
    found = {"Python": platform.python_version()}
    for name in OURS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    for peer, packages in peers.PACKAGES.items():
        site = peers.site_packages(peers.home() / peer)
        names = [package.split("==")[0] for package in packages]
        found |= {f"{name} ({peer})": version_in(site, name) for name in names}
    found["scikit-learn (mlserver)"] = version_in(
        peers.site_packages(peers.home() / "mlserver"), "scikit-learn"
    )
    return found | {"wrk": _tool("wrk", "-v"), "h2load": _tool("h2load", "--version")}


def version_in(site_packages: Path, name: str) -> str:
    """The version of a distribution in another environment, or `absent`."""
    for found in metadata.distributions(name=name, path=[str(site_packages)]):
        return found.version
    return "absent"


def commit(tree: Path) -> str:
    """The short commit of `tree`, with `+` if files differ from it, or `no commit`."""
    head = _git(tree, "rev-parse", "--short", "HEAD")
    return f"{head}{'+' if _git(tree, 'status', '--porcelain', '-uno') else ''}" or "no commit"


def now() -> str:
    """The wall clock in UTC, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def command_line(module: str, arguments: Iterable[str] = ()) -> str:
    """The command that was run, as one would type it."""
    return " ".join(["python", "-m", module, *(arguments or sys.argv[1:])])


def _system() -> str:
    name = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read("/etc/os-release"), re.MULTILINE)
    return f"{name[1] if name else platform.system()}, kernel {platform.release()}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _git(tree: Path, *arguments: str) -> str:
    run = subprocess.run(["git", "-C", str(tree), *arguments], capture_output=True, text=True)
    return run.stdout.strip()


def _tool(name: str, option: str) -> str:
    try:
        run = subprocess.run([name, option], capture_output=True, text=True)
    except OSError:
        return "absent"
    match = re.search(r"(\d+(?:\.\d+)+)", run.stdout + run.stderr)
    return match[1] if match else "unknown"
