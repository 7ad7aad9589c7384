"""Which replica a call is asked of next, when one could not be reached. Pure.

Nothing of a call has run on a replica that could not be reached, or that does not have the version:
it has been started anew, and the router has not heard of that. So any other of the same version may
answer. One whose connection was lost before it answered may have run the call, and may have died of
it: such a call is asked once more, of another replica if there is one, and never again.
"""

from collections.abc import Iterable

from seldon_core.errors import NotFoundError, UnreachableError
from seldon_core.router.table import Candidate, Upstream


class Attempts:
    """The attempts of one call at `candidate`, the first of which was at `upstream`.

    `beside` are other versions of the same model that serve while it is rolled: they answer what
    no replica of the one that was chosen does.
    """

    __slots__ = ("_beside", "_is_repeated", "_lost", "_tried", "_unreached", "candidate")

    def __init__(
        self, candidate: Candidate, upstream: Upstream, beside: Iterable[Candidate] = ()
    ) -> None:
        self.candidate = candidate
        self._beside = list(beside)
        self._tried = [upstream]
        self._lost = 0
        self._is_repeated = False
        self._unreached: dict[Upstream, UnreachableError] = {}

    def after(self, error: UnreachableError | NotFoundError) -> Upstream:
        """Return whom to ask next, for `candidate`, which may be another one from here on.

        Raises `error` if there is nobody left; but if another could not be reached, that: the
        version may well be there.
        """
        last = self._tried[-1]
        is_missing = isinstance(error, NotFoundError)
        if isinstance(error, UnreachableError):
            self._lost += error.was_sent
            self._unreached[last] = error
        others = self._others()
        if self._lost > 1 or (not others and (self._is_repeated or is_missing)):
            raise next(reversed(self._unreached.values()), error)
        # Without another one the same is asked once more: it may have closed an idle connection, or
        # have been started anew. If nobody is there it says so at once.
        self._is_repeated = not others
        chosen = min(others, key=lambda each: each.in_flight, default=last)
        self._tried.append(chosen)
        return chosen

    def _others(self) -> list[Upstream]:
        """Return who was not asked yet, of the first candidate that has anybody."""
        others = [each for each in self.candidate.upstreams if each not in self._tried]
        while not others and self._beside:
            self.candidate = self._beside.pop(0)
            others = [each for each in self.candidate.upstreams if each not in self._unreached]
        return others
