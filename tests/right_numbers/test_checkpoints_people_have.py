"""Checkpoints as trainings save them are read; what is none is refused in one sentence, and nothing is installed."""

import os
import subprocess
import sys
from types import SimpleNamespace

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from prompting.errors import PromptingError
from prompting.models import catalogue, detectors
from prompting.models.sam2_checkpoints import read_sam2_state
from prompting.plan import Plan
from prompting.priors.yolo import MOST, YoloPrior, training_size

FIRST = "image_encoder.trunk.patch_embed.proj.weight"
STATE = {FIRST: torch.arange(6.0).reshape(1, 6), "no_obj_embed_spatial": torch.ones(2)}


def under(prefix: str, state=None) -> dict:
    return {prefix + name: value for name, value in (STATE if state is None else state).items()}


def sentence(error) -> str:
    """The message, one sentence on one line."""
    text = str(error.value)
    assert text.endswith(".")
    assert len(text.splitlines()) == 1
    return text


# --- SAM 2: as people save it ---


@pytest.mark.parametrize(
    "stored",
    [
        STATE,  # torch.save(model.state_dict())
        {"model": STATE, "epoch": 3},
        {"state_dict": STATE},
        {"model_state_dict": STATE, "optimizer": {"lr": 0.1}},
        {"model": {"state_dict": STATE}},
        under("module."),  # DataParallel
        {"model": under("module.")},
        {"state_dict": {**under("model."), "loss.weight": torch.ones(1)}},  # Lightning, with its loss beside
        {"model_state_dict": under("module.model.")},
        {"model": under("model.module.")},
        {"model": under("_orig_mod.")},  # torch.compile
        {"model": {name.replace("trunk", "trunk._orig_mod"): value for name, value in STATE.items()}},
        {"model": {name: value.half() for name, value in STATE.items()}},
        {"ema": STATE, "step": 9},  # under a name of the training's own
        {"ema_state_dict": under("module."), "optimizer": {"state": {}}},
        {"module": under("model.")},
        {"model": STATE, "ema": {name: value + 1 for name, value in STATE.items()}},  # the model, not its average
    ],
)
def test_a_fine_tuned_sam2_is_read_in_whatever_it_is_wrapped(tmp_path, stored):
    torch.save(stored, tmp_path / "tuned.pt")
    read = read_sam2_state(tmp_path / "tuned.pt")
    assert read.keys() == STATE.keys()
    assert all(torch.equal(read[name].float(), STATE[name]) for name in STATE)


def test_two_models_under_names_of_the_trainings_own_are_not_chosen_between(tmp_path):
    torch.save({"student": STATE, "teacher": STATE}, tmp_path / "tuned.pt")
    with pytest.raises(PromptingError, match="several models \\('student', 'teacher'\\)"):
        read_sam2_state(tmp_path / "tuned.pt")


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_sam2_in_safetensors_is_read(tmp_path, prefix):
    save_file(under(prefix), tmp_path / "tuned.safetensors")
    assert read_sam2_state(tmp_path / "tuned.safetensors").keys() == STATE.keys()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("image_encoder.patch_embed.proj.weight", "SAM 1"),
        ("image_encoder.patch_embed.seq.0.c.weight", "MobileSAM"),
        ("vision_encoder.backbone.patch_embed.projection.weight", "the library transformers"),
        ("something.weight", f"it has no {FIRST}"),
    ],
)
def test_another_librarys_checkpoint_is_called_by_its_name(tmp_path, name, kind):
    torch.save({"model": {name: torch.ones(1)}}, tmp_path / "other.pth")
    with pytest.raises(PromptingError, match="is not a SAM 2 checkpoint") as error:
        catalogue.build_official_sam2(tmp_path / "other.pth")
    assert kind in sentence(error)


