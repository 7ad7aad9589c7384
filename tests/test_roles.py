import pytest

from seldon_core.errors import ConfigError
from seldon_core.roles import Role, parse_roles


def test_all_is_every_role():
    assert parse_roles("all") == {Role.SCHEDULER, Role.ROUTER, Role.AGENT}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("agent", {Role.AGENT}),
        ("scheduler, router", {Role.SCHEDULER, Role.ROUTER}),
        ("scheduler,agent", {Role.SCHEDULER, Role.AGENT}),
    ],
    ids=["one", "two", "those that are on one machine"],
)
def test_a_process_may_have_some_roles(text, roles):
    assert parse_roles(text) == roles


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cook", "no role 'cook'; there are scheduler, router, agent"),
        ("router,", "no role ''"),
        ("router,agent", "are two processes"),
    ],
    ids=["unknown", "a comma too many", "nothing that joins them"],
)
def test_every_other_value_is_refused_with_the_reason(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_roles(text)
