"""SAM 2's mask decoder, for many prompts of one picture.

sam2 repeats the picture's features for every prompt before anything else. Here they stay one until the prompts have
changed them: the first layer's linear maps are computed once a picture. The positions' share of the maps is the same
for all pictures, and is worked out once a model. Where the picture's 4,096 tokens attend to a prompt's ten, what the
heads make of the ten is multiplied out first. The arithmetic is sam2's (``MaskDecoder`` and ``TwoWayTransformer``;
Kirillov et al., 2023), in another order: the last bits differ.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam.transformer import Attention
from torch import nn


class PictureDecoder(MaskDecoder):
    """A ``MaskDecoder`` of another class: ``PictureDecoder.take(decoder)`` changes it in place, the weights stay."""

    @classmethod
    def take(cls, decoder: MaskDecoder) -> None:
        """Let a decoder of an official architecture, on its device and in eval mode, compute as here."""
        decoder.__class__ = cls
        # beside the weights, not among them
        vars(decoder).update(_maps=None, _picture=None, _first=None)

    def predict_masks(
        self,
        image_embeddings: torch.Tensor,
        image_pe: torch.Tensor,
        sparse_prompt_embeddings: torch.Tensor,
        dense_prompt_embeddings: torch.Tensor,
        repeat_image: bool,
        high_res_features: list[torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """As ``MaskDecoder.predict_masks``, with one picture for all prompts (``repeat_image``).

        Args:
            image_embeddings: (1, C, h, w)
            image_pe: (1, C, h, w), the same in every call
            sparse_prompt_embeddings: (N, T, C)
            dense_prompt_embeddings: (N, C, h, w); where there is no mask input, one that is expanded to N
            repeat_image: True
            high_res_features: (1, C / 8, 4 h, 4 w) and (1, C / 4, 2 h, 2 w)

        Returns:
            low-res logits (N, 4, 4 h, 4 w), predicted IoU (N, 4), the mask tokens, and the object's scores
        """
        count, size = len(sparse_prompt_embeddings), image_embeddings.shape[-2:]
        own = [self.obj_score_token.weight] if self.pred_obj_scores else []
        own = torch.cat([*own, self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(count, -1, -1), sparse_prompt_embeddings], dim=1)
        if self._maps is None:
            vars(self)["_maps"] = _image_maps(self.transformer, image_pe.flatten(2).transpose(1, 2))
        alike = dense_prompt_embeddings.stride(-1) == 0  # one number for the whole picture: no mask was given
        image = image_embeddings + (dense_prompt_embeddings[:1] if alike else dense_prompt_embeddings)
        image = image.flatten(2).transpose(1, 2)
        first = self._first_of(image_embeddings, image) if alike else self._maps[0](image)
        answers, image = self._attend(image, first, tokens)
        at = len(own) - self.num_mask_tokens
        of_iou, of_masks = answers[:, at - 1], answers[:, at : len(own)]
        masks = self._draw(image.unflatten(1, size), of_masks, *high_res_features)
        ious = self.iou_prediction_head(of_iou)
        # only videos ask whether the object is there
        there = self.pred_obj_score_head(answers[:, 0]) if self.pred_obj_scores else ious.new_full((count, 1), 10.0)
        return masks, ious, of_masks, there

    def _first_of(self, picture: torch.Tensor, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The first layer's maps of a picture without mask inputs; of the latest one they are kept."""
        if self._picture is not picture:
            vars(self).update(_picture=picture, _first=self._maps[0](image))
        return self._first

    def _attend(
        self, image: torch.Tensor, first: tuple[torch.Tensor, ...], tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``TwoWayTransformer.forward``: tokens (N, T, C) and picture (1 or N, P, C) to tokens and picture (N, …)."""
        queries = tokens
        for number, layer in enumerate(self.transformer.layers):
            if layer.skip_first_layer_pe:
                queries = layer.self_attn(q=queries, k=queries, v=queries)
            else:
                asked = queries + tokens
                queries = queries + layer.self_attn(q=asked, k=asked, v=queries)
            queries = layer.norm1(queries)
            image_keys, image_values, image_queries = self._maps[number](image) if number else first
            there, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
            queries = queries + _cross(there, there.q_proj(queries + tokens), image_keys, image_values)
            queries = layer.norm2(queries)
            queries = layer.norm3(queries + layer.mlp(queries))
            keys, values = back.k_proj(queries + tokens), back.v_proj(queries)
            image = layer.norm4(_answer(back, image, image_queries, keys, values))
        last = self.transformer.final_attn_token_to_image
        image_keys, image_values = self._maps[-1](image)
        queries = queries + _cross(last, last.q_proj(queries + tokens), image_keys, image_values)
        return self.transformer.norm_final_attn(queries), image

    def _draw(
        self, image: torch.Tensor, mask_tokens: torch.Tensor, finest: torch.Tensor, fine: torch.Tensor
    ) -> torch.Tensor:
        """Low-res logits (N, M, 4 h, 4 w) from the picture (N, h, w, C), as the mask tokens (N, M, C) want it."""
        enlarge, norm, act, enlarge_again, act_again = self.output_upscaling
        larger = enlarge(image.permute(0, 3, 1, 2)).add_(fine).permute(0, 2, 3, 1)
        larger = act(F.layer_norm(larger, larger.shape[-1:], norm.weight, norm.bias, norm.eps))
        largest = act_again(enlarge_again(larger.permute(0, 3, 1, 2)).add_(finest)).permute(0, 2, 3, 1)
        pens = torch.stack([mlp(token) for mlp, token in zip(self.output_hypernetworks_mlps, mask_tokens.unbind(1))], 1)
        return (pens @ largest.flatten(1, 2).transpose(1, 2)).unflatten(2, largest.shape[1:3])


class _ImageMaps:
    """Linear maps of the picture's tokens (B, P, C), made one; some are of tokens with their positions added."""

    def __init__(self, placed: list[nn.Linear], plain: nn.Linear, positions: torch.Tensor):
        layers = [placed[0], plain, *placed[1:]]  # keys, values, queries
        self._weight = torch.cat([layer.weight for layer in layers])
        of_positions = [F.linear(positions, layer.weight) + layer.bias for layer in placed]
        of_positions.insert(1, plain.bias.expand_as(of_positions[0]))
        self._offset = torch.cat(of_positions, dim=-1)  # (1, P, all maps)
        self._sizes = [len(layer.weight) for layer in layers]

    def __call__(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return F.linear(image, self._weight).add_(self._offset).split(self._sizes, dim=-1)


@torch.inference_mode()
def _image_maps(transformer: nn.Module, positions: torch.Tensor) -> list[_ImageMaps]:
    """Of each layer keys, values and queries; of the last attention keys and values."""
    maps = []
    for layer in transformer.layers:
        there, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        maps.append(_ImageMaps([there.k_proj, back.q_proj], there.v_proj, positions))
    last = transformer.final_attn_token_to_image
    return [*maps, _ImageMaps([last.k_proj], last.v_proj, positions)]


def _cross(attention: Attention, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """``Attention.forward`` of what is projected already; of one picture for N prompts there is one."""
    count = max(len(queries), len(keys))
    heads = (attention._separate_heads(x, attention.num_heads) for x in (queries, keys, values))
    attended = F.scaled_dot_product_attention(*(x.expand(count, -1, -1, -1) for x in heads))
    return attention.out_proj(attention._recombine_heads(attended))


def _answer(
    attention: Attention, image: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> torch.Tensor:
    """The picture's tokens and what they learn from a prompt's few: image + ``Attention.forward``, (N, P, C).

    Keys and values (N, T, C / 2) become matrices of all heads at once, the output's projection multiplied in, so that
    two products of a picture's length are left, and nothing of that length a head.
    """
    heads = attention.num_heads
    keys, values = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (keys, values))  # (N, heads, T, D)
    of_heads = torch.diag_embed(keys.permute(0, 3, 2, 1)).permute(0, 3, 2, 4, 1)  # (N, heads, T, heads, D)
    scores = (of_heads.flatten(3, 4).flatten(1, 2) * keys.shape[-1] ** -0.5) @ queries.transpose(1, 2)
    weights = scores.unflatten(1, (heads, -1)).softmax(2).flatten(1, 2)  # quick, for the picture's tokens come last
    output = attention.out_proj.weight.unflatten(1, (heads, -1))  # (C, heads, D)
    # each head's weights add up to 1: so does the bias
    answers = torch.einsum("nhtd,chd->nhtc", values, output).flatten(1, 2) + attention.out_proj.bias / heads
    return torch.baddbmm(image.expand(len(weights), -1, -1), weights.transpose(1, 2), answers)
