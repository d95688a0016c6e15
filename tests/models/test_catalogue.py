"""Models by name: the official architectures from files, the bundled ones offline, and clear words for the rest."""

import os
import pickle
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import sam2
import skimage.io
import torch
from omegaconf import OmegaConf
from sam2.build_sam import build_sam2
from sam2.sam2_image_predictor import SAM2ImagePredictor

from prompting.errors import ModelUnavailable, PromptingError
from prompting.models import catalogue, checkpoints
from prompting.prompts.refine import intersection_over_union
from prompting.segmentation.prompt import Prompt

LOADERS = (catalogue.load_sam2, catalogue.load_clip, catalogue.load_yolo)
TRUNK = "image_encoder.trunk"


@pytest.fixture
def fresh():
    """No model in the caches, before and after: a test may have put a false one there."""
    for loader in LOADERS:
        loader.cache_clear()
    yield
    for loader in LOADERS:
        loader.cache_clear()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    """A checkpoint as Meta's sam2.1_hiera_tiny.pt, with random weights."""
    torch.manual_seed(0)
    model = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device="cpu")
    path = tmp_path_factory.mktemp("checkpoints") / "tiny.pt"
    torch.save({"model": model.state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint):
    return catalogue.load_sam2(str(tiny_checkpoint), "cpu")


@pytest.fixture(scope="session")
def small_photograph(photographs) -> np.ndarray:
    return skimage.io.imread(photographs / "chelsea.png")[::4, ::4].copy()


def test_official_architecture_is_built_from_its_checkpoint(tiny, tiny_checkpoint):
    assert tiny.image_size == 1024
    assert tiny.name == str(tiny_checkpoint)
    stored = torch.load(tiny_checkpoint, weights_only=True)["model"]
    loaded = tiny.model.state_dict()
    assert loaded.keys() == stored.keys()
    assert all(torch.equal(loaded[name], stored[name]) for name in stored)


def test_official_architecture_gives_the_masks_of_sam2s_own_predictor(tiny, small_photograph):
    height, width = small_photograph.shape[:2]
    encoded = tiny.encode([small_photograph])[0]
    predictor = SAM2ImagePredictor(tiny.model)
    predictor.set_image(small_photograph)
    box = np.array([10, 10, 80, 60], np.float32)
    click, label = np.array([[40, 30]], np.float32), np.array([1])
    for prompt, multimask in (
        (Prompt("cat", box=box), False),
        (Prompt("cat", click, label), True),
        (Prompt("cat", click, label, box), False),
    ):
        ours = tiny.decode(encoded, [prompt])
        points = {"point_coords": click, "point_labels": label} if len(prompt.point_labels) else {}
        masks, ious, logits = predictor.predict(**points, box=prompt.box, multimask_output=multimask)
        best = ious.argmax()
        assert [mask.shape for mask in ours.masks] == [(height, width)]
        assert ours.low_res_logits.shape == (1, 1, 256, 256)
        assert ours.predicted_iou[0] == pytest.approx(ious[best], abs=1e-3)
        assert np.allclose(ours.low_res_logits[0, 0].numpy(), logits[best], atol=1e-2)
        assert intersection_over_union(ours.masks[0], masks[best].astype(bool)) > 0.99


@pytest.mark.parametrize("version", ["sam2", "sam2.1"])
@pytest.mark.parametrize("letter", ["t", "s", "b+", "l"])
def test_size_and_version_are_read_off_the_tensors(tmp_path, monkeypatch, version, letter):
    """As sam2's own config describes them; the model itself is not built here."""
    config = f"configs/{version}/{version}_hiera_{letter}.yaml"
    trunk = OmegaConf.load(Path(sam2.__file__).parent / config).model.image_encoder.trunk
    state = {f"{TRUNK}.patch_embed.proj.weight": torch.zeros(trunk.get("embed_dim", 96), 3, 7, 7)}
    stages = trunk.get("stages", (2, 3, 16, 3))
    state |= {f"{TRUNK}.blocks.{i}.norm1.weight": torch.zeros(1) for i in range(sum(stages))}
    if version == "sam2.1":
        state["no_obj_embed_spatial"] = torch.zeros(1)
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    built = []

    def build(*args, **_):
        built.append(args)
        return SimpleNamespace(load_state_dict=lambda given: built.append(given.keys()))

    monkeypatch.setattr("sam2.build_sam.build_sam2", build)
    catalogue.build_official_sam2(tmp_path / "checkpoint.pt")
    assert built == [(config, None), state.keys()]


def sentence(error: Exception) -> str:
    """The message, which must be one sentence on one line."""
    text = str(error)
    assert text.endswith(".")
    assert len(text.splitlines()) == 1
    return text


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a download"])
def test_file_that_is_no_checkpoint_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "notes.pt"
    path.write_bytes(content)
    with pytest.raises(PromptingError, match="is not a SAM 2 checkpoint") as caught:
        catalogue.load_sam2(str(path), "cpu")
    assert str(path) in sentence(caught.value)


@pytest.mark.parametrize("stored", [{}, {"model": {}}, {"model": {"conv.weight": torch.zeros(1)}}, [1, 2]])
def test_checkpoint_of_another_model_is_refused_in_one_sentence(tmp_path, stored):
    torch.save(stored, tmp_path / "other.pt")
    with pytest.raises(PromptingError, match="is not a SAM 2 checkpoint") as caught:
        catalogue.load_sam2(str(tmp_path / "other.pt"), "cpu")
    sentence(caught.value)


@pytest.mark.parametrize(("channels", "blocks"), [(8, 4), (96, 0), (96, 13)])
def test_unknown_size_is_refused_in_one_sentence(tmp_path, channels, blocks):
    state = {f"{TRUNK}.patch_embed.proj.weight": torch.zeros(channels, 3, 7, 7)}
    state |= {f"{TRUNK}.blocks.{i}.norm1.weight": torch.zeros(1) for i in range(blocks)}
    torch.save({"model": state}, tmp_path / "other.pt")
    with pytest.raises(
        PromptingError, match=rf"no known SAM 2 size \({channels} channels, {blocks} blocks\)"
    ) as caught:
        catalogue.load_sam2(str(tmp_path / "other.pt"), "cpu")
    sentence(caught.value)


def test_incomplete_checkpoint_is_refused_in_one_sentence(tmp_path, tiny_checkpoint):
    state = torch.load(tiny_checkpoint, weights_only=True)["model"]
    torch.save({"model": {k: v for k, v in state.items() if k.startswith(TRUNK)}}, tmp_path / "part.pt")
    with pytest.raises(PromptingError, match=r"part\.pt does not fit configs/") as caught:
        catalogue.load_sam2(str(tmp_path / "part.pt"), "cpu")
    sentence(caught.value)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("save", [torch.save, lambda stored, path: path.write_bytes(pickle.dumps(stored, protocol=2))])
def test_code_inside_a_checkpoint_is_not_run(tmp_path, save):
    save({"model": Bomb(tmp_path / "exploded")}, tmp_path / "bomb.pt")
    with pytest.raises(PromptingError, match="is not a SAM 2 checkpoint") as caught:
        catalogue.load_sam2(str(tmp_path / "bomb.pt"), "cpu")
    sentence(caught.value)
    assert not (tmp_path / "exploded").exists()


def no_network(*args, **kwargs):
    raise ConnectionError("no route to host\nand a traceback's worth of more")


@pytest.mark.parametrize("name", catalogue.SAM2_ZOO)
def test_sam2_that_cannot_be_downloaded_is_told_with_the_reason_and_the_bundled_one(fresh, monkeypatch, name):
    monkeypatch.setattr("fiftyone.zoo.download_zoo_model", no_network)
    with pytest.raises(ModelUnavailable) as caught:
        catalogue.load_sam2(name, "cpu")
    text = sentence(caught.value)
    assert repr(name) in text
    assert "ConnectionError: no route to host" in text
    assert "sam2_model='nano'" in text


def test_auto_is_never_silently_the_bundled_model(fresh, monkeypatch):
    monkeypatch.setattr("fiftyone.zoo.download_zoo_model", no_network)
    monkeypatch.setattr("open_clip.create_model_and_transforms", no_network)
    monkeypatch.setattr("ultralytics.YOLO", no_network)
    with pytest.raises(ModelUnavailable, match=r"sam2\.1-hiera-tiny"):
        catalogue.load_sam2("auto", "cpu")
    with pytest.raises(ModelUnavailable, match="ViT-B-16-quickgelu/openai"):
        catalogue.load_clip("auto", "cpu")
    with pytest.raises(ModelUnavailable, match="yolo26x"):
        catalogue.load_yolo("auto")


def test_sam2_of_the_zoo_is_loaded_from_the_file_that_the_zoo_fetched(fresh, monkeypatch, tiny_checkpoint):
    asked = []

    def fetched(name):
        asked.append(name)
        return None, str(tiny_checkpoint)

    monkeypatch.setattr("fiftyone.zoo.download_zoo_model", fetched)
    segmenter = catalogue.load_sam2("auto", "cpu")
    assert segmenter.name == "sam2.1-hiera-tiny"
    assert segmenter.image_size == 1024
    assert asked == ["segment-anything-2.1-hiera-tiny-image-torch"]


def test_zoo_names_exist_in_fiftyones_zoo():
    import fiftyone.zoo as foz

    assert set(catalogue.SAM2_ZOO.values()) <= set(foz.list_zoo_models())


def test_clip_that_cannot_be_downloaded_is_told_with_the_reason_and_the_bundled_one(fresh, monkeypatch):
    monkeypatch.setattr("open_clip.create_model_and_transforms", no_network)
    with pytest.raises(ModelUnavailable) as caught:
        catalogue.load_clip("ViT-B-16-quickgelu/openai", "cpu")
    text = sentence(caught.value)
    assert "'ViT-B-16-quickgelu/openai'" in text
    assert "ConnectionError: no route to host" in text
    assert "clip_model='nano'" in text


def test_detector_that_cannot_be_downloaded_is_told_with_the_reason_and_the_bundled_one(fresh, monkeypatch):
    monkeypatch.setattr("ultralytics.YOLO", no_network)
    with pytest.raises(ModelUnavailable) as caught:
        catalogue.load_yolo("yolo26x.pt")
    text = sentence(caught.value)
    assert "'yolo26x.pt'" in text
    assert "ConnectionError: no route to host" in text
    assert "yolo_model='yolo26n.pt'" in text


def test_bundled_model_without_yolos_checkpoint_says_how_to_fetch_it(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("SAM2_PROMPTING_WEIGHTS", str(tmp_path))
    for load in (
        lambda: catalogue.load_sam2("nano", "cpu"),
        lambda: catalogue.load_clip("nano", "cpu"),
        load_nano_yolo,
    ):
        with pytest.raises(ModelUnavailable, match="make setup"):
            load()


def load_nano_yolo():
    return catalogue.load_yolo("nano")


def test_unknown_sam2_is_told_the_known_ones():
    with pytest.raises(PromptingError, match="Unknown SAM 2 model 'sam3'") as caught:
        catalogue.load_sam2("sam3", "cpu")
    text = sentence(caught.value)
    assert all(name in text for name in catalogue.SAM2_MODELS)


@pytest.mark.parametrize("name", ["ViT-B-16", "ViT-Z-1/openai", "clip", "/openai", "ViT-B-16/"])
def test_unknown_clip_is_told_how_names_are_written(name):
    with pytest.raises(PromptingError, match="Unknown CLIP model") as caught:
        catalogue.load_clip(name, "cpu")
    assert "'ViT-B-16-quickgelu/openai'" in sentence(caught.value)


def test_unknown_detector_is_told_the_bundled_one(fresh):
    with pytest.raises(PromptingError, match=r"'nonsense\.pt' is a pickle, which can run code") as caught:
        catalogue.load_yolo("nonsense.pt")
    assert "official name" in sentence(caught.value)


@pytest.mark.parametrize("tag", ["laion5b", "/tmp/weights.pt", "../weights.pt"])
def test_clip_weights_that_open_clip_does_not_list_are_refused_be_they_a_path(tag):
    with pytest.raises(PromptingError, match=r"has no weights .* in open_clip; it has: openai"):
        catalogue.load_clip(f"ViT-B-16-quickgelu/{tag}", "cpu")


def test_clip_without_a_class_token_is_refused(fresh, monkeypatch):
    """A ResNet's patches have no such path; its weights are not needed to know."""
    create = open_clip.create_model_and_transforms
    monkeypatch.setattr("open_clip.create_model_and_transforms", lambda name, pretrained: create(name))
    with pytest.raises(
        PromptingError, match="needs a plain ViT with a class token, and 'RN50-quickgelu/openai' is none"
    ):
        catalogue.load_clip("RN50/openai", "cpu")


def test_clip_brings_its_own_tokenizer_and_normalisation(fresh, monkeypatch):
    create = open_clip.create_model_and_transforms
    monkeypatch.setattr("open_clip.create_model_and_transforms", lambda name, pretrained: create(name))
    model, tokenizer, mean, std = catalogue.load_clip("ViT-B-32-quickgelu/openai", "cpu")
    assert not model.training
    assert mean == pytest.approx(open_clip.OPENAI_DATASET_MEAN)
    assert std == pytest.approx(open_clip.OPENAI_DATASET_STD)
    assert tokenizer(["a person"]).shape == (1, model.context_length)


def test_chosen_device_types_decide_what_auto_means():
    assert catalogue.resolve_sam2("auto", "cuda") == "sam2.1-hiera-large"
    assert catalogue.resolve_sam2("auto", "cpu") == "sam2.1-hiera-tiny"
    assert catalogue.resolve_sam2("nano", "cuda") == "nano"
    assert catalogue.resolve_clip("auto") == "ViT-B-16-quickgelu/openai"
    assert catalogue.resolve_yolo("auto") == "yolo26x.pt"
    assert catalogue.resolve_yolo("nano") == checkpoints.YOLO_DETECT
    assert catalogue.resolve_yolo("auto", masks=True) == "yolo26x-seg.pt"
    assert catalogue.resolve_yolo("nano", masks=True) == checkpoints.YOLO_SEGMENT
    assert catalogue.best_device() in ("cuda", "mps", "cpu")


def test_bundled_models_load_without_any_network(fresh, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a bundled model reached for the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    segmenter = catalogue.load_sam2("nano", "cpu")
    model, tokenizer, mean, std = catalogue.load_clip("nano", "cpu")
    detector = catalogue.load_yolo("nano")
    assert segmenter.name == "nano"
    assert not segmenter.model.training
    assert not model.training
    assert tokenizer(["a person"]).shape == (1, model.context_length)
    assert len(mean) == len(std) == 3
    assert detector.names[0] == "person"


def test_model_is_loaded_once(fresh):
    assert catalogue.load_yolo("nano") is catalogue.load_yolo("nano")
    assert catalogue.load_sam2("nano", "cpu") is catalogue.load_sam2("nano", "cpu")
