"""Datasets without pictures get one sentence from every operator before any work; slices of groups work."""

import asyncio

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import execute_or_delegate_operator
from PIL import Image

from tests.telling import told

URI = "@promptlab/sam2-prompting/"
PERSON = {"label": "person", "bounding_box": [0.08, 0.02, 0.8, 0.96]}


def truth() -> fo.Detections:
    return fo.Detections(detections=[fo.Detection(**PERSON, mask=np.ones((4, 4), bool))])


@pytest.fixture
def calls(nano, tmp_path):
    """Each operator's name and a call of it from Python."""
    operator = {name: foo.get_operator(URI + name) for name in (
        "apply_strategies", "evaluate_strategies", "explain_strategies", "measure_agreement", "export_comparison"
    )}  # fmt: skip
    return {
        "apply": lambda samples: operator["apply_strategies"](
            samples, progress=False, strategies=["field_box", "yolo_box", "clip_box"], prompt_field="truth", **nano
        ),
        "evaluate": lambda samples: operator["evaluate_strategies"](samples, "truth", progress=False),
        "explain": lambda samples: operator["explain_strategies"](samples, progress=False, device="cpu"),
        "agreement": lambda samples: operator["measure_agreement"](samples, progress=False),
        "export": lambda samples: operator["export_comparison"](samples, tmp_path / "report"),
    }


@pytest.fixture
def pictures(astronaut, tmp_path) -> list[str]:
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path in paths:
        Image.fromarray(astronaut).save(path)
    return [str(path) for path in paths]


@pytest.fixture
def grouped(dataset_of, pictures):
    """Two groups of two slices."""
    dataset = dataset_of()
    dataset.add_group_field("group", default="left")
    for path in pictures:
        group = fo.Group()
        dataset.add_samples(
            [fo.Sample(path, group=group.element(name), truth=truth()) for name in ("left", "right")], progress=False
        )
    return dataset


def of_file(name: str):
    def make(dataset, pictures):
        dataset.add_sample(fo.Sample(f"/nowhere/{name}"))
        return dataset

    return make


def empty(dataset, pictures):
    return dataset


def empty_view(dataset, pictures):
    dataset.add_sample(fo.Sample(pictures[0], truth=truth()))
    return dataset.match(F("filepath") == "none")


def patches(dataset, pictures):
    dataset.add_sample(fo.Sample(pictures[0], truth=truth()))
    return dataset.to_patches("truth")


def frames(dataset, pictures):
    film = fo.Sample("/nowhere/film.mp4")
    film.frames[1] = fo.Frame(filepath=pictures[0], truth=truth())
    dataset.add_sample(film)
    return dataset.to_frames()


def groups(dataset, pictures):
    dataset.add_group_field("group", default="left")
    dataset.add_sample(fo.Sample(pictures[0], group=fo.Group().element("left")))
    return dataset


def groups_by_field(dataset, pictures):
    dataset.add_samples([fo.Sample(path, scene="one", truth=truth()) for path in pictures], progress=False)
    return dataset.group_by("scene")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_file("film.mp4"), "of type 'video'"), (of_file("scene.fo3d"), "of type '3d'"),
        (of_file("cloud.pcd"), "of type 'point-cloud'"), (of_file("notes.txt"), "of type 'unknown'"),
        (empty, "no samples"), (empty_view, "no samples"), (patches, "leave the patches view"),
        (frames, "save the frames as pictures"), (groups, "are grouped"), (groups_by_field, "view.flatten()"),
        (lambda dataset, pictures: "quickstart", "not 'quickstart'; fo.load_dataset(name)"),
        (lambda dataset, pictures: None, "needs a FiftyOne dataset or view"),
    ],
    ids=["video", "3D", "cloud", "text", "0 samples", "empty view", "patches", "frames", "groups", "by field", "name",
         "None"],
)  # fmt: skip
def test_every_operator_refuses_in_one_sentence_what_it_can_not_work_on(dataset_of, calls, pictures, make, words):
    dataset = dataset_of()
    samples = make(dataset, pictures)
    before = sorted(dataset.get_field_schema()), dataset.list_runs()
    for name, call in calls.items():
        with pytest.raises(ValueError) as error:
            call(samples)
        assert type(error.value).__name__ == "PromptingError", name
        assert words in str(error.value) and "\n" not in str(error.value), name
    assert (sorted(dataset.get_field_schema()), dataset.list_runs()) == before


