# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work with one store: its requests in threads, with a time limit and the patience with a store that is away."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed

Result = t.TypeVar("Result")
Future = concurrent.futures.Future


def store_patience(seconds: float, log: t.Optional[RunLog] = None) -> Patience:
    """Return the patience with a store.

    :param seconds: 0 to try once
    """
    return Patience(seconds, "the object store", log)


class Work:
    """The threads of one store, which share a deadline.

    Requests run in threads and the main thread waits for them: a library would treat an exception that a signal raises
    during a request as a failure of the network.

    :param work: the name of the work in error messages, such as ``the upload``
    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param patience: with a store that is away
    :param parallel: requests at a time
    """

    def __init__(self, *, work: str, timeout: t.Optional[int], patience: Patience, parallel: int = 1) -> None:
        self._work = work
        self.deadline = Deadline(timeout, work, StoreFailed)
        self._pool = Threads(parallel)
        self.patience = patience
        self.parallel = parallel

    def stop(self) -> None:
        """Return when no request is running."""
        self.deadline.stop()
        self._pool.shutdown()

    def call(self, action: t.Callable[..., Result], *arguments: t.Any) -> Result:
        """Run *action* in a thread, again while the patience lasts, and wait for its result. From the main thread.

        :param action: makes one attempt, and can be repeated: one of the store's primitives
        :raises Refused: when the server refuses it
        :raises StoreFailed: when the server cannot be reached, or not in time
        """
        return self.wait([self.start(action, *arguments)])[0]

    def start(self, action: t.Callable[..., Result], *arguments: t.Any) -> Future[Result]:
        """Run *action* in a thread, again while the patience lasts. From the main thread."""
        return self._pool.submit(self.patiently, lambda: action(*arguments))

    def patiently(self, action: t.Callable[[], Result]) -> Result:
        """Call *action*, which makes one attempt, until it succeeds or the patience ends. From one of the threads."""
        return self.patience.attempt(action, self.deadline.pause)

    def wait(self, requests: t.Sequence[Future[Result]]) -> t.List[Result]:
        """Return the results of *requests*, in their order; raise the error of the first that fails, at once."""
        try:
            for request in concurrent.futures.as_completed(requests, self.deadline.remaining()):
                request.result()
        except concurrent.futures.TimeoutError:
            raise self.deadline.passed() from None
        return [request.result() for request in requests]

    def cancel(self, seconds: int) -> None:
        """Return when no request is running, and allow *seconds* for the requests that clean up."""
        self.deadline.stop()
        self._pool.shutdown(cancel_futures=True)
        self._pool = Threads(self.parallel)
        self.deadline = Deadline(seconds, f"cleaning up after {self._work}", StoreFailed)
