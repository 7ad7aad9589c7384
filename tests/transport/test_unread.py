import asyncio

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from seldon_core.transport.unread import Unread
from tests.support.transport import EchoFront, NoRpc


def run(test):
    async def main():
        settings = ListenerSettings(
            write_idle_timeout_s=10, write_bytes_per_s=100, stall_timeout_s=2
        )
        loop, budget = asyncio.get_running_loop(), InFlightBytes(1000)
        shared = Shared(loop, settings, EchoFront(), NoRpc(), budget)
        test(Unread(shared), budget)

    asyncio.run(main())


def test_what_waits_is_counted_once():
    def test(unread, budget):
        unread.count(300)
        unread.count(300)
        unread.count(200)
        assert budget.used == 200
        unread.count(-50)  # more is counted elsewhere
        assert budget.used == 0

    run(test)


def test_a_client_that_takes_its_answers_is_not_stuck():
    def test(unread, budget):
        unread.begin(50.0, 10_000)
        assert not unread.is_stuck(55.0, 9_500)
        assert not unread.is_stuck(65.0, 8_500)

    run(test)


def test_a_client_that_takes_too_little_is_stuck():
    def test(unread, budget):
        unread.begin(50.0, 10_000)
        assert not unread.is_stuck(60.0, 9_900)
        assert unread.is_stuck(60.1, 9_900)

    run(test)


def test_what_is_only_handed_on_was_not_taken():
    def test(unread, budget):
        unread.begin(50.0)
        unread.sent += 10_000
        assert unread.is_stuck(60.1, 10_000)
        assert not unread.is_stuck(60.1, 0)

    run(test)


def test_nobody_waits_long_for_who_keeps_others_out():
    def test(unread, budget):
        unread.begin(50.0, 10)
        budget.take(1000)
        assert unread.is_stuck(52.1, 10)

    run(test)
