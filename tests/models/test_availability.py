"""What can't be had is known in seconds, for all models at once, and said in one sentence."""

import time
from pathlib import Path

import fiftyone as fo
import huggingface_hub
import pytest

from prompting.errors import ModelUnavailable, PromptingError
from prompting.models import availability, catalogue
from prompting.models.availability import check_models, needed, unavailable
from prompting.plan import Plan

NANO = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano"}
CPU = {"device": "cpu"}


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine with no model and no network: names lead nowhere, whatever the machine that tests has."""
    monkeypatch.setattr(fo.config, "model_zoo_dir", str(tmp_path / "zoo"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(availability, "_ask", lambda host: None)
    monkeypatch.setattr(availability, "_answers", {})


@pytest.fixture
def online(offline, monkeypatch):
    """The same with every host answering."""
    monkeypatch.setattr(
        availability, "_ask", lambda host: availability._answers.update({host: (time.monotonic(), True)})
    )


def test_only_what_the_strategies_use_is_needed():
    parts = {name: [m.parameter for m in needed(Plan(strategies=(name,), **CPU))] for name in ("clip_box", "yolo_box")}
    assert parts == {"clip_box": ["sam2_model", "clip_model"], "yolo_box": ["sam2_model", "yolo_model"]}
    assert [m.parameter for m in needed(Plan(strategies=("field_box",), prompt_field="truth"))] == ["sam2_model"]


def test_the_detector_finds_masks_where_a_strategy_clicks_on_them_or_corrects_by_them():
    for spelling, ending in {"yolo:points": "-seg.pt", "yolo:box@1": "-seg.pt", "yolo:box+3n": ".pt"}.items():
        for model, name in {"auto": "yolo26x", "nano": "yolo26n"}.items():
            plan = Plan(strategies=("yolo_box", spelling), yolo_model=model, **CPU)
            assert [m.name for m in needed(plan) if m.parameter == "yolo_model"] == [name + ending]


def test_official_models_say_how_large_they_are_and_that_they_must_be_downloaded(online):
    assert [str(model) for model in needed(Plan(**CPU))] == [
        "sam2.1-hiera-tiny (about 156 MB, to be downloaded)",
        "ViT-B-16-quickgelu/openai (about 599 MB, to be downloaded)",
        "yolo26x.pt (about 119 MB, to be downloaded)",
    ]
    assert unavailable(needed(Plan(**CPU))) == ()


def test_without_a_network_all_that_is_missing_is_named_in_one_sentence(offline):
    with pytest.raises(ModelUnavailable) as refused:
        check_models(Plan(**CPU))
    message = str(refused.value)
    for words in ("'sam2.1-hiera-tiny'", "'ViT-B-16-quickgelu/openai'", "'yolo26x.pt'", "dl.fbaipublicfiles.com"):
        assert words in message
    assert "sam2_model='nano', clip_model='nano' and yolo_model='nano'" in message


def test_a_file_that_is_here_needs_no_network(offline, tmp_path):
    tiny = catalogue.SAM2_ZOO["sam2.1-hiera-tiny"]
    import fiftyone.zoo as foz

    zoo = Path(fo.config.model_zoo_dir)
    zoo.mkdir()
    (zoo / foz.get_zoo_model(tiny).base_filename).write_bytes(b"weights")
    snapshot = tmp_path / "hub/models--timm--vit_base_patch16_clip_224.openai/snapshots/1"
    snapshot.mkdir(parents=True)
    (snapshot / "open_clip_model.safetensors").write_bytes(b"weights")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text("1")
    assert [m.name for m in unavailable(needed(Plan(**CPU)))] == ["yolo26x.pt"]


def test_bundled_models_are_here_and_ask_nobody(offline, monkeypatch):
    monkeypatch.setattr(availability, "_ask", lambda host: pytest.fail(f"asked {host}"))
    check_models(Plan(**NANO))


def test_bundled_models_that_were_not_fetched_say_how(monkeypatch, tmp_path):
    monkeypatch.setenv("SAM2_PROMPTING_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=r"yolo26n-seg.pt.* is missing: run `make setup`"):
        check_models(Plan(**NANO))


def test_a_path_without_a_file_is_refused_before_anything_is_loaded():
    with pytest.raises(PromptingError, match=r"Unknown SAM 2 model 'no/such\.pt'") as refused:
        check_models(Plan(**{**NANO, "sam2_model": "no/such.pt"}))
    assert refused.value.parameter == "sam2_model"


def test_a_host_is_asked_once_a_minute_and_a_silent_one_holds_nobody_up(monkeypatch):
    asked = []

    def silent(host):
        asked.append(host)
        time.sleep(20)

    monkeypatch.setattr(availability, "_ask", silent)
    monkeypatch.setattr(availability, "_answers", {})
    monkeypatch.setattr(availability, "ANSWER_SECONDS", 0.2)
    began = time.monotonic()
    assert availability.reachable(["a.example", "b.example"]) == {"a.example": False, "b.example": False}
    assert availability.reachable(["a.example"]) == {"a.example": False}
    assert time.monotonic() - began < 5
    assert sorted(asked) == ["a.example", "b.example"]


def test_repositories_are_open_clips_own():
    import open_clip

    for name, (repository, _) in availability.CLIP_REPOSITORIES.items():
        architecture, tag = name.split("/")
        assert open_clip.get_pretrained_cfg(architecture, tag)["hf_hub"].rstrip("/") == repository
    assert {*availability.CLIP_REPOSITORIES, catalogue.NANO} == set(catalogue.CLIP_MODELS)


def test_apply_without_a_network_ends_in_seconds_and_leaves_the_dataset_as_it_was(
    offline, dataset, apply_strategies, monkeypatch
):
    from prompting.runs import application

    for load in ("load_sam2", "load_clip", "load_yolo"):
        monkeypatch.setattr(catalogue, load, lambda *_: pytest.fail("a model was loaded"))
    before = set(dataset.get_field_schema())
    began = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"sam2\.1-hiera-tiny.* and the detector 'yolo26x\.pt' are not on this"):
        list(application.apply(dataset, Plan(**CPU)))
    assert time.monotonic() - began < 20
    assert set(dataset.get_field_schema()) == before and dataset.list_runs() == []
