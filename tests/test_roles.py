import pytest

from seldon_core.errors import ConfigError
from seldon_core.roles import Role, parse_roles


def test_all_is_every_role():
    assert parse_roles("all") == {Role.SCHEDULER, Role.ROUTER, Role.AGENT}


@pytest.mark.parametrize(
    ("text", "message"),
    [("router", "process of its own yet"), ("cook", "no such role")],
    ids=["known", "unknown"],
)
def test_every_other_value_is_refused_with_the_reason(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_roles(text)
