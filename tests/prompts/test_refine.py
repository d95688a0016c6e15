"""Refinement clicks on the larger error, keeps what was clicked, and never makes it worse."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import skimage.io
import torch

from prompting.pixels.masks import Window, intersection_over_union
from prompting.prompts.refine import TOLERANCE, Refined, Task, next_click, refine, refine_all
from prompting.segmentation.prompt import Prompt

PEOPLE = [(47, 398, 238, 902), (224, 407, 346, 861), (669, 387, 810, 880)]


def rectangle(y1: int, y2: int, x1: int, x2: int) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[y1:y2, x1:x2] = True
    return mask


TARGET = rectangle(20, 80, 20, 80)


def test_missing_part_gets_a_positive_click_in_its_middle():
    assert next_click(rectangle(20, 80, 20, 59), TARGET) in [((69.0, y), 1) for y in range(30, 70)]


def test_excess_gets_a_negative_click_in_its_middle():
    (x, y), label = next_click(rectangle(20, 80, 20, 100), TARGET)
    assert label == 0
    assert 88 <= x <= 91
    assert 28 <= y <= 71


def test_deeper_error_is_clicked_first():
    missing_more = rectangle(20, 80, 50, 90)
    assert next_click(missing_more, TARGET)[1] == 1
    excess_more = rectangle(20, 80, 30, 100)
    assert next_click(excess_more, TARGET)[1] == 0


def test_compact_error_goes_before_a_thin_one_of_more_pixels():
    """A rim that is a pixel wide all around is what no click can mend."""
    mask = rectangle(18, 82, 18, 82)
    mask[40:56, 40:56] = False
    excess, missing = (mask & ~TARGET).sum(), (TARGET & ~mask).sum()
    assert excess > missing
    (x, y), label = next_click(mask, TARGET)
    assert label == 1
    assert 40 <= x < 56
    assert 40 <= y < 56


def test_agreement_within_ten_percent_needs_no_click():
    assert next_click(TARGET, TARGET) is None
    assert next_click(rectangle(20, 80, 20, 75), TARGET) is None
    assert next_click(rectangle(20, 80, 20, 85), TARGET) is None
    assert TOLERANCE == 0.10


def test_ten_percent_missing_or_too_much_needs_one():
    assert next_click(rectangle(20, 80, 20, 74), TARGET) is not None
    assert next_click(rectangle(20, 80, 20, 86), TARGET) is not None


def test_errors_that_cancel_out_are_still_errors():
    """As much too much as is missing: the areas agree and the masks don't."""
    assert next_click(rectangle(20, 80, 30, 90), TARGET) is not None


def test_empty_mask_is_clicked_in_the_targets_middle():
    (x, y), label = next_click(np.zeros_like(TARGET), TARGET)
    assert (label, TARGET[int(y), int(x)]) == (1, True)
    assert abs(x - 49.5) <= 1
    assert abs(y - 49.5) <= 1


def test_empty_target_is_answered_by_a_negative_click_or_none():
    assert next_click(TARGET, np.zeros_like(TARGET))[1] == 0
    assert next_click(np.zeros_like(TARGET), np.zeros_like(TARGET)) is None


@pytest.fixture(scope="module")
def bus(nano_segmenter, photographs):
    return nano_segmenter.encode([skimage.io.imread(photographs / "bus.jpg")])[0]


@pytest.fixture(scope="module")
def targets(nano_segmenter, bus) -> list[np.ndarray]:
    """Three people, as the model sees them when it is told well."""
    return list(nano_segmenter.decode(bus, [Prompt("person", box=np.array(box)) for box in PEOPLE]).masks)


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    """The same people told badly: one click on each head."""
    heads = [((x1 + x2) / 2, y1 + 0.15 * (y2 - y1)) for x1, y1, x2, y2 in PEOPLE]
    return [Prompt("person", np.array([xy], np.float32), np.array([1])) for xy in heads]


@pytest.fixture(scope="module")
def by_rounds(nano_segmenter, bus, prompts, targets) -> list[Refined]:
    """What comes out when 0, 1, 2, 3 corrective clicks are allowed."""
    return [refine(nano_segmenter, bus, prompts, targets, rounds) for rounds in range(4)]


@pytest.fixture
def decoder_batches(nano_segmenter):
    """The number of instances in every call of the real mask decoder."""
    sizes = []
    hook = nano_segmenter.model.sam_mask_decoder.register_forward_hook(
        lambda m, a, output: sizes.append(len(output[0]))
    )
    yield sizes
    hook.remove()


def agreements(masks, targets) -> list[float]:
    return [intersection_over_union(mask, target) for mask, target in zip(masks, targets, strict=True)]


