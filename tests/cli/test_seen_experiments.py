from seldon_core.cli.seen import HEADERS, WIDE_HEADERS
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.proto import scheduler_pb2 as pb

HALF = {
    "name": "e",
    "default": "a",
    "candidates": [{"name": "a", "weight": 60}, {"name": "b", "weight": 40}],
    "mirror": {"name": "m", "percent": 10},
}


def seen(active=True, candidates=True, experiment=HALF, description="experiment active", **fields):
    return SeenExperiment(
        pb.ExperimentStatusResponse(
            experimentName="e",
            active=active,
            candidatesReady=candidates,
            mirrorReady=True,
            statusDescription=description,
            experiment=experiment,
            **fields,
        )
    )


def test_a_row_has_a_cell_below_each_title():
    experiment = seen()
    assert dict(zip(HEADERS["Experiment"], experiment.cells(0), strict=True)) == {
        "NAME": "e",
        "READY": "True",
        "DEFAULT": "a",
        "SPLIT": "a=60,b=40,mirror:m=10%",
        "REASON": "experiment active",
    }
    wide = dict(zip(WIDE_HEADERS["Experiment"], experiment.wide_cells(0), strict=True))
    assert (wide["ACTIVE"], wide["CANDIDATES"], wide["MIRROR"], wide["OF"]) == (
        "True",
        "True",
        "True",
        "model",
    )


def test_a_long_reason_is_cut_but_in_a_wide_table():
    experiment = seen(description="r" * 100)
    assert experiment.cells(0)[-1] == "r" * 79 + "…"
    assert experiment.wide_cells(0)[-1] == "r" * 100


def test_conditions_are_seldons_and_the_first_that_fails_is_the_reason():
    conditions = seen(active=True, candidates=False).conditions()
    assert [(one.type, one.status, one.message) for one in conditions] == [
        ("ExperimentReady", "True", ""),
        ("CandidatesReady", "False", "Candidates not ready"),
        ("MirrorReady", "True", "Mirror ready"),
        ("Ready", "False", "Candidates not ready"),
    ]
    assert conditions[0].reason == "experiment active"


def test_one_of_seldons_scheduler_shows_what_that_tells():
    experiment = SeenExperiment(pb.ExperimentStatusResponse(experimentName="e"))
    assert experiment.wide_cells(0)[:4] == ("e", "False", "<none>", "<none>")
    assert experiment.state == ""


def test_nothing_is_left_of_one_that_was_stopped():
    assert (seen().is_deleted, seen().is_gone) == (False, False)
    stopped = seen(deleted=True)
    assert (stopped.is_deleted, stopped.is_gone) == (True, True)


def test_a_document_is_the_manifest_with_its_status():
    document = seen(kubernetesMeta={"generation": 4, "namespace": "team"}).document()
    assert document["kind"] == "Experiment"
    assert document["spec"]["default"] == "a"
    assert document["status"]["observedGeneration"] == 4
    assert seen(kubernetesMeta={"namespace": "team"}).namespace == "team"
    assert seen().summary == "experiment active"
