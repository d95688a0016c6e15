"""The App's sidebar and colours: ours in order, a person's own untouched."""

import fiftyone as fo
import pytest

from prompting import storage
from prompting.appearance import NEGATIVE, POSITIVE, arrange, shown_fields
from prompting.plan import Plan


@pytest.fixture
def dataset():
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(filepath="a.png", mine=1.5, boxes=fo.Detections()))
    storage.declare_fields(dataset, Plan(strategies=("clip_box", "clip_iterative")))
    dataset.add_sample_field("sam2_eval_clip_box_iou", fo.FloatField)
    dataset.add_sample_field(
        "sam2_clip_box_error", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument
    )
    dataset.add_sample_field("sam2_clip_box_error.miss", fo.FloatField)
    yield dataset
    dataset.delete()


def groups(dataset) -> dict[str, list[str]]:
    dataset.reload()
    return {group.name: list(group.paths) for group in dataset.app_config.sidebar_groups}


def test_masks_stay_with_the_labels_and_everything_else_is_folded_away(dataset):
    arrange(dataset)
    found = groups(dataset)
    assert found["labels"] == ["boxes", "sam2_clip_box", "sam2_clip_iterative"]
    assert "sam2_clip_box_prompt_boxes" in found["sam2 prompts"]
    assert "sam2_clip_iterative_rounds" in found["sam2 prompts"]
    assert found["sam2 instances"] == ["sam2_clip_box_instances", "sam2_clip_iterative_instances"]
    assert "sam2_eval_clip_box_iou" in found["sam2 scores"]
    assert found["sam2 errors"] == ["sam2_clip_box_error.miss"]
    assert "mine" in found["primitives"]
    assert not any(group.expanded for group in dataset.app_config.sidebar_groups if group.name.startswith("sam2 "))


def test_every_path_is_in_one_group(dataset):
    everything = sorted(p for g in fo.DatasetAppConfig.default_sidebar_groups(dataset) for p in g.paths)
    arrange(dataset)
    assert sorted(path for paths in groups(dataset).values() for path in paths) == everything


def test_arranging_again_changes_nothing(dataset):
    arrange(dataset)
    before = dataset.app_config.to_dict()
    arrange(dataset)
    assert dataset.app_config.to_dict() == before


def test_groups_of_the_persons_own_stay(dataset):
    own = fo.SidebarGroupDocument(name="my favourites", paths=["sam2_clip_box_score", "mine"])
    dataset.app_config.sidebar_groups = [own, *fo.DatasetAppConfig.default_sidebar_groups(dataset)]
    for group in dataset.app_config.sidebar_groups[1:]:
        group.paths = [path for path in group.paths if path not in own.paths]
    arrange(dataset)
    assert groups(dataset)["my favourites"] == ["sam2_clip_box_score", "mine"]
    assert "sam2_clip_box_score" not in groups(dataset)["sam2 scores"]


def test_field_that_came_later_is_shown_too(dataset):
    arrange(dataset)
    dataset.add_sample_field("later", fo.StringField)
    arrange(dataset)
    assert "later" in groups(dataset)["primitives"]


def test_positive_and_negative_points_have_different_colours_and_a_persons_choice_stays(dataset):
    chosen = {"path": "sam2_clip_box_positive", "fieldColor": "#123456"}
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value", fields=[chosen])
    arrange(dataset)
    colours = {entry["path"]: entry["fieldColor"] for entry in dataset.app_config.color_scheme.fields}
    assert colours["sam2_clip_box_positive"] == "#123456"
    assert colours["sam2_clip_box_negative"] == NEGATIVE
    assert colours["sam2_clip_iterative_positive"] == POSITIVE
    assert dataset.app_config.color_scheme.color_by == "value"


def test_one_strategy_is_shown_with_its_prompts_and_the_truth(dataset):
    fields = ["sam2_clip_box", "sam2_clip_box_prompt_boxes", "sam2_clip_box_positive", "sam2_clip_box_negative"]
    assert shown_fields(dataset, "sam2", "clip_box") == fields
    dataset.add_sample_field("sam2_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    assert shown_fields(dataset, "sam2", "clip_box") == [*fields, "sam2_truth"]
