"""A CLIP that several priors' tests look through."""

import pytest


@pytest.fixture(scope="session")
def official():
    """The default architecture with random weights: what can't be downloaded everywhere runs the same code."""
    import open_clip
    import torch

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None).eval()
    tokenizer = open_clip.get_tokenizer("ViT-B-16-quickgelu")
    return model, tokenizer, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
