import pytest
from pydantic import ValidationError

from seldon_core.resources.declared_parts import DeclaredMetadata


def test_annotations_of_others_are_taken():
    metadata = DeclaredMetadata.model_validate({"name": "a", "annotations": {"team/owner": "me"}})
    assert metadata.name == "a"
    assert metadata.annotations == {"team/owner": "me"}


def test_a_setting_of_ours_is_refused():
    document = {"name": "a", "annotations": {"x": "y", "seldon-core/timeout-ms": "5"}}
    with pytest.raises(
        ValidationError,
        match="there is no setting 'seldon-core/timeout-ms'; only models have settings",
    ):
        DeclaredMetadata.model_validate(document)