def test_efficient_tam_is_called_by_its_name(tmp_path):
    blocks = {f"image_encoder.trunk.blocks.{i}.norm1.weight": torch.ones(1) for i in range(12)}
    torch.save({"model": {FIRST: torch.ones(192, 3, 16, 16), **blocks}}, tmp_path / "tam.pt")
    with pytest.raises(PromptingError, match=r"no known SAM 2 size \(192 channels, 12 blocks: EfficientTAM\)") as error:
        catalogue.build_official_sam2(tmp_path / "tam.pt")
    sentence(error)


def test_two_models_in_one_file_are_not_chosen_between(tmp_path):
    torch.save({**under("student."), **under("teacher.")}, tmp_path / "two.pt")
    with pytest.raises(PromptingError, match=r"holds several models \('student\.', 'teacher\.'\)") as error:
        read_sam2_state(tmp_path / "two.pt")
    sentence(error)


def test_a_whole_pickled_model_is_refused_with_what_to_save_instead(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "whole.pt")
    with pytest.raises(PromptingError, match=r"save the model's state_dict\(\) alone") as error:
        read_sam2_state(tmp_path / "whole.pt")
    sentence(error)


# --- files that only look like checkpoints ---

NONE = {
    "is empty": b"",
    "is a web page": b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
    "is a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
}


@pytest.mark.parametrize(("words", "content"), NONE.items())
def test_what_is_no_checkpoint_is_called_what_it_is(own_models, words, content):
    path = own_models / "weights.pt"
    path.write_bytes(content)
    for load in (lambda: catalogue.load_sam2(str(path), "cpu"), lambda: catalogue.load_yolo(str(path))):
        with pytest.raises(PromptingError, match=words) as error:
            load()
        sentence(error)


def test_a_folder_is_no_checkpoint(own_models):
    with pytest.raises(PromptingError, match="it is a folder; name the file in it") as error:
        catalogue.load_sam2(str(own_models), "cpu")
    sentence(error)
    with pytest.raises(PromptingError, match="There is no checkpoint"):
        catalogue.load_yolo(str(own_models))


# --- detectors ---


@pytest.mark.parametrize("suffix", [".onnx", ".engine", ".pth", ".torchscript", ".yaml", ".safetensors", ".ONNX"])
def test_a_detector_in_another_format_is_refused_in_one_sentence(own_models, suffix):
    path = own_models / f"mine{suffix}"
    path.write_bytes(b"whatever")
    with pytest.raises(PromptingError, match=rf"is a \{suffix.lower()} file: give the checkpoint \(\.pt\)") as error:
        catalogue.load_yolo(str(path))
    sentence(error)


def test_a_checkpoint_that_needs_a_package_says_so_and_installs_nothing(own_models, monkeypatch):
    """A pickle of a module that isn't here: Ultralytics would fetch it from the package index."""
    module = type(sys)("a_package_that_is_not_here")
    kind = type("Model", (), {"__module__": module.__name__})
    module.Model = kind
    sys.modules[module.__name__] = module
    try:
        torch.save({"model": kind()}, own_models / "mine.pt")
    finally:
        del sys.modules[module.__name__]
    called = []
    monkeypatch.setattr(subprocess, "check_output", lambda *args, **_: called.append(args))
    with pytest.raises(PromptingError, match="needs the Python package 'a_package_that_is_not_here'") as error:
        catalogue.load_yolo(str(own_models / "mine.pt"))
    sentence(error)
    assert not called


def test_ultralytics_that_somebody_imported_before_installs_nothing_either(monkeypatch):
    import ultralytics.utils
    import ultralytics.utils.checks

    monkeypatch.setenv("YOLO_AUTOINSTALL", "true")
    for module in (ultralytics.utils, ultralytics.utils.checks):
        monkeypatch.setattr(module, "AUTOINSTALL", True)
    detectors.import_ultralytics()
    assert not ultralytics.utils.AUTOINSTALL
    assert not ultralytics.utils.checks.AUTOINSTALL
    assert os.environ["YOLO_AUTOINSTALL"] == "false"
    called = []
    monkeypatch.setattr(subprocess, "check_output", lambda *args, **_: called.append(args))
    assert ultralytics.utils.checks.check_requirements("a-package-that-is-not-here") is False
    assert not called