def test_a_slice_of_groups_goes_all_the_way(grouped, calls):
    right = grouped.select_group_slices("right")
    assert calls["apply"](right).failed == 0
    comparison = calls["evaluate"](right)
    assert {row.images for row in comparison.rows} == {2}
    assert calls["explain"](right).images == 2
    calls["agreement"](right)
    assert None not in right.values("sam2_agreement")
    page, table, _ = calls["export"](right)
    assert len(table.read_text().splitlines()) == 1 + 2 * 3
    assert grouped.name in page.read_text()
    assert set(grouped.select_group_slices("left").values("sam2_field_box_status")) == {None}


def test_a_slice_that_is_not_the_active_one_is_finished_reviewed_tagged_and_cleared(grouped, run, tmp_path):
    finish, review_labels, label_next, tag_worst, remove = (
        foo.get_operator(URI + name)
        for name in ("finish_labels", "review_labels", "label_next", "tag_worst", "remove_results")
    )
    right, before = grouped.select_group_slices("right"), sorted(grouped.get_field_schema())
    run(right, "field_box", "field_point")
    finish(right, "one", "field_box", progress=False)
    label_next(right, count=2, progress=False)
    tag_worst(right, "field_point", 1, tag="worst", progress=False)
    every = grouped.select_group_slices(["left", "right"])
    assert every.count_sample_tags() == {"label next": 2, "worst": 1}
    assert set(every.match_tags("label next").values("id")) == set(right.values("id"))
    review = review_labels(right)
    one, other = review.queue()
    look = review.look(one)
    review.take(one, "field_point")
    review.drop(other, review.look(other).instances[0].id)
    review.undo()
    review.annotate(other)
    assert sorted(right.values("labels_source")) == ["field_box", "field_point"] and look.instances
    review_labels.outlines(right)
    review_labels.export_coco(right, tmp_path / "coco", export_media=False)
    remove(grouped, labels="labels", confirm=True, progress=False)
    remove(grouped, confirm=True, progress=False)
    grouped.reload()
    assert sorted(grouped.get_field_schema()) == before


def test_all_slices_of_groups_can_be_done_at_once(grouped, run):
    assert run(grouped.select_group_slices(["left", "right"])).done == 4


def in_the_app(dataset, name: str, **params):
    request = {"dataset_name": dataset.name, "view": [], "group_slice": "right", "params": params}
    done = asyncio.run(execute_or_delegate_operator(URI + name, request))
    assert done.error is None
    return list(done.result)


def test_in_the_app_the_slice_that_is_shown_is_worked_on(grouped, nano, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
    field = {"strategies": ["field_box"], "prompt_field": "truth"}
    in_the_app(grouped, "apply_strategies", **field, classes="person", existing="error", **nano)
    in_the_app(grouped, "evaluate_strategies", gt_field="truth", strategies=["field_box"], baseline="field_box")
    in_the_app(grouped, "export_comparison", folder=str(tmp_path / "report"))
    assert len((tmp_path / "report" / "comparison.csv").read_text().splitlines()) == 1 + 2
    every = grouped.select_group_slices(["left", "right"])
    assert every.match(F("group.name") == "right").values("sam2_field_box_status") == ["ok", "ok"]
    assert every.match(F("group.name") == "left").values("sam2_field_box_status") == [None, None]


def test_in_the_app_the_form_says_what_is_wrong(dataset_of, nano):
    dataset = dataset_of()
    dataset.add_sample(fo.Sample("/nowhere/film.mp4"))
    request = {"dataset_name": dataset.name, "view": [], "params": {"strategies": ["yolo_box"], "classes": "person"}}
    context = foo.ExecutionContext(request_params=request)
    form = foo.get_operator(URI + "apply_strategies").resolve_input(context).type
    assert "of type 'video'" in form.get_property("problem").view.label


def test_bad_pictures_are_counted_at_the_end_in_the_app_too(dataset_of, nano, pictures):
    dataset = dataset_of(*pictures, "/nowhere/gone.png")
    params = {"strategies": ["field_box"], "prompt_field": "truth", "classes": "person", "existing": "error", **nano}
    steps = in_the_app(dataset, "apply_strategies", **params)
    messages = [step.body for step in steps]
    shown = [message.params["outputs"] for message in messages if message.operator_uri.endswith("show_output")][-1]
    assert "1 of 3 samples failed; their status fields say why." in str(shown)
    assert "field_box: masks on 2 of 3 pictures, failed on 1" in str(shown)
    labels = [label for _, label in told(messages)]
    assert labels[-1] == "3 of 3 samples, 1 failed"
