"""What CLIP's words say of a patch: the probability of each class's phrases among all phrases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F

from ..errors import PromptingError
from ..spelling import same_name
from .vocabulary import background_for, phrases_of

TEMPLATES = ("{}", "a photo of a {}.", "a photo of the {}.", "the {} in the scene")


class Words:
    """The phrases of some classes, and of the background that competes with them.

    Args:
        model: an open_clip model
        tokenizer: its tokenizer
        classes: the classes to look for
        phrases: of a class, instead of those of the vocabulary
        background: phrases, instead of the vocabulary's
        device: where the model runs

    Raises:
        PromptingError: two classes have the same phrases, or no background phrase is left
    """

    def __init__(
        self,
        model,
        tokenizer,
        classes: Sequence[str],
        phrases: Mapping[str, Sequence[str]],
        background: Sequence[str] | None = None,
        device="cpu",
    ):
        groups = [phrases_of(name, phrases) for name in classes]
        _refuse_ties(classes, groups)
        others = background_for(classes, background, phrases)
        if not others:
            raise PromptingError("Every background phrase means one of the classes; give CLIP others to compete with.")
        self.groups = [*groups, *((phrase,) for phrase in others)]
        self.text = self._embed(model, tokenizer, device)
        self.owner = torch.tensor([i for i, group in enumerate(self.groups) for _ in group], device=device)
        self._scale = model.logit_scale

    def probabilities(self, patches: torch.Tensor) -> torch.Tensor:
        """Of each group of phrases, (B, G, h, w), of unit embeddings (B, h, w, D): a softmax over all phrases, summed
        over those of a group."""
        scores = (patches @ self.text.T * self._scale.exp()).softmax(dim=-1)
        grouped = scores.new_zeros(*scores.shape[:-1], len(self.groups)).index_add_(-1, self.owner, scores)
        return grouped.permute(0, 3, 1, 2)

    @torch.inference_mode()
    def _embed(self, model, tokenizer, device) -> torch.Tensor:
        """Unit embeddings (phrases, D), each phrase averaged over the templates."""
        phrases = [phrase for group in self.groups for phrase in group]
        total = 0
        for template in TEMPLATES:
            tokens = tokenizer([template.format(phrase) for phrase in phrases]).to(device)
            total = total + model.encode_text(tokens, normalize=True)
        return F.normalize(total, dim=-1)


def _refuse_ties(classes: Sequence[str], groups: Sequence[Sequence[str]]) -> None:
    """Of two classes with the same phrases only the first would ever be found."""
    seen: dict[frozenset[str], str] = {}
    for name, group in zip(classes, groups, strict=True):
        other = seen.setdefault(frozenset(map(same_name, group)), name)
        if other != name:
            raise PromptingError(
                f"{other!r} and {name!r} have the same phrases for CLIP; ask for one of them, or give phrases."
            )
