"""The forms ask for reference pictures where a strategy learns from them; a selection leads to more of the same."""

import fiftyone as fo
import numpy as np
import pytest

from prompting.spelling import listed_names
from tests.operators.asking import form, run

NAME = "reference_box_points"
APPLY, USE = "apply_strategies", "use_as_references"
BUNDLED = {"models": "bundled", "classes": "person"}


@pytest.fixture
def tagged(dataset):
    dataset[:2].tag_samples("reference")
    return dataset


def test_apply_asks_for_references_only_where_a_strategy_learns_from_them(tagged):
    assert "references" not in form(APPLY, tagged)
    fields = form(APPLY, tagged, {"strategies": [NAME]})
    assert fields["references"]["default"] == "reference" and fields["reference_field"]["default"] == "ground_truth"
    asked = {**BUNDLED, "strategies": [NAME], "references": "reference", "reference_field": "ground_truth"}
    assert "problem" not in form(APPLY, tagged, asked)
    assert "phrases" not in form(APPLY, tagged, asked) and "clip_model" in form(
        APPLY, tagged, asked | {"models": "each"}
    )


@pytest.mark.parametrize(
    ("wrong", "place", "said"),
    [
        ({"references": "nobody"}, "references", "No sample of the dataset has the tag 'nobody'"),
        ({"references": None}, "references", "need references"),
        ({"classes": "unicorn"}, "reference_field", "has no 'unicorn'; it has: person"),
    ],
)
def test_what_is_wrong_with_references_is_said_at_their_field(tagged, wrong, place, said):
    asked = {**BUNDLED, "strategies": [NAME], "references": "reference", "reference_field": "ground_truth", **wrong}
    fields = form(APPLY, tagged, asked)
    assert said in fields["problem"]["error_message"] and fields[place]["invalid"]


def test_the_sweeps_form_asks_for_them_too(tagged):
    assert "references" not in form("sweep_strategies", tagged, {"priors": ["yolo"]})
    fields = form("sweep_strategies", tagged, {"priors": ["reference"]})
    assert fields["references"]["default"] == "reference" and fields["reference_field"]["default"] == "ground_truth"


def test_from_a_selection_to_the_form_that_finds_more(dataset):
    selected = {"selected": dataset[:2].values("id"), "view_target": "SELECTED_SAMPLES"}
    asked = {"field": "ground_truth", "tag": "reference"}
    shown = form(USE, dataset, asked, **selected)
    assert shown["found"]["view"]["label"].startswith("2 labelled pictures of person would be tagged 'reference'.")
    told = run(USE, dataset, asked, active_fields=["ground_truth"], **selected)
    fields = [order.body.params["fields"] for order in told if order.body.operator_uri.endswith("set_active_fields")]
    assert fields == [["ground_truth", "tags"]]  # the pictures show it
    assert dataset.count_sample_tags() == {"reference": 2}
    shown = [order.body.params for order in told if order.body.operator_uri.endswith("show_output")][-1]
    params = shown["outputs"]["type"]["properties"]["apply"]["view"]["params"]
    assert params["strategies"] == [NAME] and params["classes"] == "person" and params["references"] == "reference"
    assert "problem" not in form(APPLY, dataset, {**params, "models": "bundled"})


def offered(dataset, labels, targets=None, name="masks") -> dict:
    """What the button fills in, of two pictures with these labels."""
    dataset.set_values(name, dict(zip(dataset[:2].values("id"), labels)), key_field="id")
    if targets:
        dataset.mask_targets[name] = targets
        dataset.save()
    selected = {"selected": dataset[:2].values("id"), "view_target": "SELECTED_SAMPLES"}
    told = run(USE, dataset, {"field": name, "tag": "reference"}, **selected)
    shown = [order.body.params for order in told if order.body.operator_uri.endswith("show_output")][-1]
    return shown["outputs"]["type"]["properties"]["apply"]["view"]["params"]


def masks(*values, colours=False):
    """Two Segmentations that have these values, in stripes."""
    stripes = np.repeat(np.uint8(values), 9)[None].repeat(9, axis=0)
    mask = np.stack([stripes, stripes * 0, stripes * 0], axis=-1) if colours else stripes
    return [fo.Segmentation(mask=mask), fo.Segmentation(mask=mask)]


@pytest.mark.parametrize(
    ("labels", "targets", "classes"),
    [
        (masks(0, 1, 255), {1: "coin", 255: "void"}, ("coin",)),
        (masks(1, 2), {1: "Background", 2: "coin"}, ("coin",)),
        (masks(0, 255, colours=True), {"#000000": "background", "#ff0000": "coin"}, ("coin",)),
        (masks(0, 1), {1: "coin", 2: "note"}, ("coin",)),
        (masks(0, 2, 1), {1: "coin, old", 2: "note"}, ("coin, old", "note")),
    ],
)
def test_what_is_looked_for_is_what_the_masks_show(dataset, labels, targets, classes):
    params = offered(dataset, labels, targets)
    assert listed_names(params["classes"]) == classes
    assert "problem" not in form(APPLY, dataset, {**params, "models": "bundled", "view_target": "DATASET"})


def test_what_values_without_names_are_is_asked_for(dataset):
    """The last run's class, or person, would be stored for what may be coins."""
    params = offered(dataset, masks(0, 1))
    fields = form(APPLY, dataset, {**params, "models": "bundled", "view_target": "DATASET"})
    assert fields["classes"]["required"] and fields["classes"]["default"] is None and fields["classes"]["invalid"]
    assert "one at least, and there is none" in fields["problem"]["error_message"]
    params["classes"] = "coin"
    assert "problem" not in form(APPLY, dataset, {**params, "models": "bundled", "view_target": "DATASET"})


def test_a_class_that_has_boxes_alone_is_not_looked_for(dataset):
    boxed = fo.Detection(label="bag", bounding_box=[0.1, 0.1, 0.2, 0.2])
    labels = [fo.Detections(detections=[*one.ground_truth.copy().detections, boxed.copy()]) for one in dataset[:2]]
    assert offered(dataset, labels)["classes"] == "person"


def test_without_a_selection_it_warns_that_nothing_is_left_to_find(dataset):
    assert "They are all that the dataset has: select a few" in form(USE, dataset)["found"]["view"]["label"]


def test_a_dataset_without_masks_is_told_to_get_some(dataset):
    dataset.delete_sample_field("ground_truth")
    assert "No field has masks" in form(USE, dataset)["problem"]["error_message"]
