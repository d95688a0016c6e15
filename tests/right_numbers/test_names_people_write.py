"""Classes are what they are called, however they are spelled: in CLIP's phrases, the detector's names, the request."""

import numpy as np
import pytest
import skimage.io

from prompting.errors import PromptingError
from prompting.models import catalogue
from prompting.plan import Plan
from prompting.priors.base import Picture
from prompting.priors.clip import ClipPrior, ClipSettings
from prompting.priors.vocabulary import background_for, phrases_of
from prompting.priors.yolo import YoloPrior


@pytest.fixture(scope="module")
def chelsea(photographs) -> Picture:
    return Picture("chelsea", "chelsea.png", skimage.io.imread(photographs / "chelsea.png")[::2, ::2].copy())


@pytest.fixture(scope="module")
def bus(photographs) -> Picture:
    return Picture("bus", "bus.jpg", skimage.io.imread(photographs / "bus.jpg"))


def found_by_clip(name: str, picture: Picture, **settings):
    prior = ClipPrior(*catalogue.load_clip("nano", "cpu"), [name], ClipSettings(scales=(1.0,), peak=0.0, **settings))
    return prior.find([picture])[0]


@pytest.mark.parametrize("spelling", ["Cat", "CAT", " cat"])
def test_clip_finds_a_class_in_any_spelling_and_keeps_it(chelsea, spelling):
    plain, spelled = found_by_clip("cat", chelsea), found_by_clip(spelling, chelsea)
    assert len(spelled) == len(plain) > 0
    for one, other in zip(plain, spelled, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)
        assert other.label == spelling


@pytest.mark.parametrize("spelling", ["Person", "PERSON", "People", " Pedestrian "])
def test_a_class_keeps_its_phrases_in_any_spelling(spelling):
    assert phrases_of(spelling) == phrases_of("person")
    assert "woman" in phrases_of(spelling)


@pytest.mark.parametrize("spelling", ["Dining Table", "dining  table", "DiningTable"])
def test_case_and_repeated_spaces_make_no_other_class(spelling):
    assert phrases_of(spelling) == phrases_of("dining table")
    assert "dining table" not in background_for([spelling])


def test_no_class_competes_with_its_own_name_in_another_spelling():
    assert background_for(["Cat"]) == background_for(["cat"])
    assert background_for(["cat"], ["Wall", "KITTEN", " cat "]) == ("Wall",)
    assert background_for(["Traffic  Light"]) == background_for(["traffic light"])


def test_phrase_that_is_given_twice_counts_once():
    assert Plan(background=["Wall", "wall", "floor"]).background == ("Wall", "floor")
    assert Plan(phrases={"person": ["Worker", "worker", "diver"]}).phrases == {"person": ["Worker", "diver"]}


def test_phrases_are_given_to_a_class_in_any_spelling():
    assert Plan(classes=["Dog"], phrases={"dog": ["puppy"]}).phrases == {"Dog": ["puppy"]}
    with pytest.raises(PromptingError, match="phrases has 'dog' and 'DOG', which are one class"):
        Plan(classes=["Dog"], phrases={"dog": ["puppy"], "DOG": ["hound"]})


@pytest.mark.parametrize(("one", "other"), [("Cat", "cat"), ("traffic light", "Traffic  light"), ("person", "PERSON")])
def test_one_class_under_two_spellings_is_refused(one, other):
    with pytest.raises(PromptingError, match="which are one class; ask for one of them"):
        Plan(classes=[one, other])


def test_two_classes_that_clip_cannot_tell_apart_are_refused(chelsea):
    with pytest.raises(PromptingError, match="'person' and 'Pedestrian' have the same phrases for CLIP"):
        ClipPrior(*catalogue.load_clip("nano", "cpu"), ["person", "Pedestrian"], ClipSettings())


def test_a_background_of_the_class_alone_is_refused(chelsea):
    with pytest.raises(PromptingError, match="Every background phrase means one of the classes"):
        found_by_clip("Cat", chelsea, background=("cat", "Kitten"))


@pytest.mark.parametrize("spelling", ["Person", " person ", "PEOPLE"])
def test_detector_knows_a_class_in_any_spelling_and_keeps_it(bus, spelling):
    yolo = catalogue.load_yolo("nano")
    plain, spelled = (YoloPrior(yolo, [name]).find([bus])[0] for name in ("person", spelling))
    assert len(spelled) == len(plain) >= 3
    assert {region.label for region in spelled} == {spelling}


class Named:
    """A detector that has names and finds nothing: what an own training calls its classes."""

    task, overrides = "detect", {}

    def __init__(self, *names: str):
        self.names = dict(enumerate(names))

    def predict(self, images, **_):
        return [None] * len(images)


@pytest.mark.parametrize(
    ("names", "asked", "indices"),
    [
        (("Person", "car", "person"), "person", [0, 2]),  # two numbers of one name: both are it
        (("aeroplane", "sofa"), "Couch", [1]),  # trained on VOC, asked as COCO
        (("pedestrian", "people", "bicycle"), "person", [0, 1]),  # VisDrone's two kinds of people
        (("pedestrian", "people", "bicycle"), "People", [1]),  # what is there by its name is meant by it
        (("Traffic Light",), "traffic  light", [0]),
    ],
)
def test_detectors_own_names_are_read_as_people_read_them(names, asked, indices):
    prior = YoloPrior(Named(*names), [asked])
    assert prior.labels == dict.fromkeys(indices, asked)


def test_unknown_class_is_still_unknown():
    with pytest.raises(PromptingError, match=r"doesn't know the class 'Cat'.*its 1 classes: caterpillar\."):
        YoloPrior(Named("caterpillar"), ["Cat"])


def test_spelling_goes_through_to_labels_and_targets(dataset, apply_strategies, nano):
    view = dataset.match({"filepath": {"$regex": "zidane"}})
    apply_strategies(view, strategies=["yolo_box", "clip_box"], classes=["Person"], progress=False, **nano)
    apply_strategies(view, strategies=["yolo_box", "clip_box"], prefix="plain", progress=False, **nano)
    sample = view.first()
    for strategy in ("yolo_box", "clip_box"):
        assert dataset.mask_targets[f"sam2_{strategy}"] == {1: "Person"}
        assert {d.label for d in sample[f"sam2_{strategy}_instances"].detections} == {"Person"}
        masks = [sample[f"{prefix}_{strategy}"].get_mask() for prefix in ("sam2", "plain")]
        assert np.array_equal(*masks)
        assert masks[0].any()