def test_without_rounds_it_is_one_decode_and_the_prompts_as_they_were(
    nano_segmenter, bus, prompts, targets, decoder_batches
):
    refined = refine(nano_segmenter, bus, prompts, targets, rounds=0)
    assert refined.decoder_calls == 1
    assert decoder_batches == [3]
    assert refined.prompts == prompts
    assert agreements(refined.masks, nano_segmenter.decode(bus, prompts).masks) == [1.0] * 3


def test_agreement_with_the_target_never_falls(by_rounds, targets):
    scores = np.array([agreements(refined.masks, targets) for refined in by_rounds])
    assert (np.diff(scores, axis=0) >= 0).all()
    assert scores[-1].mean() > scores[0].mean(), "no click helped: nothing was tested"


def test_all_instances_share_a_decoder_call_a_round(nano_segmenter, bus, prompts, targets, decoder_batches):
    refined = refine(nano_segmenter, bus, prompts, targets, rounds=3)
    assert refined.decoder_calls == len(decoder_batches)
    assert 2 <= len(decoder_batches) <= 1 + 3
    assert decoder_batches[0] == 3
    assert decoder_batches == sorted(decoder_batches, reverse=True)


def test_tasks_share_a_decoder_call_a_round(nano_segmenter, bus, prompts, targets, decoder_batches):
    few, many = Task(prompts[:1], targets[:1], rounds=1), Task(prompts[1:], targets[1:], rounds=3)
    alone = [refine(nano_segmenter, bus, task.prompts, task.targets, task.rounds) for task in (few, many)]
    decoder_batches.clear()
    together = refine_all(nano_segmenter, bus, [few, many])
    assert len(decoder_batches) == max(one.decoder_calls for one in together)
    assert decoder_batches[:2] == [3, 3]
    for one, other in zip(together, alone, strict=True):
        assert one.decoder_calls == other.decoder_calls
        assert [prompt.said for prompt in one.prompts] == [prompt.said for prompt in other.prompts]
        assert min(agreements(one.masks, other.masks)) > 0.999
        assert [(r.instance, r.number) for r in one.rounds] == [(r.instance, r.number) for r in other.rounds]


def test_prompt_that_two_tasks_have_is_decoded_once(nano_segmenter, bus, prompts, targets, decoder_batches):
    plain, corrected = refine_all(nano_segmenter, bus, [Task(prompts, targets), Task(prompts[::-1], targets[::-1], 1)])
    assert decoder_batches[0] == 3
    first = [r.mask for r in corrected.rounds if r.number == 0]
    assert all(np.array_equal(one, other) for one, other in zip(first, plain.masks[::-1], strict=True))
    assert (plain.decoder_calls, corrected.decoder_calls) == (1, 2)


def test_nothing_asked_nothing_decoded(nano_segmenter, bus, decoder_batches):
    assert refine_all(nano_segmenter, bus, []) == []
    assert decoder_batches == []


def test_previous_logits_are_given_back_with_each_click(nano_segmenter, bus, prompts, targets, monkeypatch):
    real, given, made = nano_segmenter.decode, [], []

    def note(encoded, tried, mask_input=None, multimask_output=None):
        given.append(mask_input)
        made.append(real(encoded, tried, mask_input, multimask_output))
        return made[-1]

    monkeypatch.setattr(nano_segmenter, "decode", note)
    refine(nano_segmenter, bus, prompts, targets, rounds=1)
    assert given[0] is None
    disagree = [next_click(mask, target) is not None for mask, target in zip(made[0].masks, targets, strict=True)]
    assert torch.equal(given[1], made[0].low_res_logits[torch.tensor(disagree)])


def test_earlier_clicks_are_kept(by_rounds):
    assert any(len(prompt.point_labels) > 1 for prompt in by_rounds[-1].prompts)
    for earlier, later in pairwise(refined.prompts for refined in by_rounds):
        for before, after in zip(earlier, later, strict=True):
            kept = len(before.point_labels)
            assert len(after.point_labels) <= kept + 1
            assert np.array_equal(after.point_coords[:kept], before.point_coords)
            assert np.array_equal(after.point_labels[:kept], before.point_labels)


def test_every_corrective_click_lies_on_the_side_its_label_says(by_rounds, targets):
    for prompt, target in zip(by_rounds[-1].prompts, targets, strict=True):
        for (x, y), label in zip(prompt.point_coords[1:], prompt.point_labels[1:], strict=True):
            assert np.asarray(target)[int(y), int(x)] == bool(label)


