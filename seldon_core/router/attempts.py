"""Which replica a call is asked of next, when one could not be reached. Pure.

Nothing of a call has run on a replica that could not be reached, or that does not have the version:
it has been started anew, and the router has not heard of that. So any other of the same version may
answer. One whose connection was lost before it answered may have run the call, and may have died of
it: such a call is asked once more, of another replica if there is one, and never again.
"""

from seldon_core.errors import NotFoundError, UnreachableError
from seldon_core.router.table import Candidate, Upstream


class Attempts:
    """The attempts of one call at one version, the first of which was at `upstream`."""

    __slots__ = ("_candidate", "_is_repeated", "_lost", "_tried", "_unreached")

    def __init__(self, candidate: Candidate, upstream: Upstream) -> None:
        self._candidate = candidate
        self._tried = [upstream]
        self._lost = 0
        self._is_repeated = False
        self._unreached: UnreachableError | None = None

    def after(self, error: UnreachableError | NotFoundError) -> Upstream:
        """Return whom to ask next. Raises `error` if there is nobody left.

        But if another could not be reached, that: the version may well be there.
        """
        tried, last = self._tried, self._tried[-1]
        is_missing = isinstance(error, NotFoundError)
        if isinstance(error, UnreachableError):
            self._lost += error.was_sent
            self._unreached = error
        others = [each for each in self._candidate.upstreams if each not in tried]
        if self._lost > 1 or (not others and (self._is_repeated or is_missing)):
            raise self._unreached or error
        # Without another one the same is asked once more: it may have closed an idle connection, or
        # have been started anew. If nobody is there it says so at once.
        self._is_repeated = not others
        chosen = min(others, key=lambda each: each.in_flight, default=last)
        tried.append(chosen)
        return chosen
