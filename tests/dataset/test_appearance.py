"""The App's sidebar and colours: ours in order, a person's own untouched."""

import fiftyone as fo
import pytest

from prompting.analysis.palette import NEGATIVE, POSITIVE, TRUTH, colour_of
from prompting.dataset import appearance
from prompting.dataset.appearance import (
    PLUGIN,
    active_fields,
    colours,
    field_colours,
    shown_fields,
    strategy_colours,
)
from prompting.dataset.findings import load_findings
from prompting.dataset.names import error_field
from prompting.plan import Plan
from prompting.prompts.strategies import STRATEGIES
from tests.storing import declare


@pytest.fixture
def dataset():
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(filepath="a.png", mine=1.5, boxes=fo.Detections()))
    declare(dataset, Plan(strategies=("clip_box", "clip_iterative"), keep_rounds=True))
    dataset.add_sample_field("sam2_eval_clip_box_iou", fo.FloatField)
    dataset.add_sample_field("sam2_truth_size", fo.FloatField)
    for path in (error_field("sam2", "clip_box"),):
        dataset.add_sample_field(path, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.add_sample_field(f"{error_field('sam2', 'clip_box')}.miss", fo.FloatField)
    yield dataset
    dataset.delete()


def arrange(dataset) -> None:
    appearance.arrange(dataset)
    dataset.save()


def show(dataset, *choice, **settings) -> None:
    appearance.show(dataset, *choice, **settings)
    dataset.save()


def groups(dataset) -> dict[str, list[str]]:
    dataset.reload()
    return {group.name: list(group.paths) for group in dataset.app_config.sidebar_groups}


def test_masks_stay_with_the_labels_and_everything_else_of_a_strategy_is_folded_away_together(dataset):
    arrange(dataset)
    found = groups(dataset)
    assert found["labels"] == ["boxes", "sam2_clip_box", "sam2_clip_iterative"]
    assert found["sam2 clip_box"] == [
        "sam2_clip_box_instances",
        "sam2_clip_box_prompt_boxes",
        "sam2_clip_box_status",
        "sam2_clip_box_score",
        "sam2_eval_clip_box_iou",
        "sam2_clip_box_error",
    ]
    assert "sam2_clip_iterative_rounds" in found["sam2 clip_iterative"]
    assert found["sam2 pictures"] == ["sam2_truth_size"]
    assert "mine" in found["primitives"]
    assert not any(group.expanded for group in dataset.app_config.sidebar_groups if group.name.startswith("sam2 "))


def test_every_path_is_in_one_group(dataset):
    everything = {p for g in fo.DatasetAppConfig.default_sidebar_groups(dataset) for p in g.paths}
    arrange(dataset)
    placed = [path for paths in groups(dataset).values() for path in paths]
    assert sorted(placed) == sorted(everything)


def test_an_empty_group_of_a_person_stays_whatever_it_is_called(dataset):
    arrange(dataset)
    dataset.app_config.sidebar_groups.append(fo.SidebarGroupDocument(name="sam2_mine", paths=[]))
    arrange(dataset)
    assert groups(dataset)["sam2_mine"] == []


def test_a_group_that_a_person_opened_stays_open(dataset):
    arrange(dataset)
    next(g for g in dataset.app_config.sidebar_groups if g.name == "sam2 clip_box").expanded = True
    arrange(dataset)
    assert [g.name for g in dataset.app_config.sidebar_groups if g.name.startswith("sam2 ") and g.expanded] == [
        "sam2 clip_box"
    ]


def test_groups_by_kind_of_an_earlier_version_give_way(dataset):
    kinds = {"prompts": ["sam2_clip_box_prompt_boxes"], "scores": ["sam2_clip_box_score"]}
    moved = [path for paths in kinds.values() for path in paths]
    made = [fo.SidebarGroupDocument(name=f"sam2 {kind}", paths=paths) for kind, paths in kinds.items()]
    defaults = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for group in defaults:
        group.paths = [path for path in group.paths if path not in moved]
    dataset.app_config.sidebar_groups = [*defaults, *made]
    arrange(dataset)
    found = groups(dataset)
    assert not {"sam2 prompts", "sam2 scores"} & set(found)
    assert {"sam2_clip_box_prompt_boxes", "sam2_clip_box_score"} < set(found["sam2 clip_box"])


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
    assert "sam2_clip_box_score" not in groups(dataset)["sam2 clip_box"]


def test_field_that_came_later_is_shown_too(dataset):
    arrange(dataset)
    dataset.add_sample_field("later", fo.StringField)
    arrange(dataset)
    assert "later" in groups(dataset)["primitives"]


def test_each_strategy_has_its_colour_and_a_persons_choice_stays(dataset):
    chosen = {"path": "sam2_clip_iterative_positive", "fieldColor": "#123456"}
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value", fields=[chosen])
    arrange(dataset)
    given = {entry["path"]: entry["fieldColor"] for entry in dataset.app_config.color_scheme.fields}
    assert given["sam2_clip_iterative_positive"] == "#123456"
    assert given["sam2_clip_iterative_negative"] == NEGATIVE
    for name in ("sam2_clip_box", "sam2_clip_box_instances", "sam2_clip_box_prompt_boxes"):
        assert given[name] == colour_of("clip_box")
    assert given["sam2_clip_iterative"] == colour_of("clip_iterative") != colour_of("clip_box")
    assert dataset.app_config.color_scheme.color_by == "value"


def test_a_strategy_of_ones_own_has_a_colour_that_no_other_has_in_the_app_and_keeps_it(dataset):
    declare(dataset, Plan(strategies=("yolo:box@2",)))
    arrange(dataset)
    given = strategy_colours(dataset, "sam2")
    assert given["clip_box"] == colour_of("clip_box")
    late = next(name for name in STRATEGIES if colour_of(name) == given["yolo_box_r2"])  # its own colour is taken
    declare(dataset, Plan(strategies=(late,), prompt_field="boxes"))
    arrange(dataset)
    now = strategy_colours(dataset, "sam2")
    assert now == {**now, **given} and len(set(now.values())) == len(now) == 4
    assert load_findings(dataset).colours == now
    scheme = {entry["path"]: entry["fieldColor"] for entry in dataset.app_config.color_scheme.fields}
    assert {name: scheme[f"sam2_{name}"] for name in now} == now


def test_the_orange_of_an_earlier_version_gives_way_to_the_strategys_colour(dataset):
    orange = [{"path": path, "fieldColor": "#ff8c00"} for path in ("sam2_clip_box", "boxes")]
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="field", fields=orange)
    arrange(dataset)
    given = {entry["path"]: entry["fieldColor"] for entry in dataset.app_config.color_scheme.fields}
    assert given["sam2_clip_box"] == colour_of("clip_box") and given["boxes"] == "#ff8c00"


