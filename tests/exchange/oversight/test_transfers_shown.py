"""Transfers as people count them: what belongs together, how it ended, and how many bytes for certain."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import Entry
from exchange.oversight import transfers_shown
from exchange.oversight.opening import How, Step
from exchange.oversight.transfers_shown import Found, Outcome, Transfer, transfers_in, union

INSPECTION, DOCUMENT, OTHER = "ins_" + "0" * 26, "doc_" + "1" * 26, "doc_" + "2" * 26
ADA, BEN = "per_" + "a" * 26, "per_" + "b" * 26
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SIZES = {DOCUMENT: 100, OTHER: 100}


class Story:
    """Entries in the order of the log, a second apart unless time is let pass."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.now = START
        self._releases = 0

    def _add(self, event: str, person: str, **details: str | int) -> None:
        entry = Entry(event, self.now, person, INSPECTION, details=details)
        self.found.append(Found(len(self.found), entry))
        self.now += timedelta(seconds=1)

    def start(
        self, begin: int = 0, stop: int = 100, person: str = ADA, document: str = DOCUMENT, how: str = "release"
    ) -> str:
        self._releases += 1
        release = f"rel_{self._releases:026d}"
        self._add(f"{how}:started", person, release=release, document=document, range_start=begin, range_stop=stop)
        return release

    def end(self, release: str, sent: int, outcome: str = "completed", how: str = "release") -> None:
        started = next(one.entry for one in self.found if one.entry.details["release"] == release)
        document = str(started.details["document"])
        self._add(f"{how}:{outcome}", started.actor, release=release, document=document, bytes=sent)

    def whole(self, begin: int, stop: int, sent: int | None = None, outcome: str = "completed") -> None:
        self.end(self.start(begin, stop), stop - begin if sent is None else sent, outcome)

    def shown(self, sizes: Mapping[str, int] = SIZES) -> list[Transfer]:
        return transfers_in(self.found, sizes)


@pytest.fixture
def story() -> Story:
    return Story()


def test_one_whole_download_is_one_completed_transfer(story: Story) -> None:
    story.whole(0, 100)
    (transfer,) = story.shown()
    assert (transfer.outcome, transfer.covered, transfer.indexes) == (Outcome.COMPLETED, 100, (0, 1))


def test_many_ranges_of_one_file_are_one_transfer_and_bytes_sent_twice_count_once(story: Story) -> None:
    for begin in range(0, 100, 10):
        story.whole(begin, min(begin + 15, 100))
    (transfer,) = story.shown()
    assert (len(transfer.releases), transfer.covered, transfer.outcome) == (10, 100, Outcome.COMPLETED)
    assert transfer.indexes == tuple(range(20))


def test_a_download_that_broke_off_and_was_resumed_is_one_completed_transfer(story: Story) -> None:
    story.whole(0, 100, sent=40, outcome="broken-off")
    story.now += timedelta(minutes=9)
    story.whole(40, 100)
    (transfer,) = story.shown()
    assert transfer.outcome is Outcome.COMPLETED


def test_ranges_asked_for_at_the_same_time_are_one_transfer(story: Story) -> None:
    releases = [story.start(begin, begin + 50) for begin in (0, 50)]
    for release in reversed(releases):
        story.end(release, 50)
    (transfer,) = story.shown()
    assert (transfer.outcome, transfer.covered) == (Outcome.COMPLETED, 100)


def test_what_follows_after_more_than_ten_minutes_is_another_transfer(story: Story) -> None:
    story.whole(0, 50)
    story.now += timedelta(minutes=10, seconds=1)
    story.whole(50, 100)
    assert [transfer.outcome for transfer in story.shown()] == [Outcome.IN_PART, Outcome.IN_PART]


def test_a_request_for_the_whole_file_begins_a_transfer_of_its_own(story: Story) -> None:
    story.whole(0, 100, sent=40, outcome="broken-off")
    story.whole(0, 100)
    assert [transfer.outcome for transfer in story.shown()] == [Outcome.COMPLETED, Outcome.BROKEN_OFF]


def test_once_the_whole_file_was_handed_out_the_next_range_is_another_transfer(story: Story) -> None:
    story.whole(0, 100)
    story.whole(10, 20)
    assert [transfer.covered for transfer in story.shown()] == [10, 100]


