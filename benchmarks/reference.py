r"""How well do a few reference pictures show what to look for, beside words and a detector?

    python -m benchmarks.reference                                     coins, tissue and galaxies
    python -m benchmarks.reference --images FOLDER --labels COCO.json  people, by the number of references
    python -m benchmarks.reference --pack FOLDER                       ten classes of the training pack, beside words

Of people also, added to the second:

    --half other                    the half that chose nothing (--half chose: every second, by which it was chosen)
    --without-words                 as of a class that CLIP has no words for
    --half chose --features         by what is learned from: how that was chosen

Each picture is encoded once, by SAM 2 and by CLIP: of a draw of references only what is learned from them differs. No
picture is scored in a draw in which it is a reference; words and detector are scored on all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import data

COUNTS, DRAWS = (1, 3, 5, 10, 20), 10
CLASSES = ("dog", "cat", "horse", "sheep", "cow", "chair", "sofa", "car", "pottedplant", "tvmonitor")
HALVES = {"chose": slice(0, None, 2), "other": slice(1, None, 2)}
"""Of the pictures in their order: those by which it was chosen what is learned from, and those that had no say."""
PATCHES, TOKENS, EMBEDDING, JOINED = "patches", "tokens", "embedding", "joined"
FEATURES = {
    "CLIP's patches that speak to words, scales 1 and 1.5": (PATCHES, (1.0, 1.5), 4),
    "tokens before the last block, scales 1 and 1.5": (TOKENS, (1.0, 1.5), 4),
    "the same, scale 1.5 alone": (TOKENS, (1.5,), 4),
    "the same, scale 2 alone": (TOKENS, (2.0,), 4),
    "SAM 2's image embedding": (EMBEDDING, (1.0,), 8),
    "tokens at 1.5": (TOKENS, (1.5,), 8),
    "tokens at 1.5 and SAM 2's image embedding": (JOINED, (1.5,), 8),
}
"""What is learned from, without words -> of which kind it is, at which scales, and in how many draws it was tried."""
ALIKE = 0.0005
"""Mean IoUs that differ by less are the same in a table."""
OF_CLASS, WITH, CLASS_DRAWS = 30, 5, 4
"""Pictures that are looked at of each class, references and draws of them."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--pack", type=Path, help="a folder of training.photographs")
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--draws", type=int, help=f"by default {DRAWS}, and with --features each row's own number")
    parser.add_argument("--half", choices=HALVES, help="of the people's pictures, these alone")
    parser.add_argument("--without-words", action="store_true", help="words have no say in what is learned")
    parser.add_argument("--features", action="store_true", help="compare what could be learned from, by its maps")
    args = parser.parse_args(argv)
    data.prepare()
    print(f"SAM 2 {args.sam2}, CLIP {args.clip}; {data.machine()}\n")
    if args.pack:
        of_classes(args)
    elif args.images and args.features:
        of_features(args)
    elif args.images:
        of_people(args)
    else:
        of_things(args)


def of_things(args: argparse.Namespace) -> None:
    """Things that no detector knows: words, references and the truth's own boxes, by the plugin's operators."""
    import fiftyone.operators as foo

    from demo.things import THINGS, make_things

    apply, evaluate = (
        foo.get_operator(f"@promptlab/sam2-prompting/{name}_strategies") for name in ("apply", "evaluate")
    )
    names = ["clip_box_points", "reference_box_points", "reference_box_r3", "field_box"]
    print(f"| thing | tiles | references | {' | '.join(names)} |\n|---|---:|---:|{'---:|' * len(names)}")
    for things in THINGS:
        dataset = make_things(things, Path(tempfile.mkdtemp(prefix="sam2-prompting-things-")))
        ids = dataset.values("id")
        references = ids[:: 4 if len(ids) > 6 else 3]
        given = {"prompt_field": "ground_truth", "reference_field": "ground_truth", "references": references}
        models = {"sam2_model": args.sam2, "clip_model": args.clip, "encoder_precision": "float32"}
        apply(dataset, strategies=names, classes=[things.name], progress=False, **given, **models)
        table = evaluate(dataset, "ground_truth", progress=False)
        scores = " | ".join(f"{table[name].mean_iou:.3f}" for name in names)
        print(f"| {things.name} | {len(dataset)} | {len(references)} | {scores} |", flush=True)
        dataset.delete()