def test_the_truth_and_clicks_have_colours_of_their_own(dataset):
    dataset.add_sample_field("sam2_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    drawn = colours(dataset, "sam2")
    assert (drawn["sam2_truth"], drawn["sam2_clip_iterative_positive"]) == (TRUTH, POSITIVE)


def test_a_score_on_a_thumbnail_has_its_strategys_colour(dataset):
    dataset.add_sample_field("sam2_eval_clip_box_iou", fo.FloatField)
    assert colours(dataset, "sam2")["sam2_eval_clip_box_iou"] == colour_of("clip_box")


def test_one_strategy_is_shown_with_its_prompts_on_top_and_the_truth(dataset):
    fields = [f"sam2_clip_iterative{kind}" for kind in ("_positive", "_negative", "_prompt_boxes", "")]
    assert shown_fields(dataset, "sam2", "clip_iterative") == fields
    assert shown_fields(dataset, "sam2", "clip_box") == ["sam2_clip_box_prompt_boxes", "sam2_clip_box"]
    dataset.add_sample_field("sam2_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    assert shown_fields(dataset, "sam2", "clip_iterative") == [*fields, "sam2_truth"]


def opened_with(dataset) -> list[str]:
    dataset.reload()
    return list(dataset.app_config.active_fields.paths)


def test_the_app_opens_with_one_strategy_and_the_persons_own_labels(dataset):
    show(dataset, "sam2", "clip_box")
    assert opened_with(dataset) == ["sam2_clip_box_prompt_boxes", "sam2_clip_box", "boxes"]
    show(dataset, "sam2", "clip_iterative", replace=False)
    assert "sam2_clip_box" in opened_with(dataset)
    show(dataset, "sam2", "clip_iterative")
    assert "sam2_clip_iterative" in opened_with(dataset) and "sam2_clip_box" not in opened_with(dataset)


def test_the_truth_is_shown_once(dataset):
    dataset.add_sample_field("sam2_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    assert "boxes" in active_fields(dataset, "sam2", "clip_box")
    shown = active_fields(dataset, "sam2", "clip_box", gt_field="boxes")
    assert "sam2_truth" in shown and "boxes" not in shown


def test_what_a_person_chose_to_see_stays(dataset):
    dataset.app_config.active_fields = fo.ActiveFields(paths=["mine"])
    dataset.save()
    show(dataset, "sam2", "clip_box")
    assert opened_with(dataset) == ["mine"]
    dataset.app_config.active_fields = None
    show(dataset, "sam2", "clip_box")
    assert "sam2_clip_box" in opened_with(dataset)
    dataset.app_config.active_fields = fo.ActiveFields(paths=["boxes"])
    dataset.save()
    show(dataset, "sam2", "clip_iterative")
    assert opened_with(dataset) == ["boxes"]


def test_settings_of_others_stay(dataset):
    dataset.app_config.plugins = {"map": {"clustering": False}, PLUGIN: {"other": 1}}
    show(dataset, "sam2", "clip_box")
    assert dataset.app_config.plugins["map"] == {"clustering": False}
    assert dataset.app_config.plugins[PLUGIN]["other"] == 1


def test_the_app_that_is_open_is_told_the_colours_that_the_dataset_has(dataset):
    assert field_colours(dataset) == []
    arrange(dataset)
    assert {"path": "sam2_clip_box", "fieldColor": colour_of("clip_box")} in field_colours(dataset)
