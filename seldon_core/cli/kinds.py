"""What a user means by `models`, `mlm`, `model/iris` or `models,servers`."""

from collections.abc import Sequence
from dataclasses import dataclass

from seldon_core.errors import InvalidRequestError
from seldon_core.resources.kubernetes import GROUP, KINDS, Kind
from seldon_core.resources.words import nearest

# What Seldon has besides, so that whoever asks for one hears more than that there is no such thing.
_UNSERVED = {
    "SeldonRuntime": ("seldonruntime", "seldonruntimes"),
    "SeldonConfig": ("seldonconfig", "seldonconfigs"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One resource, or with an empty `name` every one of its kind.

    With a `namespace` it is only the resource of that namespace.
    """

    kind: Kind
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind.resource}/{self.name}"

    @property
    def not_found(self) -> str:
        """What kubectl says where there is no such resource."""
        return f'Error from server (NotFound): {self.kind.resources} "{self.name}" not found'


def parse_targets(words: Sequence[str]) -> list[Target]:
    """Return what `words` name: `KIND[,KIND] [NAME …]` or `KIND/NAME …`, each resource once.

    Raises InvalidRequestError if a kind is unknown, naming the nearest, or the forms are mixed.
    """
    if not words:
        return []
    if any("/" in word for word in words):
        targets = [_parse_pair(word) for word in words]
    else:
        kinds = [parse_kind(word) for word in words[0].split(",")]
        targets = [Target(kind, name) for kind in kinds for name in words[1:] or [""]]
    return list(dict.fromkeys(targets))


def parse_kind(word: str) -> Kind:
    """Return the kind that a user calls `word`: singular, plural or short, in any case.

    The group may stand behind it: `models.mlops.seldon.io`. Raises InvalidRequestError if there is
    no such kind.
    """
    plain = word.lower().removesuffix(f".{GROUP}")
    for kind in KINDS.values():
        if plain and plain in (kind.singular, kind.plural, kind.short_name):
            return kind
    for name, words in _UNSERVED.items():
        if plain in words:
            raise InvalidRequestError(f"resources of kind {name} are not served yet")
    plurals = [kind.plural for kind in KINDS.values()]
    singulars = [kind.singular for kind in KINDS.values()]
    meant = nearest(plain, plurals if plain.endswith("s") else singulars)
    there_are = f"; there are: {', '.join(plurals)}; a model by its name is model/{word}"
    hint = f", did you mean {meant!r}?" if meant else there_are
    raise InvalidRequestError(f"there is no kind of resource {word!r}{hint}")


def _parse_pair(word: str) -> Target:
    kind, slash, name = word.partition("/")
    if not (kind and slash and name) or "/" in name or "," in kind:
        raise InvalidRequestError(
            f"{word!r} is not KIND/NAME; write all resources as KIND/NAME (model/iris model/wine), "
            "or one kind and then the names (model iris wine)"
        )
    return Target(parse_kind(kind), name)
