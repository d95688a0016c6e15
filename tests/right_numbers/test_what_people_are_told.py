"""What a person is told of how labels were understood, by the table, a form or a refusal that changes nothing."""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
import pytest

from prompting.errors import PromptError, PromptingError
from prompting.labels.targets import ignored_values
from prompting.priors.fields import FieldPrior
from tests.right_numbers.labelled import (
    coloured,
    det,
    outlined,
    parts,
    saved,
    seg,
    soft,
    values,
)

# nothing is changed where anything is refused, and what was understood is said


def test_refused_truths_change_nothing(of, scored, refused, evaluate_strategies, person):
    dataset = of(seg(values(person)), seg(values(person)))
    scored(dataset)
    dataset.set_values("gt", [seg(values(person)), seg(coloured(person, (1, 2, 3)))])
    dataset.reload()
    before = [sample.to_dict() for sample in dataset], dataset.list_runs(), dataset.list_evaluations()
    refused(evaluate_strategies, dataset, "gt", progress=False)
    dataset.reload()
    assert repr(before) == repr(([s.to_dict() for s in dataset], dataset.list_runs(), dataset.list_evaluations()))


def test_the_inspector_says_in_one_line_what_was_understood(of, scored, inspect, capsys, person):
    mask = outlined(person, value=24)
    mask[160:][mask[160:] == 24] = 25
    mask[:5, :5] = 7
    dataset = of(seg(mask), seg(mask[::2, ::2].copy()), targets={24: "person", 25: "person", 255: "void"})
    line = inspect(dataset)
    for words in (
        "gt: Segmentation, values: 24, 25 = 'person'", "(other values, 7, are background)", "255 (void) ignored",
        "2 images", f"{parts(mask // 2 == 12) + parts(mask[::2, ::2] // 2 == 12)} connected parts", "1 resized",
    ):  # fmt: skip
        assert words in line
    scored(dataset)
    assert f"Truth: {line}" in capsys.readouterr().out


def test_the_inspector_can_look_at_a_few(of, inspect, person):
    dataset = of(*(det(mask=person, iscrowd=i == 0) for i in range(5)))
    line = inspect(dataset, most=3)
    assert "the first 3 of 5 images looked at; 2 instances" in line and "1 crowd ignored" in line
    assert "5 images; 4 instances" in inspect(dataset)


def test_what_was_understood_is_kept_and_explaining_uses_it(of, scored, evaluate_strategies, inspect, person):
    import fiftyone.operators as foo

    from prompting.dataset.judgements import load_comparison, truth_reading

    dataset = of(seg(outlined(person, void=9)), seg(outlined(person, void=9)))
    assert scored(dataset, ignore_values=[9]) == [1.0, 1.0]
    reading, ignored = truth_reading(dataset)
    assert ignored == (9,) and reading.encoding.ignored == (9,)
    assert load_comparison(dataset).truth == str(reading) == inspect(dataset, ignore_values=9)
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    loss = explain(dataset[:1], progress=False, device="cpu").parts["yolo_box"]
    assert sum(loss.values()) == pytest.approx(0, abs=1e-6)


def test_explaining_takes_labels_as_the_view_shows_them_too(of, scored, refused, person):
    import fiftyone.operators as foo

    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    dataset = of(det(mask=person), det(mask=person))
    view = dataset.map_labels("gt", {"person": "human"})
    scored(view, classes=("human",))
    parts = explain(view, progress=False, device="cpu").parts["yolo_box"]
    assert sum(parts.values()) == pytest.approx(0, abs=1e-6)
    assert "has no 'human'; it has: person" in refused(explain, dataset, progress=False, device="cpu")


# what a stranger tried


@pytest.mark.parametrize("beyond", [1e-6, 0.004, 0.1])
def test_soft_masks_may_go_beyond_one_and_below_zero(of, scored, person, beyond):
    mask = soft(person)
    mask[mask == mask.max()], mask[0, 0] = 1 + beyond, -beyond
    assert scored(of(det(mask=mask))) == scored(of(seg(mask))) == [1.0]


@pytest.mark.parametrize("factor", [40, 400, -1])
def test_floats_of_another_range_are_refused(of, scored, refused, person, factor):
    for label in (det(mask=soft(person) * factor), seg(soft(person) * factor)):
        assert "1 of 1 masks of 'gt' are soft where values are needed" in refused(scored, of(label))


@pytest.mark.parametrize(("name", "how"), [("m.webp", {}), ("m.tiff", {"compression": "jpeg"})])
def test_other_files_that_change_values_are_read_like_jpegs(of, scored, refused, person, tmp_path, name, how):
    path = saved(values(person, 255), tmp_path / name, quality=60, **how)
    assert len(np.unique(cv2.imread(path))) > 2
    assert scored(of(seg(mask_path=path)))[0] > 0.99
    dogs = saved(values(person, 100) + values(~person, 200), tmp_path / f"dogs{name}", quality=60, **how)
    told = refused(scored, of(seg(mask_path=dogs), targets={100: "person", 200: "dog"}))
    assert "1 of 1 masks of 'gt' come from" in told


