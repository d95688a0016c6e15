"""The tests' copies of datasets are FiftyOne's clones, but for the time that they take."""

import fiftyone as fo
import fiftyone.core.odm as odm
import numpy as np
import pytest

from tests.copies import LISTS, RUNS, copy_of
from tests.storing import timeless

OWN = {"name", "slug", "sample_collection_name", "timestamp"}


@pytest.fixture
def source():
    """Samples with masks, an index, an evaluation with results, a run, a view and a workspace."""
    dataset = fo.Dataset()
    mask = fo.Segmentation(mask=np.eye(4, dtype=np.uint8))
    dataset.add_samples([fo.Sample(f"{i}.png", truth=mask, found=mask, tags=["a"]) for i in range(3)])
    dataset.create_index("tags")
    dataset.evaluate_segmentations("found", "truth", eval_key="eval", progress=False)
    dataset.register_run("run", dataset.init_run(threshold=0.5))
    dataset.save_view("view", dataset.limit(1))
    dataset.save_workspace("workspace", fo.Space())
    dataset.info["note"] = {"text": "hers"}
    dataset.default_mask_targets = {1: "person"}
    dataset.save()
    yield dataset
    dataset.delete()


def stored(dataset: fo.Dataset) -> dict:
    """All that the database has of it, but for what is another one's in each."""
    database = odm.get_db_conn()
    document = timeless(database.datasets.find_one({"_id": dataset._doc.id}))
    keys = {key: sorted(document.pop(key) or {}) for key in RUNS} | {key: len(document.pop(key)) for key in LISTS}
    referred = [
        timeless({key: value for key, value in one.items() if key not in {"results", *OWN}})
        for collection in ("runs", *LISTS.values())
        for one in database[collection].find({"_dataset_id": dataset._doc.id}).sort("key")
    ]
    samples = database[dataset._sample_collection_name]
    return {
        "document": {key: value for key, value in document.items() if key not in OWN and value not in (None, [], {})},
        "keys": keys,
        "referred": referred,
        "samples": timeless(list(samples.find())),
        "indexes": samples.index_information(),
        "results": dataset.load_evaluation_results("eval").pixel_confusion_matrix.tolist(),
    }


def test_a_copy_is_a_clone(source):
    copy, clone = copy_of(source), source.clone()
    try:
        assert stored(copy) == stored(clone)
        assert {field.created_at for field in copy.get_field_schema().values()} == {copy.created_at}
    finally:
        clone.delete()
        copy.delete()


def test_what_becomes_of_a_copy_is_nothing_to_its_source(source):
    before, copy = stored(source), copy_of(source, "named", persistent=True)
    assert copy.name == "named" and copy.persistent
    copy.set_values("found", [None] * 3)
    copy.add_sample_field("more", fo.FloatField)
    copy.delete_saved_view("view")
    copy.delete()
    source.reload()
    assert stored(source) == before
