from seldon_core.transport.rare_log import RareLog


def test_what_happens_often_is_logged_once_a_second_with_how_often_it_was_not():
    log = RareLog()
    assert [log.due(now) for now in (5.0, 5.0, 5.9, 6.0, 6.5, 8.0, 9.0)] == [
        0,
        None,
        None,
        2,
        None,
        1,
        0,
    ]
