"""How much fits into memory."""

import pytest

from prompting.segmentation import memory


@pytest.mark.parametrize(
    ("free", "model", "pictures"),
    [(139e9, "sam2.1-hiera-large", 16), (16e9, "sam2.1-hiera-large", 3), (16e9, "nano", 10), (1e9, "/my/sam2.pt", 1)],
)
def test_a_gpu_takes_as_many_pictures_as_its_free_memory_holds(monkeypatch, free, model, pictures):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (int(free), int(free)))
    assert memory.automatic_batch("cuda:0", model) == pictures
