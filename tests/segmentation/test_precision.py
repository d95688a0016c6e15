"""The encoder's precision: chosen by what the device can do, and of little consequence for the masks."""

import numpy as np
import pytest
import skimage.io
import torch

from prompting.pixels.masks import intersection_over_union
from prompting.plan import Plan
from prompting.runs.assembly import build_runner, resolved
from prompting.segmentation import precision
from prompting.segmentation.prompt import Prompt

MAN_BOX = np.array([47, 398, 238, 902], np.float32)


@pytest.fixture(scope="module")
def bus(photographs) -> np.ndarray:
    return skimage.io.imread(photographs / "bus.jpg")


@pytest.fixture(scope="module")
def half(nano_segmenter):
    return nano_segmenter.at("bfloat16")


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": False, "avx512_bf16": True}, "bfloat16"),
        ({"bf16": True}, "bfloat16"),
        ({"avx2": True, "avx512_f": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_is_half_precision_only_where_the_processor_multiplies_it(monkeypatch, able, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert precision.resolve_precision("auto", "cpu") == expected


@pytest.mark.parametrize(("able", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_that_only_emulates_half_precision_stays_at_float32(monkeypatch, able, expected):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or able)
    assert precision.resolve_precision("auto", "cuda:0") == expected
    assert asked == [{"including_emulation": False}]


def test_what_was_chosen_stays():
    for name in precision.PRECISIONS:
        assert precision.resolve_precision(name, "cpu") == name


def test_encoder_computes_in_half_and_the_decoder_in_float32(half, bus):
    seen = {}

    def note(part):
        return lambda module, args, output: seen.update({part: output[0].dtype if part == "decoder" else output.dtype})

    convolution = next(m for m in half.model.image_encoder.neck.modules() if isinstance(m, torch.nn.Conv2d))
    hooks = [
        convolution.register_forward_hook(note("encoder")),
        half.model.sam_mask_decoder.register_forward_hook(note("decoder")),
    ]
    encoded = half.encode([bus])[0]
    decoded = half.decode(encoded, [Prompt("person", box=MAN_BOX)])
    for hook in hooks:
        hook.remove()
    assert seen == {"encoder": torch.bfloat16, "decoder": torch.float32}
    assert encoded.embedding.dtype == encoded.high_res[0].dtype == torch.float32
    assert decoded.predicted_iou.dtype == np.float32


def test_half_precision_shares_the_weights_and_leaves_the_other_alone(nano_segmenter, half):
    assert half.model is nano_segmenter.model
    assert (nano_segmenter.precision, half.precision) == ("float32", "bfloat16")


def test_masks_at_half_precision_are_nearly_those_at_float32(nano_segmenter, half, bus):
    boxes = [Prompt("person", box=np.array(b, np.float32)) for b in (MAN_BOX, [224, 407, 346, 861])]
    exact, quick = (s.decode(s.encode([bus])[0], boxes) for s in (nano_segmenter, half))
    assert not np.array_equal(exact.low_res_logits, quick.low_res_logits)
    for one, other in zip(exact.masks, quick.masks, strict=True):
        assert intersection_over_union(one, other) > 0.97


def test_neighbours_in_the_batch_change_nothing_at_half_precision(half, bus, photographs):
    astronaut = skimage.io.imread(photographs / "astronaut.png")
    alone, among = half.encode([bus])[0], half.encode([astronaut, bus, astronaut])[1]
    boxes = [Prompt("person", box=MAN_BOX)]
    one, other = half.decode(alone, boxes), half.decode(among, boxes)
    assert intersection_over_union(one.masks[0], other.masks[0]) > 0.99


def test_compiled_encoder_sees_one_size_of_batch(nano_segmenter, bus, monkeypatch):
    """Compiling takes minutes, so that a stand-in notes what would be compiled and for which sizes."""
    sizes = []

    def compile_(forward, dynamic):
        assert dynamic is False

        def compiled(batch):
            sizes.append(len(batch))
            return forward(batch)

        return compiled

    monkeypatch.setattr("torch.compile", compile_)
    compiled = nano_segmenter.at("float32", compiled=True)
    compiled.encode([bus, bus])
    (last,) = compiled.encode([bus])
    assert sizes == [2, 2]
    assert not nano_segmenter.compiled
    assert torch.allclose(last.embedding, nano_segmenter.encode([bus])[0].embedding, atol=1e-3)


@pytest.mark.parametrize("wanted", [False, True])
def test_plan_decides_whether_the_encoder_is_compiled(wanted):
    plan = Plan(strategies="field_box", prompt_field="truth", sam2_model="nano", device="cpu", compile=wanted)
    assert build_runner(resolved(plan)).segmenter.compiled is wanted