def test_a_lossless_webp_is_exact(of, scored, person, tmp_path):
    path = saved(values(person, 100), tmp_path / "m.webp", lossless=True)
    assert scored(of(seg(mask_path=path), targets={100: "person", 200: "dog"})) == [1.0]


def test_a_view_of_pictures_with_nobody_knows_void_from_the_rest_of_the_dataset(of, scored, inspect, person):
    dataset = of(seg(values(person, 255)), seg(outlined(person)))
    assert "255 ignored; 1 image; 0 connected parts" in inspect(dataset[:1])
    assert "there are: 255); nothing ignored" in inspect(dataset[:1], ignore_values="none")
    dataset.set_values("gt", [seg(values(person, 255)), seg(values(person, 255))])
    assert scored(dataset[:1]) == [1.0]


@pytest.mark.parametrize("given", [[1], "1", "3, 1"])
def test_ignoring_all_that_the_class_is_is_refused(of, scored, refused, person, given):
    told = refused(scored, of(seg(values(person)), targets={1: "person", 2: "dog"}), ignore_values=given)
    assert "ignore_values has 1, which is 'person' in 'gt'" in told


@pytest.mark.parametrize("given", [np.int64(255), np.array([255]), {255}, 255.0, "255,", (np.uint8(255),)])
def test_ignore_values_of_any_kind_of_number(given):
    assert ignored_values(given) == (255,)


@pytest.mark.parametrize("given", [255.5, True, float("nan"), float("inf"), {"void": 1}, [None], [[255]], "#12345g"])
def test_ignore_values_that_are_no_values_are_refused(given):
    with pytest.raises(PromptingError, match="ignore_values are mask values such as 255"):
        ignored_values(given)


@pytest.mark.parametrize("told", ["0", "false", "No", "", float("nan"), 0, False])
def test_a_label_that_is_said_to_be_no_crowd_counts(of, scored, prompted, person, told):
    dataset = of(det(mask=person, iscrowd=told))
    assert scored(dataset) == [1.0]
    assert prompted(dataset) == ["ok"]


@pytest.mark.parametrize("name", ["cafe\u0301", "CAF\u00c9", "ｃａｆé", " caf\u00e9"])
def test_a_name_is_the_same_however_unicode_writes_its_letters(of, scored, person, name):
    assert scored(of(det(name, mask=person)), classes=("caf\u00e9",)) == [1.0]
    assert scored(of(seg(values(person)), targets={1: name}), classes=("caf\u00e9",)) == [1.0]


@pytest.mark.parametrize("labels", [[1, None], ["inside", "outside"], [[1], [0, 1]]])
def test_sam_labels_that_are_none_are_said_by_the_sample(labels):
    points = fo.Keypoint(label="person", points=[(0.5, 0.5), (0.2, 0.2)], sam_labels=labels)
    with pytest.raises(PromptError, match="sam_labels are 1 and 0"):
        FieldPrior(["person"]).regions(fo.Keypoints(keypoints=[points]), 100, 100)


# the form


@pytest.fixture
def form(nano):
    """A function that resolves the evaluate form of a dataset, as the App does at each keystroke."""
    import fiftyone.operators as foo

    def resolve(dataset, **params):
        request = {"dataset_name": dataset.name, "view": [], "params": {"gt_field": "gt", **params}}
        context = foo.ExecutionContext(request_params=request)
        return foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies").resolve_input(context).type

    return resolve


def test_the_form_shows_what_the_truth_is_understood_as_from_a_few_samples(of, scored, form, person):
    dataset = of(*(seg(outlined(person)) for _ in range(23)))
    scored(dataset)
    line = form(dataset).get_property("truth_reading").view.label
    assert "gt: Segmentation, values without mask targets, all but 0 = 'person' (there are: 1)" in line
    assert "255 ignored; the first 20 of 23 images looked at" in line
    without = form(dataset, advanced=True, ignore_values="none").get_property("truth_reading").view.label
    assert "nothing ignored" in without


def test_a_look_at_a_few_refuses_nothing_that_other_samples_explain(of, inspect, refused, person):
    only_void = [seg(values(person, 255)) for _ in range(3)]
    dataset = of(*only_void, seg(outlined(person)), targets={1: "person", 2: "dog"})
    assert "the first 3 of 4 images looked at" in inspect(dataset, most=3)
    assert "255 ignored; 4 images" in inspect(dataset)
    assert "255 ignored; 3 images" in inspect(dataset[:3])  # as the dataset has it
    dataset.delete_samples(dataset.last().id)
    assert "name none" in refused(inspect, dataset)


def test_the_form_says_what_evaluating_would_refuse(of, scored, form, person):
    dataset = of(seg(values(person)))
    scored(dataset)
    dataset.set_values("gt", [seg(coloured(person, (1, 2, 3)))])
    assert "are pictures of colours" in form(dataset).get_property("problem").view.label
    dataset.set_values("gt", [seg(values(person))])
    assert "are mask values such as 255" in form(dataset, ignore_values="sky").get_property("problem").view.label
