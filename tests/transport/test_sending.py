from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.call_stream import RpcStream
from seldon_core.transport.heads import Head
from seldon_core.transport.outgoing import Outgoing
from seldon_core.transport.sending import SEND_AHEAD, Sender
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_engine import GoneError, RecordingEngine


def sender_with(answer, has_ended):
    engine = RecordingEngine()
    shared = Shared.__new__(Shared)  # of it only limits and budget are looked at
    shared.settings, shared.budget = ListenerSettings(), InFlightBytes(1 << 30)
    stream = RpcStream(1, Head(b"POST", b"/", {}), shared, now=0.0, front=None)
    stream.has_ended = has_ended
    sender = Sender(engine, GoneError)
    sender.submit(stream, answer)
    return sender, engine, shared.budget


def test_a_large_answer_is_fed_as_it_leaves_and_counted_until_then():
    answer = Outgoing([], [bytes(SEND_AHEAD), bytes(10)], [])
    sender, engine, budget = sender_with(answer, has_ended=True)
    assert engine.told == [("response", 1, False), ("data", 1, SEND_AHEAD, False)]
    assert budget.used == SEND_AHEAD + 10
    assert not sender.refill(0.0)
    engine.queued = 0
    assert sender.refill(0.0)
    assert engine.told[2:] == [("data", 1, 10, False), ("trailers", 1)]
    assert budget.used == 0
    assert sender.is_idle


def test_an_early_answer_leaves_before_its_stream_is_reset():
    sender, engine, _ = sender_with(Outgoing([], [b"abc"]), has_ended=False)
    assert not sender.refill(0.0)
    assert not sender.is_idle
    engine.queued = 0
    assert sender.refill(0.0)
    assert engine.told[-1] == ("reset", 1, 0)
    assert sender.is_idle


def test_an_answer_whose_stream_is_gone_ends_alone():
    answer = Outgoing([], [bytes(SEND_AHEAD), bytes(10)], [])
    sender, engine, budget = sender_with(answer, has_ended=True)
    engine.queued = 0
    engine.is_gone = True
    assert not sender.refill(0.0)
    assert sender.is_idle
    assert budget.used == 0
