"""Experiments and pipelines as a person declares them, in a process that serves and is killed."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.server import serving

pytestmark = pytest.mark.system

CALL_TIMEOUT_S = 60
ROW = '{"inputs": [{"name": "predict", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}'
BOTH = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: half}
spec:
  default: iris
  candidates: [{name: iris, weight: 50}, {name: iris2, weight: 50}]
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: chain}
spec:
  steps: [{name: iris}, {name: iris2, inputs: [iris], tensorMap: {iris.outputs.predict: predict}}]
  output: {steps: [iris2]}
"""


class Person:
    """Types commands in a folder, against the process that is started with `start`."""

    def __init__(self, folder, models):
        self.folder, self.models = folder, models
        self.environ = {**os.environ, "HOME": str(folder)}

    def start(self):
        ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
        data = str(self.folder / "data")
        return serving("serve", "--models", str(self.models), "--data-dir", data, *ports)

    def uses(self, process):
        self.environ["SELDON_SCHEDULE_HOST"] = f"127.0.0.1:{process.ports['scheduler']}"
        self.environ["SELDON_INFER_HOST"] = f"127.0.0.1:{process.port}"

    def types(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "seldon_core", *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environ,
            timeout=CALL_TIMEOUT_S,
        )
        return done.returncode, done.stdout, done.stderr

    def routes_of(self, name, *flags):
        """Return how many of 40 calls each version answered."""
        code, out, err = self.types("model", "infer", name, ROW, "-i", "40", *flags)
        assert code == 0, err
        return {route: int(count) for route, count in re.findall(r":(\w+)::(\d+)", out)}


def test_an_experiment_splits_calls_and_outlives_a_kill(samples, tmp_path):
    person = Person(tmp_path, samples / "models")
    (tmp_path / "both.yaml").write_text(BOTH)
    with person.start() as process:
        person.uses(process)
        code, out, _ = person.types("apply", "-f", "both.yaml")
        assert (code, out.splitlines()) == (
            0,
            [
                "experiment.mlops.seldon.io/half created",
                "pipeline.mlops.seldon.io/chain created",
            ],
        )
        code, _, err = person.types(
            "wait", "--for", "condition=ready", "experiment/half", "--timeout", "30s"
        )
        assert code == 0, err
        for name in ("half.experiment", "iris"):
            split = person.routes_of(name)
            assert sum(split.values()) == 40
            assert min(split["iris_1"], split["iris2_1"]) >= 5  # by chance one time in a million
        assert len(person.routes_of("iris", "-s")) == 1  # stays with whoever answered last
        assert person.types("apply", "-f", "both.yaml")[1].count("unchanged") == 2
        process.stop(signal.SIGKILL)

    with person.start() as process:
        person.uses(process)
        code, out, _ = person.types("experiment", "status", "half", "-w", "-t", "30")
        assert code == 0
        assert json.loads(out)["candidatesReady"] is True
        assert set(person.routes_of("iris")) == {"iris_1", "iris2_1"}
        code, out, _ = person.types("pipeline", "status", "chain")
        state = json.loads(out)["versions"][0]["state"]
        assert (state["status"], state["modelsReady"]) == ("PipelineCreate", True)
        assert "no dataflow engine is connected" in state["reason"]
        code, _, err = person.types("model", "infer", "chain.pipeline", ROW)
        assert code != 0
        assert "no dataflow engine is connected" in err

        assert person.types("delete", "-f", "both.yaml")[0] == 0
        assert person.routes_of("iris") == {"iris_1": 40}
        code, _, err = person.types("model", "infer", "half.experiment", ROW)
        assert "experiment 'half' not found" in err
        assert person.types("get", "pipelines,experiments")[2].strip() == "No resources found."
