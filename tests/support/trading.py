"""What tests of Seldon's commands share: manifests of each kind, and what the scheduler answers."""

import json

from seldon_core.proto import scheduler_pb2 as pb

EVERYTHING = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: iris}
spec: {storageUri: ./iris}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: chain}
spec: {steps: [{name: iris}], output: {steps: [iris]}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: half, namespace: team}
spec: {candidates: [{name: iris, weight: 1}]}
"""
MODEL, PIPELINE, EXPERIMENT = EVERYTHING.split("---")


def written(folder, text):
    """Write a manifest and return its path."""
    (folder / "one.yaml").write_text(text)
    return str(folder / "one.yaml")


def printed(capsys):
    """The JSON documents that were printed, one a line."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def rows(capsys):
    """The words of each line that was printed."""
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def let_pipeline(peer, name, *states):
    """Let a pipeline be in these states, one after another."""
    peer.pipelines[name] = [
        pb.PipelineStatusResponse(
            pipelineName=name, versions=[{"state": {"status": state, "reason": "so"}}]
        )
        for state in states
    ]


def let_experiment(peer, name, *states):
    """Let an experiment be active or not, one after another."""
    peer.experiments[name] = [
        pb.ExperimentStatusResponse(
            experimentName=name, active=active, statusDescription=f"it is {active}"
        )
        for active in states
    ]
