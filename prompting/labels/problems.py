"""Why masks can't be read, in words that serve one of them and many."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PromptError


@dataclass(frozen=True)
class Problem:
    """Why masks can't be read: "masks that <what>", and what to do about it."""

    what: str
    advice: str


COLOURS = Problem(
    "are pictures of colours, which the field's mask targets don't name",
    'set dataset.mask_targets[field] = {"#rrggbb": name}, or save one channel of values',
)
TRANSPARENT = Problem("have their shape in the transparency", "save one channel of values, without alpha")
SHAPELESS = Problem("are no pictures of one, three or four channels", "save them as (height, width) arrays of values")
NOT_NUMBERS = Problem("hold NaN or infinity", "write 0 there, or a value for void")
SOFT = Problem(
    "are soft where values are needed",
    "soft masks are understood from 0 to 1 or from 0 to 255, of a single class; save whole numbers",
)
MANY_LEVELS = Problem(
    "belong to one instance each but have several values", "an instance's mask is bool, 0 and 255, or soft from 0 to 1"
)
NO_BOX = Problem(
    "belong to boxes that are none: of no width or height, NaN, or not of four numbers",
    "mend bounding_box, which is [left, top, width, height] relative to the picture, or leave their samples out",
)
NO_PIXELS = Problem("have no pixel", "draw them again, delete those labels, or leave their samples out")
SWAPPED = Problem(
    "have their sides swapped against the picture",
    "the picture's EXIF block turns it and they were drawn on it unturned; turn the masks, or leave their samples out",
)
NOISY = Problem(
    "come from JPEG files, whose compression changed their values", "save masks as PNG, from the original drawing"
)
WHOLE = Problem(
    "are as large as the picture though their boxes are smaller",
    "FiftyOne crops an instance's mask to its box; fo.Detection.from_mask(mask, label=…) makes both of a whole mask",
)


class MaskProblem(PromptError):
    """One mask that can't be read; ``problem`` says why, in words that also serve many."""

    def __init__(self, problem: Problem):
        super().__init__(f"masks that {problem.what} can't be read; {problem.advice}.")
        self.problem = problem
