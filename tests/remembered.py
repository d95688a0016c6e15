"""Answers of models to pictures that they were shown before, as tests show them six photographs hundreds of times: made
by the model once, and the same bytes after that.

All else has to be the same too: the whole batch, the weights, the precision, and the threads, by which sums are
rounded. Only what takes longest is remembered: the frozen layers of SAM 2, the detector's, and all of CLIP's but the
last. Nothing is where somebody counts operations or hooked a layer, nor in processes of their own.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.machinery
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import is_dataclass
from weakref import WeakKeyDictionary

FORWARDS = {
    "prompting.models.nano.trunk": ("YoloTrunk", "forward"),
    "prompting.priors.dense_clip": (None, "before_the_last"),
    "ultralytics.nn.tasks": ("BaseModel", "_predict_once"),
}
"""Ends of modules' names, which FiftyOne puts others before, and a class's method or a function in them, which takes a
model and a batch of pictures."""
MOST_BYTES = 256 << 20

_answers: OrderedDict[tuple, object] = OrderedDict()
_weights: WeakKeyDictionary = WeakKeyDictionary()


class Remembering(importlib.abc.MetaPathFinder):
    """Has models remember, as soon as their modules are imported."""

    def find_spec(self, name: str, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        found = next((of for end, of in FORWARDS.items() if name.endswith(end)), None)
        spec = found and importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec:
            load = spec.loader.exec_module

            def load_and_remember(module) -> None:
                load(module)
                owner = getattr(module, found[0]) if found[0] else module
                setattr(owner, found[1], remembered(getattr(owner, found[1])))

            spec.loader.exec_module = load_and_remember
        return spec


def remembered(forward: Callable) -> Callable:
    """The same, computing only what wasn't asked before."""
    import torch
    from torch.utils import _python_dispatch, _pytree

    def copied(answer):
        if is_dataclass(answer):
            return type(answer)(**{name: copied(value) for name, value in vars(answer).items()})
        return _pytree.tree_map_only(torch.Tensor, torch.clone, answer)

    def watched(model) -> bool:
        if torch.compiler.is_compiling() or _python_dispatch._get_current_dispatch_mode() is not None:
            return True
        inside = list(model.modules())[1:]
        return any(layer._forward_hooks or layer._forward_pre_hooks for layer in inside)

    def answer(model, pictures, *args, **kwargs):
        if model.training or pictures.device.type != "cpu" or watched(model):
            return forward(model, pictures, *args, **kwargs)
        autocast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
        around = autocast, torch.get_num_threads(), torch.is_inference_mode_enabled(), torch.is_grad_enabled()
        shape = tuple(pictures.shape), pictures.stride(), pictures.dtype
        key = forward.__qualname__, _weights_of(model), _digest(pictures), shape, around, args, tuple(kwargs.items())
        if key in _answers:
            _answers.move_to_end(key)
        else:
            _answers[key] = copied(forward(model, pictures, *args, **kwargs))
            while sum(map(_bytes, _answers.values())) > MOST_BYTES:
                _answers.popitem(last=False)
        return copied(_answers[key]) if key in _answers else forward(model, pictures, *args, **kwargs)

    def _bytes(answer) -> int:
        parts = vars(answer) if is_dataclass(answer) else answer
        return sum(leaf.nbytes for leaf in _pytree.tree_leaves(parts) if isinstance(leaf, torch.Tensor))

    return answer


def _weights_of(model) -> str:
    """Computed anew where somebody changed them."""
    tensors = [*model.parameters(), *model.buffers()]
    state = [(one.data_ptr(), one.dtype, None if one.is_inference() else one._version) for one in tensors]
    if _weights.get(model, (None,))[0] != state:
        _weights[model] = state, "".join(map(_digest, tensors))
    return _weights[model][1]


def _digest(tensor) -> str:
    import torch

    content = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy()
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
