"""Servers under test: ours, the peers and the ceilings, each on ports of its own."""

import json
import os
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from perf.harness import peers
from perf.harness.processes import ServerProcess, free_port

ROOT = Path(__file__).resolve().parents[2]
READY = "/v2/health/ready"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `port` speaks REST; `grpc_port` gRPC, and is the same port for ours."""

    label: str
    process: ServerProcess
    port: int
    grpc_port: int = 0


@dataclass(frozen=True, slots=True)
class MlserverChoice:
    """How MLServer is set up: `workers` processes beside the front end; adaptive batching."""

    workers: int
    batching: bool

    def __str__(self) -> str:
        return f"{self.workers} workers, batching {'on' if self.batching else 'off'}"


MLSERVER_CHOICES = tuple(
    MlserverChoice(workers, batching) for workers in (0, 1, 2) for batching in (False, True)
)


SELDON = f"{shlex.quote(sys.executable)} -m seldon_core serve {{arguments}}"


def start_seldon(folder: Path, models: Path, source: Path = ROOT, command: str = "") -> Server:
    """Our server with all roles, from the tree at `source`, by `command` or as usual.

    Returns when it is ready, and then each model of the folder `models`. Raises StartError.
    """
    place = Path(mkdtemp(prefix="seldon-", dir=folder))
    port = free_port()
    arguments = (
        f"--models {shlex.quote(str(models))} --host 127.0.0.1 --port {port} --scheduler-port 0 "
        f"--agent-port 0 --admin-port 0 --data-dir {shlex.quote(str(place / 'data'))}"
    )
    process = ServerProcess(
        shlex.split((command or SELDON).format(arguments=arguments)),
        place / "log",
        env={"PYTHONPATH": str(source)},
        cwd=source,
    )
    process.wait_ready(port, READY)
    for model in sorted(folder.name for folder in models.iterdir()):
        process.wait_ready(port, f"/v2/models/{model}/ready")
    return Server("seldon-core", process, port, port)


def start_two(folder: Path, models: Path, source: Path = ROOT) -> tuple[Server, Server]:
    """Our router, and our agent with the models of `models` in another process.

    Returns when both answer for each model. Raises StartError.
    """
    place = Path(mkdtemp(prefix="two-", dir=folder))
    names = sorted(path.name for path in models.iterdir())
    port, agent_port = free_port(), free_port()
    command = [sys.executable, "-m", "perf.two_processes"]
    env = {"PYTHONPATH": str(source)}
    agent = ServerProcess(
        [*command, "agent", str(agent_port), *(str(models / name) for name in names)],
        place / "agent.log",
        env=env,
        cwd=source,
    )
    agent.wait_ready(agent_port, READY)
    router = ServerProcess(
        [*command, "router", str(port), str(agent_port), *names],
        place / "router.log",
        env=env,
        cwd=source,
    )
    for name in names:
        router.wait_ready(port, f"/v2/models/{name}/ready")
    return (
        Server("seldon-core, router → agent", router, port, port),
        Server("our agent", agent, agent_port, agent_port),
    )


def start_ceiling(folder: Path, protocol: str, mode: str, model: Path | None = None) -> Server:
    """`perf.ceilings.<protocol>` in `mode`. Raises StartError."""
    place = Path(mkdtemp(prefix="ceiling-", dir=folder))
    port = free_port()
    command = [sys.executable, "-m", f"perf.ceilings.{protocol}", mode, str(port)]
    process = ServerProcess(
        [*command, *([str(model)] if model else [])],
        place / "log",
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    process.wait_listening(port)
    return Server(f"ceiling, {protocol} {mode}", process, port, port)


def start_mlserver(folder: Path, choice: MlserverChoice, model: Path | None) -> Server:
    """MLServer with the sklearn model at `model` as `iris`, or with none; a folder is code.

    Of a folder, such as `corner`, MLServer is given the class `Corner` in its file `corner.py`.
    Its debug logging is off, which it is not by default. Raises StartError, AbsentError.
    """
    program = peers.mlserver_program()
    place = Path(mkdtemp(prefix="mlserver-", dir=folder))
    port, grpc_port, metrics_port = free_port(), free_port(), free_port()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "parallel_workers": choice.workers,
        "debug": False,
    }
    (place / "settings.json").write_text(json.dumps(settings))
    if model is not None:
        batching = {"max_batch_size": 16, "max_batch_time": 0.001} if choice.batching else {}
        name, implementation = "iris", "mlserver_sklearn.SKLearnModel"
        if model.is_dir():
            name, implementation = model.name, f"{model.name}.{model.name.capitalize()}"
        model_settings = {
            "name": name,
            "implementation": implementation,
            "parameters": {"uri": str(model)},
            **batching,
        }
        (place / name).mkdir()
        (place / name / "model-settings.json").write_text(json.dumps(model_settings))
    process = ServerProcess(
        [str(program), "start", str(place)],
        place / "log",
        env={"PYTHONPATH": str(model) if model is not None and model.is_dir() else ""},
        cwd=place,
    )
    process.wait_ready(port, READY)
    return Server(f"MLServer ({choice})", process, port, grpc_port)


def start_triton(folder: Path, repository: Path) -> Server:
    """Triton with the models at `repository`. Raises StartError, AbsentError."""
    triton = peers.triton_folder()
    environment = peers.home() / "triton"
    place = Path(mkdtemp(prefix="triton-", dir=folder))
    port, grpc_port = free_port(), free_port()
    command = [
        str(triton / "bin" / "tritonserver"),
        *("--model-repository", str(repository), "--backend-directory", str(triton / "backends")),
        *("--http-address", "127.0.0.1", "--http-port", str(port)),
        *("--grpc-address", "127.0.0.1", "--grpc-port", str(grpc_port)),
        *("--allow-metrics", "false"),
    ]
    process = ServerProcess(
        command,
        place / "log",
        env={
            # The backend's stub finds its packages by the first python3 in PATH, and numpy must
            # be among them; it needs libpython.
            "PYTHONPATH": "",
            "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR")),
        },
        cwd=place,
    )
    process.wait_ready(port, READY)
    return Server("Triton (Python backend)", process, port, grpc_port)


def start_envoy(folder: Path, upstream: Server) -> Server:
    """Envoy in front of `upstream`'s REST port. Raises StartError, AbsentError."""
    program = peers.envoy_program()
    place = Path(mkdtemp(prefix="envoy-", dir=folder))
    port = free_port()
    config = place / "envoy.json"
    config.write_text(json.dumps(envoy_config(port, upstream.port)))
    command = [str(program), "--config-path", str(config), "--disable-hot-restart"]
    process = ServerProcess([*command, "--log-level", "warn"], place / "log", cwd=place)
    process.wait_ready(port, READY)
    return Server(f"Envoy → {upstream.label}", process, port)


def envoy_config(port: int, upstream_port: int) -> dict[str, object]:
    """One listener, one route, one cluster; no access log, no retries."""
    types = "type.googleapis.com/envoy.extensions.filters"
    router = {"@type": f"{types}.http.router.v3.Router"}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "model"}}],
                }
            ]
        },
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "ingress",
                    "address": _address(port),
                    "filter_chains": [{"filters": filters}],
                }
            ],
            "clusters": [
                {
                    "name": "model",
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "load_assignment": {
                        "cluster_name": "model",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(upstream_port)}}]}
                        ],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
