"""The parts of a Model's manifest; what each field allows is in `test_manifests`."""

from pydantic.alias_generators import to_camel

from seldon_core.resources.model_manifest import PARTS, ModelDeclaration


def test_every_part_that_refuses_unknown_fields_can_suggest_known_ones():
    parts = {
        ("spec", to_camel(name))
        for name, field in ModelDeclaration.model_fields.items()
        if "seldon_core" in str(field.annotation)
    }
    assert parts == {path for path in PARTS if len(path) == 2}


def test_the_desired_replicas_are_the_minimum_if_only_that_is_given():
    assert ModelDeclaration(storageUri="/m", minReplicas=3).desired_replicas == 3
    assert ModelDeclaration(storageUri="/m", replicas=0).desired_replicas == 0
    assert ModelDeclaration(storageUri="/m").desired_replicas == 1
