"""What the manifests of pipelines and experiments have in common."""

from pydantic import field_validator

from seldon_core.resources.knobs import PREFIX
from seldon_core.resources.manifest_parts import Metadata


class DeclaredMetadata(Metadata):
    """The metadata of a kind that has none of this project's own settings."""

    @field_validator("annotations")
    @classmethod
    def _has_no_settings(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.startswith(PREFIX):
                raise ValueError(f"there is no setting {name!r}; only models have settings")
        return value
