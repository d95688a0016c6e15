"""The same code on a device that isn't the host.

Where there is none, on one that isn't there: torch's fake tensors know where they are and how large, and hold nothing.
What would mix devices, or wait for a value, is an error.
"""

import copy
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sam2.build_sam import build_sam2
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from demo.photographs import write_photographs
from prompting.models import catalogue
from prompting.pixels.images import read_bounded
from prompting.pixels.masks import Window, intersection_over_union
from prompting.priors.clip import ClipPrior, ClipSettings
from prompting.prompts.refine import Task, refine_all
from prompting.segmentation import segmenter
from prompting.segmentation.prompt import Prompt
from prompting.segmentation.segmenter import Segmenter

FAKE = "cuda:0"
PICTURE = np.zeros((120, 200, 3), np.uint8)
CLICK = Prompt("cat", np.array([[30.0, 40.0]], np.float32), np.array([1]))
BOX = Prompt("cat", np.array([[30.0, 40.0], [5.0, 5.0]], np.float32), np.array([1, 0]), np.array([10.0, 20, 90, 100]))


def empty_like(tensor: torch.Tensor, device: str) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


def faked(model: torch.nn.Module) -> torch.nn.Module:
    """A copy of a model on the device that isn't there; to be called in a ``FakeTensorMode``."""
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = torch.nn.Parameter(empty_like(weight, FAKE), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = empty_like(buffer, FAKE)
    model.to = lambda *_, **__: model  # there already; torch can't move weights without values
    return model


@contextmanager
def nowhere(model: torch.nn.Module):
    """A copy of a model where nothing has a value."""
    model = copy.deepcopy(model)
    with FakeTensorMode():
        yield faked(model)


@pytest.fixture(params=["nano", "official"])
def sam2_model(request, nano_segmenter) -> torch.nn.Module:
    if request.param == "nano":
        return nano_segmenter.model
    return build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device="cpu")


@pytest.fixture
def without_values(monkeypatch):
    """What the host sends has no values either, and what comes back to it is kept from coming; its devices."""
    arrived = []

    def send(self, array):
        return empty_like(torch.from_numpy(array), FAKE)

    def scores(self, tensor):
        arrived.append(tensor.device)
        return np.zeros(tensor.shape, np.float32)

    def masks(logits, height, width):
        arrived.append(logits.device)
        return [Window.empty((height, width))] * len(logits)

    monkeypatch.setattr(Segmenter, "_on_device", send)
    monkeypatch.setattr(Segmenter, "_on_host", scores)
    monkeypatch.setattr(segmenter, "draw", masks)
    return arrived


def test_on_a_device_that_is_not_there_nothing_can_be_mixed_or_read():
    with FakeTensorMode():
        there, here = torch.zeros(3, device=FAKE), torch.zeros(3)
        with pytest.raises(RuntimeError, match="device"):
            there + here
        with pytest.raises(DataDependentOutputException):
            there.sum().item()


def test_encoding_and_decoding_stay_on_the_device_until_scores_and_masks_leave_it(sam2_model, without_values):
    with nowhere(sam2_model) as model:
        sam2 = Segmenter(model, FAKE, "fake")
        first, other = sam2.encode([PICTURE, PICTURE[:50]])
        assert {first.embedding.device, *(level.device for level in other.high_res)} == {torch.device(FAKE)}
        decoded = sam2.decode(first, [CLICK, BOX, CLICK])
        sam2.candidates(first, [BOX])
        everywhere = [np.ones((120, 200), bool)] * 2
        (refined,) = refine_all(sam2, first, [Task([CLICK, BOX], everywhere, rounds=1)])
    assert decoded.low_res_logits.device == torch.device(FAKE) and len(refined.masks) == 2
    assert refined.decoder_calls == 4  # two shapes of prompt, and the same with a click and mask_input
    assert without_values and set(without_values) == {torch.device(FAKE)}


def test_clips_maps_are_made_on_the_device():
    model, tokenizer, mean, std = catalogue.load_clip("nano", "cpu")
    with nowhere(model) as model:
        prior = ClipPrior(model, tokenizer, mean, std, ("person", "dog"), ClipSettings(), FAKE)
        maps = prior._at_scale(torch.empty(1, 3, 120, 200, device=FAKE), 1.5)
    assert maps.device == torch.device(FAKE)
    assert maps.shape[:2] == (1, len(prior.words.groups))


ACCELERATOR = pytest.param(
    catalogue.best_device(),
    marks=pytest.mark.skipif(catalogue.best_device() == "cpu", reason="takes a GPU, and there is none"),
)


@pytest.mark.parametrize("device", ["cpu", ACCELERATOR])
def test_an_accelerator_makes_the_cpus_masks(nano_segmenter, tmp_path, device):
    """On the CPU it says nothing of a device, and sees that these lines can still be run where there is one."""
    write_photographs(tmp_path)
    elsewhere = Segmenter(copy.deepcopy(nano_segmenter.model), device, "nano")
    for path in sorted(tmp_path.glob("*.*")):
        image, _ = read_bounded(path)
        height, width = image.shape[:2]
        box = np.array([0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height])
        asked = [Prompt("person", np.zeros((0, 2), np.float32), np.zeros(0, int), box)]
        here, there = (s.decode(s.encode([image])[0], asked) for s in (nano_segmenter, elsewhere))
        assert intersection_over_union(*here.masks, *there.masks) >= 0.98
        assert there.predicted_iou == pytest.approx(here.predicted_iou, abs=0.01)
