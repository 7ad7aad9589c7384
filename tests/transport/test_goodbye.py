from seldon_core.transport.goodbye import DRAIN_PING_S, Goodbye


class Engine:
    def __init__(self):
        self.told = []

    def send_shutdown_notice(self):
        self.told.append("notice")

    def ping(self):
        self.told.append("ping")

    def send_goaway(self):
        self.told.append("goaway")


def test_the_last_stream_is_named_once_after_the_ping_has_come_back():
    engine = Engine()
    goodbye = Goodbye(engine)
    assert not goodbye.say()  # an answer to a ping that nobody sent
    goodbye.begin(now=5.0)
    assert engine.told == ["notice", "ping"]
    assert goodbye.is_begun
    assert not goodbye.is_said
    assert goodbye.say()
    assert goodbye.is_said
    assert not goodbye.say()
    assert engine.told == ["notice", "ping", "goaway"]


def test_the_last_stream_is_named_without_an_answer_to_the_ping():
    engine = Engine()
    goodbye = Goodbye(engine)
    assert not goodbye.visit(100.0)
    goodbye.begin(now=5.0)
    assert not goodbye.visit(5.0)
    assert goodbye.visit(5.0 + DRAIN_PING_S)
    assert not goodbye.visit(100.0)
    assert engine.told[2:] == ["goaway"]
