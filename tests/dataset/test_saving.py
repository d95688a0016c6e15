"""What is written into samples that were read for something else: that alone, and as far as there is room."""

import weakref

import bson
import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
import pytest

from prompting.dataset import saving
from prompting.dataset.saving import writing


@pytest.fixture
def dataset():
    dataset = fo.Dataset()
    dataset.add_samples(
        [fo.Sample(f"{i}.png", mask=fo.Segmentation(mask=np.full((4, 5), i, np.uint8))) for i in range(3)]
    )
    dataset.add_sample_field("score", fo.FloatField)
    dataset.add_sample_field("found", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    dataset.add_sample_field("parts", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    dataset.add_sample_field("parts.miss", fo.FloatField)
    yield dataset
    dataset.delete()


def noise(megabytes: float) -> fo.Segmentation:
    """A mask that compresses to no less than its size."""
    rows = round(megabytes * 1024)
    return fo.Segmentation(mask=np.random.default_rng(0).integers(0, 256, (rows, 1024), np.uint8))


def test_what_is_written_is_there_and_nothing_else_changed(dataset):
    before, held = [sample.mask.id for sample in dataset], dataset.first()
    with writing(dataset) as writer:
        for i, sample in enumerate(dataset.select_fields("mask")):
            found = fo.Segmentation(mask=sample.mask.mask + np.uint8(1))
            parts = fo.DynamicEmbeddedDocument(miss=i / 10)
            writer.write(sample.id, {"score": i / 2, "found": found, "parts": parts})
    assert list(dataset.values(["score", "parts.miss"])) == [[0, 0.5, 1], [0, 0.1, 0.2]]
    assert [sample.mask.id for sample in dataset] == before
    assert all(np.array_equal(sample.found.mask, sample.mask.mask + 1) for sample in dataset)
    assert held.score == 0 and held.found is not None  # a sample that a person holds knows it


def test_nothing_that_was_read_is_compressed_again(dataset, monkeypatch):
    compressed, original = [], fou.serialize_numpy_array
    monkeypatch.setattr(
        fou, "serialize_numpy_array", lambda array, **kwargs: compressed.append(1) or original(array, **kwargs)
    )
    with writing(dataset) as writer:
        for sample in dataset.select_fields("mask"):
            writer.write(sample.id, {"score": 0.5})
    assert not compressed and dataset.values("score") == [0.5] * 3


def test_a_large_mask_is_read_back_by_fiftyone_as_it_was(dataset):
    mask = np.zeros((1100, 1000), np.uint8)
    mask[200:900, 300:800] = 1
    found = fo.Segmentation(mask=mask, tags=["seen"])
    with writing(dataset) as writer:
        writer.write(dataset.first().id, {"found": found})
    assert found.mask is mask
    stored = dataset.first().found
    assert (stored.id, stored.tags, stored.mask.dtype) == (found.id, ["seen"], mask.dtype)
    assert np.array_equal(stored.mask, mask)


def test_detections_are_made_one_after_the_other_and_read_back_as_they_were(dataset, monkeypatch):
    """Of a crowd's masks one at a time is there; where many are large, the room in a document counts again."""
    dataset.add_sample_field("people", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    monkeypatch.setattr(saving, "ROOMY", 2**17)
    masks = [noise(1.5).mask > 250 for _ in range(6)] + [np.ones((3, 4), bool)]
    made, most = [], []

    def people():
        for i, mask in enumerate(masks):
            mask = mask.copy()
            made.append(weakref.ref(mask))
            yield fo.Detection(label="person", bounding_box=[0, 0, 1, 1], mask=mask, index=i)
            del mask
            most.append(sum(one() is not None for one in made))

    sample_id = dataset.values("id")[1]
    with writing(dataset) as writer:
        writer.write(sample_id, [("people", people()), ("score", 0.5)])
    found = dataset[sample_id].people.detections
    assert [(d.label, d.index, d.mask.dtype) for d in found] == [("person", i, bool) for i in range(len(masks))]
    assert all(np.array_equal(detection.mask, mask) for detection, mask in zip(found, masks, strict=True))
    assert max(most) <= 2
    stored = dataset._sample_collection.find_one({"_id": bson.ObjectId(sample_id)})["people"]["detections"]
    sizes = [len(d["mask"]) for d in stored]
    assert sizes[0] > sizes[5] == len(fou.serialize_numpy_array(masks[5])) and sum(sizes) > 2**17


def test_nothing_is_written_in_place_of_a_value(dataset):
    dataset.set_values("score", [0.5] * 3)
    with writing(dataset) as writer:
        writer.write(dataset.values("id")[1], {"score": None, "mask": None})
    assert dataset.values("score") == [0.5, None, 0.5]
    assert [sample.mask is None for sample in dataset] == [False, True, False]


def test_what_waits_is_written_when_an_error_ends_it(dataset):
    with pytest.raises(KeyError), writing(dataset) as writer:
        writer.write(dataset.first().id, {"score": 1.0})
        raise KeyError
    assert dataset.values("score") == [1, None, None]


def test_a_sample_without_room_keeps_what_fits_and_the_others_keep_all(dataset):
    """MongoDB keeps 16 MB of a sample."""
    ids = dataset.values("id")
    with writing(dataset, parts=[["found"]]) as writer:
        for sample_id in ids:
            writer.write(sample_id, {"score": 0.5, "found": noise(17 if sample_id == ids[1] else 0.01)})
    assert list(writer.refused) == [ids[1]] and "16 MB" in writer.refused[ids[1]]
    assert dataset.values("score") == [0.5] * 3
    assert [sample.found is None for sample in dataset] == [False, True, False]