def of_people(args: argparse.Namespace) -> None:
    """People, by the number of references; what it costs."""
    bench = Bench(people_asked_for(args), "person", args)
    words, detector = bench.words_map(), np.mean(bench.masks("yolo_box", bench.yolo()))
    by_words, against = bench.masks("clip_box_points", bench.clip()), []
    print("| references | map, mean | lowest draw | highest | masks, mean | lowest draw | highest |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for count in args.counts:
        maps, masks, others = bench.draws(count, args.draws or DRAWS)
        print(f"| {count} | {spread(maps)} | {spread(masks)} |", flush=True)
        against.append((count, [one - by_words[places].mean() for one, places in zip(masks, others)]))
    print(f"| words | {words:.3f} | | | {by_words.mean():.3f} | | |")
    print(f"| `yolo_box` | | | | {detector:.3f} | | |")
    print("\nAgainst clip_box_points on the same pictures, draw by draw:")
    for count, gains in against:
        better, worse = (sum(sign * gain > ALIKE for gain in gains) for sign in (1, -1))
        alike = len(gains) - better - worse
        print(f"- {count}: {np.mean(gains):+.3f} on average; {better} better, {alike} the same, {worse} worse")
    print(f"\nAn image by reference_box_points takes {bench.cost():.2f} of the time by clip_box_points.")


def of_features(args: argparse.Namespace) -> None:
    """What could be learned from: the maps of people, without words; and with words what was chosen."""
    bench = Bench(people_asked_for(args), "person", args)
    print(f"| features, without words | {' | '.join(map(str, args.counts))} |\n|---|{'---:|' * len(args.counts)}")
    rows = {name: (*of, False) for name, of in FEATURES.items()} | {
        "tokens at 1.5, and words": (TOKENS, (1.5,), 8, True)
    }
    for name, (kind, scales, draws, words) in rows.items():
        cells = []
        for count in args.counts:
            learned = {"kind": kind, "scales": scales, "words": words}
            maps = [
                bench.map_of(bench.reference([bench.shown[i] for i in chosen], **learned), others)
                for chosen, others in bench.drawn(count, args.draws or draws)
            ]
            cells.append(f"{np.mean(maps):.3f} ({min(maps):.2f}–{max(maps):.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def of_classes(args: argparse.Namespace) -> None:
    """Ten classes of the pack: references against words."""
    drawn = "by references | lowest draw | highest"
    print(f"| class | map by words | map {drawn} | masks by words | masks {drawn} |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in CLASSES:
        bench = Bench(read_class(args.pack, name, OF_CLASS), name, args)
        maps, masks, _ = bench.draws(WITH, CLASS_DRAWS)
        by_words = np.mean(bench.masks("clip_box_points", bench.clip()))
        print(f"| {name} | {bench.words_map():.3f} | {spread(maps)} | {by_words:.3f} | {spread(masks)} |", flush=True)


def spread(values: Sequence[float]) -> str:
    """Mean, lowest and highest as cells of a table."""
    return " | ".join(f"{value:.3f}" for value in (np.mean(values), min(values), max(values)))


def people_asked_for(args: argparse.Namespace) -> list:
    """The people's pictures, or a half of them."""
    return read_people(data.load(args))[HALVES[args.half] if args.half else slice(None)]


def read_people(dataset) -> list:
    """A dataset's pictures with their people, as references."""
    from prompting.dataset.truth import paint_instances
    from prompting.pixels.images import read_image
    from prompting.priors.base import Reference

    found = []
    for sample in dataset.iter_samples():
        image = read_image(sample.filepath)
        labels = paint_instances(sample.ground_truth, *image.shape[:2], {"person": 1})
        found.append(Reference(Path(sample.filepath).name, image, labels))
    return found


def read_class(pack: Path, name: str, most: int) -> list:
    """Labelled pictures of the pack that show a class, as references."""
    from prompting.priors.base import Reference
    from training.photographs import read_photograph

    entries = json.loads((pack / "index.json").read_text())
    there = [entry for entry in entries if entry["source"] == "voc" and name in entry["instances"]][:most]
    found = []
    for entry in there:
        photograph = read_photograph(pack, entry)
        labels = np.zeros(photograph.instances.shape, np.uint8)
        for value, each in enumerate(photograph.names, start=1):
            labels[photograph.instances == value] = each == name
        found.append(Reference(entry["id"], photograph.image, labels))
    return found


class Bench:
    """Labelled pictures of one class, encoded once.

    Args:
        pictures: of :class:`prompting.priors.base.Reference`
        name: of the class
        args: which models
    """

    def __init__(self, pictures: Sequence, name: str, args: argparse.Namespace):
        from prompting.analysis.metrics import Target
        from prompting.models import catalogue
        from prompting.priors.base import Picture
        from prompting.runs.assembly import load_segmenter

        self.shown, self.name, self.args = list(pictures), name, args
        self.device = catalogue.best_device()
        self.loaded = catalogue.load_clip(args.clip, self.device)
        self.segmenter = load_segmenter(args.sam2, self.device, "float32")
        self.pictures = [Picture(one.name, one.name, one.image) for one in self.shown]
        self.targets = [Target(one.labels, [1]) for one in self.shown]
        self.encoded = {id(one.image): self.segmenter.encode([one.image])[0] for one in self.shown}
        self.remembered: dict[int, object] = {}

    def clip(self):
        """The prior of words."""
        from prompting.priors.clip import ClipPrior, ClipSettings

        return ClipPrior(*self.loaded, (self.name,), ClipSettings(), self.device)

    def yolo(self):
        """The detector's prior."""
        from prompting.models import catalogue
        from prompting.priors.yolo import YoloPrior

        return YoloPrior(catalogue.load_yolo(self.args.yolo), [self.name])

    def reference(self, references: Sequence, kind: str = TOKENS, scales: Sequence[float] = (1.5,), words: bool = True):
        """The prior of reference pictures, which looks at each picture once in all draws.

        Args:
            references: the pictures
            kind: what is learned from: TOKENS as the plugin does, CLIP's PATCHES after the last block, SAM 2's image
                EMBEDDING, or the first and the last JOINED
            scales: of CLIP's pictures
            words: whether they have a say
        """
        import torch
        from torch.nn import functional as F

        from prompting.priors.dense_clip import before_the_last, embedded
        from prompting.priors.reference import ReferencePrior, ReferenceSettings

        remembered, encoded, words = self.remembered, self.encoded, words and not self.args.without_words

        class Remembering(ReferencePrior):
            @torch.inference_mode()
            def features(self, image, scale):
                key = id(image), scale, kind, words
                if key not in remembered:
                    remembered[key] = self._seen(image, scale)
                return remembered[key]

            def _seen(self, image, scale):
                count, said = len(self.classes), None
                if kind == EMBEDDING:
                    plain = encoded[id(image)].embedding[0].float()
                elif kind == PATCHES:
                    plain = self.windows.at_scale(self.windows.pixels(image), scale, self._patches)[0]
                else:
                    seen = super().features(image, scale)
                    said, plain = seen[:count], seen[count:]
                if kind == JOINED:
                    embedding = encoded[id(image)].embedding.float()
                    there = F.interpolate(embedding, plain.shape[1:], mode="bilinear", align_corners=False)
                    plain = torch.cat([plain, there[0]])
                if said is None or not words:
                    said = plain.new_zeros(count, *plain.shape[1:])
                return torch.cat([said, plain])

            def _patches(self, windows):
                tokens, grid = before_the_last(self.visual, windows, self.precision)
                return embedded(self.visual, tokens, grid).permute(0, 3, 1, 2)

            def scores(self, image, scale):
                features, count = self.features(image, scale), len(self.classes)
                scores = (self._weights @ features[count:].flatten(1)).view(count, *features.shape[1:])
                return (scores + self._offsets[:, None, None] + self._trust[:, None, None] * features[:count])[None]

        settings = ReferenceSettings(scales=tuple(scales))
        return Remembering(*self.loaded, (self.name,), references, settings, self.device)

    def words_map(self) -> float:
        """Mean IoU of the map of words with the truth."""
        return self.map_of(self.clip(), range(len(self.shown)))

    def drawn(self, count: int, draws: int) -> Iterator[tuple[list[int], list[int]]]:
        """The places of the references of each draw, and of the other pictures."""
        for draw in range(draws):
            chosen = np.random.default_rng([0, count, draw]).choice(len(self.shown), count, replace=False).tolist()
            yield chosen, [i for i in range(len(self.shown)) if i not in chosen]

    def draws(self, count: int, draws: int) -> tuple[list[float], list[float], list[list[int]]]:
        """Mean IoU of the maps and of the masks of ``reference_box_points``, draw by draw, and on which pictures."""
        maps, masks, places = [], [], []
        for chosen, others in self.drawn(count, draws):
            prior = self.reference([self.shown[i] for i in chosen])
            maps.append(self.map_of(prior, others))
            masks.append(float(np.mean(self.masks("reference_box_points", prior, others))))
            places.append(others)
        return maps, masks, places

    def masks(self, strategy: str, prior, places: Sequence[int] | None = None) -> np.ndarray:
        """IoU of a strategy's masks with the truth, picture by picture."""
        runner, places = (
            self._runner(strategy, prior, Known(self)),
            range(len(self.shown)) if places is None else places,
        )
        results = (next(runner.run([self.pictures[i]])) for i in places)
        return np.array([self.targets[i].iou(found.results[0].mask) for i, found in zip(places, results)])

    def cost(self, most: int = 20) -> float:
        """Time of an image by ``reference_box_points`` over that by ``clip_box_points``, the two in turns: medians."""
        from prompting.priors.reference import ReferencePrior, ReferenceSettings

        taught = ReferencePrior(*self.loaded, (self.name,), self.shown[:5], ReferenceSettings(), self.device)
        runners = {
            name: self._runner(name, prior, self.segmenter)
            for name, prior in (("reference_box_points", taught), ("clip_box_points", self.clip()))
        }
        times = {name: [] for name in runners}
        for picture in [self.pictures[-1], *self.pictures[-most:]]:
            for name, runner in runners.items():
                start = time.perf_counter()
                next(runner.run([picture]))
                times[name].append(time.perf_counter() - start)
        ratios = np.divide(*(np.array(of)[1:] for of in times.values()))  # the first warms up
        return float(np.median(ratios))

    def map_of(self, prior, places: Sequence[int]) -> float:
        """Mean IoU of a prior's map with the truth."""
        found = []
        for i in places:
            probabilities, background = prior.maps(self.shown[i].image)
            found.append(self.targets[i].iou((probabilities[..., 0] > background).astype(np.uint8)))
        return float(np.mean(found))

    def _runner(self, strategy: str, prior, segmenter):
        from prompting.prompts.strategies import strategies_named
        from prompting.runner import Runner

        chosen = strategies_named([strategy])
        return Runner(segmenter, {chosen[0].prior: prior}, chosen, [self.name], least={"yolo": 0.25})


class Known:
    """A SAM 2 that has encoded a bench's pictures already."""

    def __init__(self, bench: Bench):
        self._bench = bench

    def __getattr__(self, name: str):
        return getattr(self._bench.segmenter, name)

    def encode(self, images, shapes=None) -> list:
        return [self._bench.encoded[id(image)] for image in images]


if __name__ == "__main__":
    sys.exit(main())
