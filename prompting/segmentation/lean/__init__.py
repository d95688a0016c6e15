"""SAM 2's own forward passes without what pictures don't need: the same weights and the same masks, sooner.

What sam2 computes for videos (positions of features for the memory), anew for every picture (positions of patches) or
for every prompt of a picture (what the decoder makes of the picture alone) is left out or computed once.
"""

from .decoder import PictureDecoder
from .encoder import PictureEncoder

__all__ = ["PictureDecoder", "PictureEncoder", "restore"]


def restore(model) -> None:
    """Let a model compute as sam2 wrote it again, to be compared with."""
    from sam2.modeling.sam.mask_decoder import MaskDecoder

    model.sam_mask_decoder.__class__ = MaskDecoder
    vars(model.image_encoder.trunk).pop("_get_pos_embed", None)
