from seldon_core.transport.settings import ListenerSettings


def test_only_loopback_is_listened_on_unless_told_otherwise():
    assert ListenerSettings().host == "127.0.0.1"


def test_json_bodies_are_limited_below_all_bodies():
    settings = ListenerSettings()
    assert settings.json_bytes < settings.body_bytes
