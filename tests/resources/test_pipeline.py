from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import PipelineSpec, PipelineStep


def test_a_pipeline_knows_its_models_and_its_namespace() -> None:
    spec = PipelineSpec("p", (PipelineStep("b"), PipelineStep("a")))

    assert spec.models == ("b", "a")
    assert spec.namespace == "default"
    assert PipelineSpec("p", meta=KubernetesMeta("team")).namespace == "team"
