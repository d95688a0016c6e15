"""Whether a process's copy of a dataset's document is what the database has, to which others write."""

from datetime import datetime

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest

from prompting.dataset.document import is_current
from prompting.dataset.lock import editing


@pytest.fixture
def used():
    """A dataset with a field, a run, an evaluation, a view, a workspace and notes of its own."""
    dataset = fo.Dataset()
    sample = fo.Sample("a.png", truth=fo.Classification(label="a"), found=fo.Classification(label="b"))
    dataset.add_sample(sample)
    dataset.evaluate_classifications("found", "truth", eval_key="eval")
    dataset.register_run("run", dataset.init_run(threshold=0.5))
    dataset.save_view("view", dataset.limit(1))
    dataset.save_workspace("workspace", fo.Space())
    dataset.info["note"] = {"text": "hers"}
    dataset.save()
    yield dataset
    dataset.delete()


def changed(collection: str, dataset: fo.Dataset, **values) -> None:
    """As another process does it: this one's copy hears nothing."""
    which = {"_id": dataset._doc.id} if collection == "datasets" else {"_dataset_id": dataset._doc.id}
    assert odm.get_db_conn()[collection].update_one(which, {"$set": values}).modified_count == 1


def test_what_this_process_did_it_knows(used):
    assert is_current(used)
    used.add_sample_field("more", fo.FloatField)
    assert is_current(used)
    used.delete_run("run")
    used.delete_saved_view("view")
    assert is_current(used)


def test_who_opens_it_elsewhere_changes_nothing(used):
    changed("datasets", used, last_loaded_at=datetime(2026, 11, 27))
    assert is_current(used)


@pytest.mark.parametrize(
    "collection, values",
    [
        ("datasets", {"info.note.text": "another's"}),
        ("datasets", {"sample_fields": []}),
        ("datasets", {"app_config.media_fields": ["filepath", "other"]}),
        ("datasets", {"runs": {}}),
        ("datasets", {"tags": ["new"]}),
        ("runs", {"config.threshold": 0.25}),
        ("runs", {"results_meta": {"size": 3}}),
        ("views", {"description": "another's"}),
        ("workspaces", {"color": "#ff0000"}),
    ],
)
def test_what_another_process_changed_is_seen(used, collection, values):
    changed(collection, used, **values)
    assert not is_current(used)
    used._reload()
    assert is_current(used)


def test_a_run_that_another_process_deleted_is_missed(used):
    odm.get_db_conn()["runs"].delete_one({"_dataset_id": used._doc.id, "key": "run"})
    assert not is_current(used)


def test_what_was_not_saved_differs(used):
    used.info["note"] = "not saved"
    assert not is_current(used)


def test_a_turn_begins_with_what_others_changed_and_ends_with_both(used):
    changed("datasets", used, **{"info.theirs": 1})
    with editing(used):
        assert used.info["theirs"] == 1
        used.info["ours"] = 2
    with editing(used):
        used.info["ours"] = 3  # nobody else was there
    assert odm.get_db_conn()["datasets"].find_one({"_id": used._doc.id})["info"] == {
        "note": {"text": "hers"}, "theirs": 1, "ours": 3,
    }  # fmt: skip