def test_instance_that_agrees_is_left_alone(nano_segmenter, bus, prompts, targets, decoder_batches):
    decoded = nano_segmenter.decode(bus, prompts)
    content = [decoded.masks[0], *targets[1:]]
    decoder_batches.clear()
    refined = refine(nano_segmenter, bus, prompts, content, rounds=3)
    assert max(decoder_batches[1:]) <= 2
    assert refined.prompts[0] is prompts[0]
    assert np.array_equal(refined.masks[0], decoded.masks[0])


def test_when_all_agree_nothing_is_decoded_again(nano_segmenter, bus, prompts, decoder_batches):
    masks = nano_segmenter.decode(bus, prompts).masks
    decoder_batches.clear()
    assert refine(nano_segmenter, bus, prompts, list(masks), rounds=3).decoder_calls == 1
    assert decoder_batches == [3]


def test_click_that_makes_it_worse_is_taken_back(nano_segmenter, bus, prompts, targets, monkeypatch):
    """The one fault forced here: a decoder whose corrections are empty masks."""
    first = nano_segmenter.decode(bus, prompts)
    real = nano_segmenter.decode

    def spoil(encoded, tried, mask_input=None, multimask_output=None):
        decoded = real(encoded, tried, mask_input, multimask_output)
        return decoded if mask_input is None else replace(decoded, logits=-decoded.logits.abs())

    monkeypatch.setattr(nano_segmenter, "decode", spoil)
    refined = refine(nano_segmenter, bus, prompts, targets, rounds=3)
    assert refined.decoder_calls == 2
    assert refined.prompts == prompts
    assert agreements(refined.masks, first.masks) == [1.0] * 3
    assert np.array_equal(refined.predicted_iou, first.predicted_iou)


def test_what_is_kept_belongs_together(nano_segmenter, bus, targets, prompts, monkeypatch):
    """Masks and scores are those of the same decode."""
    real, made = nano_segmenter.decode, []

    def note(*args):
        made.append(real(*args))
        return made[-1]

    monkeypatch.setattr(nano_segmenter, "decode", note)
    refined = refine(nano_segmenter, bus, prompts, targets, rounds=3)
    masks = [mask for decoded in made for mask in decoded.masks]
    ious = np.concatenate([decoded.predicted_iou for decoded in made])
    for mask, iou in zip(refined.masks, refined.predicted_iou, strict=True):
        assert intersection_over_union(mask, masks[int(np.flatnonzero(ious == iou)[0])]) == 1


@pytest.mark.parametrize("rounds", [0, 2])
def test_a_crowd_is_followed_a_few_at_a_time_and_comes_out_the_same(
    nano_segmenter, bus, prompts, targets, decoder_batches, monkeypatch, rounds
):
    tasks = [Task(prompts, targets, rounds), Task(prompts[:2], targets[:2])]
    at_once = refine_all(nano_segmenter, bus, tasks)
    decoder_batches.clear()
    monkeypatch.setattr("prompting.prompts.refine.AT_ONCE", 2)
    monkeypatch.setattr(nano_segmenter, "at_once", 2)
    pieces = refine_all(nano_segmenter, bus, tasks)
    assert max(decoder_batches) == 2
    for one, other in zip(pieces, at_once, strict=True):
        assert one.decoder_calls == other.decoder_calls
        assert [prompt.said for prompt in one.prompts] == [prompt.said for prompt in other.prompts]
        assert min(agreements(one.masks, other.masks)) > 0.999
        assert [(r.instance, r.number) for r in one.rounds] == [(r.instance, r.number) for r in other.rounds]


def test_masks_on_the_way_are_drawn_where_they_are_wanted_alone(nano_segmenter, bus, prompts, targets):
    (without,) = refine_all(nano_segmenter, bus, [Task(prompts, targets, 2)], keep_rounds=False)
    (with_them,) = refine_all(nano_segmenter, bus, [Task(prompts, targets, 2)])
    assert without.rounds == () and with_them.rounds
    assert agreements(without.masks, with_them.masks) == [1.0] * 3


def test_targets_smaller_than_the_picture_are_clicked_in_its_pixels(nano_segmenter, bus, prompts, targets):
    """What is believed at half the size is corrected about as well, and kept at the picture's."""
    half = [Window.of(target).at(bus.height // 2, bus.width // 2) for target in targets]
    small, plain = (refine(nano_segmenter, bus, prompts, some, rounds=3) for some in (half, targets))
    assert all(mask.shape == bus.shape for mask in small.masks)
    for prompt in small.prompts:
        prompt.check(*bus.shape)
    for prompt, target in zip(small.prompts, targets, strict=True):
        for (x, y), label in zip(prompt.point_coords[1:], prompt.point_labels[1:], strict=True):
            assert np.asarray(target)[round(float(y)), round(float(x))] == bool(label)
    assert np.mean(agreements(small.masks, targets)) > np.mean(agreements(plain.masks, targets)) - 0.02
