"""From a plan to what runs: what ``auto`` means here, and what can be told before any model is loaded."""

import pytest

from prompting.errors import PromptingError
from prompting.models import catalogue
from prompting.plan import Plan
from prompting.runs.assembly import resolved


def test_resolved_plan_has_no_auto_left():
    plan = resolved(Plan())
    assert plan.encoder_precision in ("float32", "bfloat16")
    assert "auto" not in (plan.device, plan.sam2_model, plan.clip_model, plan.yolo_model)
    assert plan.sam2_model in catalogue.SAM2_ZOO
    assert plan.clip_model in catalogue.CLIP_MODELS
    assert plan.yolo_model in catalogue.YOLO_MODELS
    assert resolved(plan) == plan


@pytest.mark.parametrize(
    ("device", "model"), [("cuda", "sam2.1-hiera-large"), ("mps", "sam2.1-hiera-tiny"), ("cpu", "sam2.1-hiera-tiny")]
)
def test_auto_means_the_large_model_only_on_a_gpu(device, model):
    assert catalogue.resolve_sam2(Plan().sam2_model, device) == model


def test_chosen_models_stay():
    plan = resolved(Plan(sam2_model="nano", clip_model="nano", yolo_model="mine.pt", device="cpu"))
    assert (plan.sam2_model, plan.clip_model, plan.yolo_model) == ("nano", "nano", "mine.pt")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "nonsense"])
def test_device_that_is_not_there_is_told_before_any_model_is_loaded(device):
    with pytest.raises(PromptingError, match=f"The device '{device}' can't be used here; use auto, cuda, mps or cpu."):
        resolved(Plan(device=device))


@pytest.mark.parametrize("given", [None, "auto"])
def test_a_cpu_takes_one_picture_at_a_time_unless_told_otherwise(given):
    assert resolved(Plan(sam2_model="nano", device="cpu", batch_size=given)).batch_size == 1
    assert resolved(Plan(sam2_model="nano", device="cpu", batch_size=3)).batch_size == 3
