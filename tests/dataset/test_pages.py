"""Long runs read every sample, whatever happens to the database's queries and to the view meanwhile."""

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest

from prompting.dataset.pages import PAGE, samples_by_page

MORE_THAN_A_QUERY_SENDS_AT_ONCE = 120


@pytest.fixture
def notes():
    dataset = fo.Dataset()
    count = MORE_THAN_A_QUERY_SENDS_AT_ONCE
    dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png", note="todo") for i in range(count)])
    yield dataset
    dataset.delete()


def close_resting_queries() -> int:
    """What the database does to queries that nobody asked for more in ten minutes; how many those were."""
    client = odm.get_db_conn().client
    of_all = [{"$currentOp": {"idleCursors": True}}, {"$match": {"type": "idleCursor"}}]
    resting = list(client.admin.aggregate(of_all))
    for query in resting:
        database, _, collection = query["ns"].partition(".")
        client[database].command("killCursors", collection, cursors=[query["cursor"]["cursorId"]])
    return len(resting)


def work(samples) -> None:
    for i, sample in enumerate(samples):
        sample["note"] = "done"
        sample.save()
        if i == 30:
            close_resting_queries()


def test_samples_that_leave_the_view_as_they_are_done_cost_no_other_its_turn(notes):
    view = notes.match(fo.ViewField("note") == "todo")
    work(samples_by_page(view, view.values("id")))
    assert notes.count_values("note") == {"done": len(notes)}


def test_one_query_for_all_would_lose_some(notes):
    """Why there are pages. Once this fails, FiftyOne goes on where it was, and they can go."""
    view = notes.match(fo.ViewField("note") == "todo")
    work(view.iter_samples())
    assert "todo" in notes.count_values("note")


def test_samples_come_in_the_order_asked_for_over_all_pages(notes):
    view = notes.sort_by("filepath", reverse=True)
    ids = view.values("id")[: PAGE + 7]
    assert [sample.id for sample in samples_by_page(view, ids)] == ids


def test_what_is_changed_is_saved_where_that_is_asked_for(notes):
    for sample in samples_by_page(notes, notes.values("id"), autosave=True):
        sample["note"] = "seen"
    assert notes.count_values("note") == {"seen": len(notes)}
