"""Something that is wrong with a declared resource as a whole, wherever it was declared."""

from dataclasses import dataclass

from seldon_core.errors import InvalidResourceError


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in a sentence that names the resource; `path` is the field, dotted."""

    path: str
    message: str

    def error(self, within: str = "") -> InvalidResourceError:
        """Return the error to raise; `within` is put before the path: `iris.yaml: spec.`."""
        return InvalidResourceError(f"{within}{self.path}", self.message)