def test_a_classifier_is_no_detector():
    with pytest.raises(PromptingError, match="needs a detector, and this Ultralytics model is for 'classify'"):
        YoloPrior(SimpleNamespace(task="classify", names={0: "person"}, overrides={}), ["person"])


# --- the checkpoint's own settings ---


class Recorder(SimpleNamespace):
    """A detector that notes what it is asked."""

    task, names = "detect", {0: "person"}

    def predict(self, images, **asked):
        self.asked, self.sides = asked, images[0].shape[:2]
        return [None] * len(images)


@pytest.mark.parametrize(
    ("trained", "side"), [({"imgsz": 1536}, 1536), ({"imgsz": [384, 1280]}, 1280), ({"imgsz": 1000}, 1024), ({}, 640)]
)
def test_a_detector_looks_at_the_size_that_it_was_trained_at(trained, side):
    model = Recorder(overrides=trained)
    assert YoloPrior(model, ["person"]).imgsz == model.asked["imgsz"] == side


def test_another_size_can_be_asked_for():
    model = Recorder(overrides={"imgsz": 1536})
    assert YoloPrior(model, ["person"], imgsz=700).imgsz == model.asked["imgsz"] == 704
    assert Plan(yolo_imgsz="auto").yolo_imgsz is Plan().yolo_imgsz is None
    for wrong in (0, 31, 10**6, "large", 640.5):
        with pytest.raises(PromptingError, match="yolo_imgsz must"):
            Plan(yolo_imgsz=wrong)


def test_a_retrained_checkpoints_size_is_read_from_its_file(own_yolo):
    stored = torch.load(own_yolo, weights_only=False)
    for settings in (stored["train_args"], stored["model"].args):
        settings["imgsz"] = 1536
    torch.save(stored, own_yolo)
    assert training_size(catalogue.load_yolo(str(own_yolo))) == 1536
    assert training_size(catalogue.load_yolo("nano")) == 640


def test_the_size_is_recorded(applied):
    assert applied.get_run_info("sam2_yolo_box").config.yolo_imgsz == 640


def test_a_crowd_is_not_cut_off_at_ultralytics_300(photographs):
    """Of a model without a threshold worth its name, more than 300 boxes come back."""
    import skimage.io

    yolo, image = catalogue.load_yolo("nano"), skimage.io.imread(photographs / "bus.jpg")
    prior = YoloPrior(yolo, ["person"], confidence=0.0)
    from prompting.priors.base import Picture

    assert 300 < len(prior.find([Picture("bus", "bus", image)])[0]) <= MOST


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("ViT-B-32/openai", "ViT-B-32-quickgelu/openai"),
        ("ViT-L-14-336/openai", "ViT-L-14-336-quickgelu/openai"),
        ("ViT-B-16/metaclip_400m", "ViT-B-16-quickgelu/metaclip_400m"),
        ("ViT-B-16/dfn2b", "ViT-B-16-quickgelu/dfn2b"),
        ("ViT-B-16/laion2b_s34b_b88k", "ViT-B-16/laion2b_s34b_b88k"),
        ("ViT-B-32-quickgelu/openai", "ViT-B-32-quickgelu/openai"),
        ("nano", "nano"),
        ("nonsense/openai", "nonsense/openai"),
    ],
)
def test_clips_weights_run_with_the_activation_that_they_were_trained_with(asked, right):
    assert catalogue.resolve_clip(asked) == right


def test_no_clip_of_openclips_list_is_left_with_the_wrong_activation():
    for architecture, tag in open_clip.list_pretrained():
        if architecture.startswith("ViT"):
            ours, _, _ = catalogue.resolve_clip(f"{architecture}/{tag}").partition("/")
            trained = open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu", False)
            assert bool((open_clip.get_model_config(ours) or {}).get("quick_gelu")) == trained, (architecture, tag)