def test_two_people_two_documents_and_two_ways_are_never_one_transfer(story: Story) -> None:
    story.start(0, 10)
    story.start(10, 20, person=BEN)
    story.start(10, 20, document=OTHER)
    story.start(10, 20, how="preview")
    assert len(story.shown()) == 4
    assert [transfer.how for transfer in story.shown()] == [How.PREVIEW, How.DOWNLOAD, How.DOWNLOAD, How.DOWNLOAD]


def test_an_end_that_nobody_recorded_is_said_and_no_byte_of_it_counted(story: Story) -> None:
    story.whole(0, 30)
    story.start(30, 100)
    (transfer,) = story.shown()
    assert (transfer.outcome, transfer.covered, transfer.ended_at) == (Outcome.NO_END, 30, None)


def test_a_whole_file_that_was_handed_out_is_completed_though_another_end_is_missing(story: Story) -> None:
    story.start(0, 50)
    story.whole(0, 60)
    story.whole(60, 100)
    (transfer,) = story.shown()
    assert (transfer.outcome, transfer.covered) == (Outcome.COMPLETED, 100)


def test_the_first_end_counts_and_an_end_without_a_beginning_is_passed_over(story: Story) -> None:
    release = story.start(0, 100)
    story.end(release, 100)
    story.end(release, 3, "broken-off")
    story.found = story.found[:3]
    assert story.shown()[0].outcome is Outcome.COMPLETED
    story.found = story.found[1:2]
    assert story.shown() == []


def test_an_empty_file_is_completed_when_its_end_says_so(story: Story) -> None:
    story.start(0, 0)
    assert story.shown({DOCUMENT: 0})[0].outcome is Outcome.NO_END
    story.whole(0, 0)
    assert story.shown({DOCUMENT: 0})[0].outcome is Outcome.COMPLETED


def test_without_the_files_size_a_completed_release_is_said_to_be_completed(story: Story) -> None:
    story.whole(0, 100)
    assert (story.shown({})[0].outcome, story.shown({})[0].size) == (Outcome.COMPLETED, None)


def test_other_events_open_nothing_and_a_new_way_of_opening_is_a_row(story: Story) -> None:
    from exchange.oversight.opening import OPENINGS, Opening  # noqa: PLC0415

    story._add("receipt:viewed", ADA, document=DOCUMENT)
    assert story.shown() == []
    story.start(how="page")
    table = {**OPENINGS, "page:started": Opening(How.PREVIEW, Step.STARTED)}
    assert [transfer.how for transfer in transfers_in(story.found, SIZES, table)] == [How.PREVIEW]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))))
def test_a_union_covers_exactly_the_bytes_of_its_spans(spans: list[tuple[int, int]]) -> None:
    joined = union(spans)
    assert {byte for span in joined for byte in range(*span)} == {byte for span in spans for byte in range(*span)}
    assert all(before[1] < after[0] for before, after in pairwise(joined))


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 100), st.integers(0, 100)), max_size=12))
def test_every_entry_stands_in_exactly_one_transfer(ranges: list[tuple[int, int, int]]) -> None:
    story = Story()
    for begin, stop, sent in ranges:
        story.end(story.start(begin, max(begin, stop)), min(sent, max(0, stop - begin)), "broken-off")
    places = [place for transfer in story.shown() for place in transfer.indexes]
    assert sorted(places) == [one.index for one in story.found]
    assert all(transfer.covered <= 100 for transfer in story.shown())


def test_one_range_asked_for_a_thousand_times_costs_each_request_once(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(1000):
        story.whole(0, 50)
    counted: list[int] = []

    def watched(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        counted.append(1)
        return union(spans)

    monkeypatch.setattr(transfers_shown, "union", watched)
    (transfer,) = story.shown()
    assert (transfer.covered, transfer.outcome) == (50, Outcome.IN_PART)
    assert len(counted) <= 2, "the pages of an officer would wait for minutes"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=25))
def test_bytes_counted_as_they_come_are_those_of_all_spans_together(spans: list[tuple[int, int]]) -> None:
    gathered = transfers_shown._Gathered()
    for start, length in spans:
        gathered._cover(start, start + length)
    together = union((start, start + length) for start, length in spans)
    assert gathered.covered == sum(stop - start for start, stop in together)
    assert gathered.sent == together
