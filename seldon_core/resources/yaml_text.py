"""Reads JSON or YAML in which secrets may stand: what is wrong with it is told by where alone."""

import json
from typing import Any

import yaml


def parse_text(text: str) -> Any:
    """Return what `text` says. Raises ValueError, a sentence without a word of the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:  # its own words may be those of the text
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"it is neither JSON nor YAML without aliases{where}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):
        raise ValueError("it is neither JSON nor YAML without aliases") from None


class _Loader(yaml.SafeLoader):
    """Knows no aliases: with a few of them a small text is a large value."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]  # the vendor's
            raise yaml.MarkedYAMLError(problem_mark=event.start_mark)
        return super().compose_node(parent, index)
