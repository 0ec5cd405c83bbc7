"""Parts over threads: every part once; nobody waits for what has not begun, and nobody is at work after a failure."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier, Event, current_thread

import pytest

from snn2hw.run import threads


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("parts", [range(0), range(1), range(3, 40, 7), range(3, 38, 7)])
def test_every_part_once(count: int, parts: range) -> None:
    seen = list[tuple[int, int]]()
    threads.in_parts(lambda first, last: seen.append((first, last)), parts, count)
    assert [n for first, last in sorted(seen) for n in range(first, last)] == list(range(parts.start, parts.stop))


def test_two_parts_are_work_for_two_threads() -> None:
    both = Barrier(2)
    threads.in_parts(lambda first, last: void(both.wait(30)), range(2), 2)


def test_a_caller_waits_for_no_thread_that_others_keep_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    release, seen = Event(), list[int]()
    with ThreadPoolExecutor(1) as full:
        others = full.submit(release.wait, 30)
        monkeypatch.setattr(threads, "pool", lambda count: full)
        threads.in_parts(lambda first, last: seen.append(first), range(9), 2)
        assert seen == list(range(9))
        assert not others.done()
        release.set()


@pytest.mark.parametrize("failing", ["caller", "other"])
def test_after_a_failure_nobody_begins_another_part_and_nobody_is_at_work(failing: str) -> None:
    here, both, failed, seen = current_thread(), Barrier(2), Event(), list[str]()

    def part(first: int, last: int) -> None:
        seen.append("begun")
        both.wait(30)
        if (current_thread() is here) == (failing == "caller"):
            failed.set()
            raise KeyboardInterrupt if failing == "caller" else ValueError
        failed.wait(30)
        threads_end.wait(0.05)  # the one that failed has time to end
        seen.append("over")

    threads_end = Event()
    with pytest.raises(KeyboardInterrupt if failing == "caller" else ValueError):
        threads.in_parts(part, range(50), 2)
    assert seen == ["begun", "begun", "over"]


def test_after_a_failure_to_begin_threads_nobody_begins_another_part(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, real = list[int](), threads.pool(3)

    class Full:
        def __init__(self) -> None:
            self.asked = 0

        def submit(self, work: Callable[[], None]) -> Future[None]:
            self.asked += 1
            if self.asked > 1:
                raise RuntimeError("can't start new thread")
            return real.submit(work)

    full = Full()
    monkeypatch.setattr(threads, "pool", lambda count: full)
    with pytest.raises(RuntimeError, match="can't start"):
        threads.in_parts(lambda first, last: (seen.append(first), Event().wait(0.01))[1] and None, range(300), 3)
    assert len(seen) < 50


def test_ctrl_c_while_the_caller_waits_is_raised_when_nobody_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What parts write to may go away then."""
    here, begun, over, waited = current_thread(), Event(), list[bool](), list[int]()

    def part(first: int, last: int) -> None:
        if current_thread() is here:
            begun.wait(30)
        else:
            begun.set()
            Event().wait(0.1)
            over.append(True)

    def interrupted(futures: list[Future[None]]) -> None:
        waited.append(len(futures))
        if len(waited) < 3:
            raise KeyboardInterrupt
        wait(futures)

    monkeypatch.setattr(threads, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        threads.in_parts(part, range(2), 2)
    assert over == [True]
    assert waited == [1, 1, 1]


def void(value: object) -> None:
    """A call for what it does."""
