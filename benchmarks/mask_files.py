"""From what size on do masks belong into files, and what does it cost to write and to read them?

    python -m benchmarks.mask_files [--sizes 0.9 4 12] [--samples 20] [--browser]

Real results of ten strategies on two of the demo's photographs, enlarged, are written to the database and to files in
turns, and read as evaluating reads them: each strategy's mask, and all of its instances.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data, timing
from benchmarks.repeated_results import TEN, dataset_of, places_of, plan_for, real_results, write

DATABASE, FILES = "database", "files"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each size, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    timing.add_arguments(parser, "mask_files", rounds=3)
    parser.add_argument("--sizes", nargs="+", type=float, default=[0.9, 4, 12], help="megapixels")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--copies", type=int, default=20, help="of each sample, where the database goes through them")
    parser.add_argument("--strategies", nargs="+", default=TEN)
    parser.add_argument("--browser", action="store_true", help="also look at the App's grid, in a headless Chromium")
    args = parser.parse_args(argv)
    data.prepare()
    measured = {size: measure(args, size) for size in args.sizes}
    timing.report(args.json, [_table(args, measured)], {"sizes": {f"{size:g}": m for size, m in measured.items()}})


def measure(args: argparse.Namespace, megapixels: float) -> dict:
    """Bytes, and seconds a sample, of both."""
    from prompting.dataset.mask_files import MaskFiles

    with tempfile.TemporaryDirectory(prefix="sam2-prompting-mask-files-") as folder:
        plan = plan_for(args.strategies)
        results = real_results(Path(folder), plan, megapixels)
        instances = [len(one.prompts) for found in results.values() for one in found]
        there, found = {}, {"instances": sum(instances) / len(instances)}
        for name in (DATABASE, FILES):
            there[name] = dataset_of(results, args.samples, plan, persistent=args.browser)
        files = MaskFiles.of(there[FILES], folder, None)
        places = {DATABASE: None, FILES: files}
        samples = {name: places_of(dataset) for name, dataset in there.items()}

        def writes(name: str):
            return timing.plain(lambda: write(there[name], samples[name], results, plan, places[name]))

        written = timing.interleaved({name: writes(name) for name in there}, args.rounds, warm_up=1)
        sweep(there[FILES], folder, plan)
        looked = timing.interleaved({name: reads(there[name], plan) for name in there}, args.rounds, warm_up=1)
        for name, dataset in there.items():
            found[name] = {
                "write": [seconds / args.samples for seconds in written[name]],
                "read": [seconds / args.samples for seconds in looked[name]],
                **bytes_of(dataset, files.folder if name == FILES else None),
            }
        if args.browser:
            from benchmarks.app_speed import look
            from demo.browser import chromium

            with chromium() as browser:
                for name, dataset in there.items():
                    *_, seconds = look(browser, dataset)
                    found[name] |= {"grid": seconds["grid"], "next": seconds["next"]}
        for dataset in there.values():
            copied(dataset, args.copies)
        counted = timing.interleaved({name: counts(there[name], plan) for name in there}, args.rounds, warm_up=1)
        for name, dataset in there.items():
            found[name]["count"] = [seconds / args.samples / args.copies for seconds in counted[name]]
            dataset.delete()
    return found


def copied(dataset, times: int) -> None:
    """So many times as many samples, as a copy of each in the database."""
    collection = dataset._sample_collection
    documents = list(collection.find({}, {"_id": 0}))
    for _ in range(times - 1):
        for first in range(0, len(documents), 10):
            collection.insert_many([dict(document) for document in documents[first : first + 10]])


def sweep(dataset, folder: str, plan) -> None:
    """What the rounds wrote over is taken away, as a run does it."""
    from prompting.dataset import mask_sweep

    for strategy in plan.strategies:
        paths = mask_sweep.strategy_paths(plan.prefix, strategy)
        mask_sweep.sweep(dataset, mask_sweep.folders_there(dataset, [folder], paths))


def reads(dataset, plan):
    """Every mask and every instance, one sample after the other."""
    from prompting.dataset.names import StrategyFields
    from prompting.labels.instances import instance_window
    from prompting.labels.stored import label_map_of

    of = [StrategyFields.of(plan.prefix, strategy) for strategy in plan.strategies]

    def read() -> None:
        for sample in dataset:
            for fields in of:
                label_map = label_map_of(sample[fields.mask])
                for one in sample[fields.instances].detections if sample[fields.instances] else ():
                    instance_window(one, *label_map.shape)

    return timing.plain(read)


def counts(dataset, plan):
    """What every form and panel asks: which samples have which status. The database goes through all documents."""
    from prompting.dataset.names import StrategyFields

    status = StrategyFields.of(plan.prefix, plan.strategies[0]).status
    return timing.plain(lambda: dataset.count_values(status))


def bytes_of(dataset, folder: str | None) -> dict:
    """Of the largest document, of the collection as the database keeps it, and of the files."""
    collection = dataset._sample_collection
    sizes = [{"$project": {"size": {"$bsonSize": "$$ROOT"}}}, {"$group": {"_id": None, "largest": {"$max": "$size"}}}]
    (found,) = collection.aggregate(sizes)
    collection.database.client.admin.command("fsync")
    stored = collection.database.command("collStats", collection.name)["size"]
    files = [path for path in Path(folder).rglob("*.png")] if folder else []
    return {
        "document": found["largest"],
        "stored": stored / len(dataset),
        "files": len(files) / len(dataset),
        "file_bytes": sum(path.stat().st_size for path in files) / len(dataset),
    }


def _table(args: argparse.Namespace, measured: dict):
    from prompting.analysis.tables import Table

    rows = []
    for size, found in measured.items():
        for name in (DATABASE, FILES):
            one = found[name]
            shown = [timing.Spread.of(one[what]) for what in ("write", "read")]
            ratio = [
                timing.ratio({n: found[n][what] for n in (DATABASE, FILES)}, name, DATABASE).median
                for what in ("write", "read")
            ]
            rows.append(
                (
                    f"{size:g}",
                    name,
                    f"{one['document'] / 1e6:.3g}",
                    f"{one['file_bytes'] / 1e6:.3g}",
                    f"{one['files']:.0f}",
                    *(f"{timing.digits(s.median)} ({r:.2f} ×)" for s, r in zip(shown, ratio)),
                    timing.digits(1000 * timing.Spread.of(one["count"]).median),
                    *(
                        [f"{timing.Spread.of(one[what]).median:.2f}" for what in ("grid", "next")]
                        if "grid" in one
                        else ()
                    ),
                )
            )
    columns = (
        "MP", "masks in", "largest document, MB", "files, MB a sample", "files a sample", "write, s a sample",
        "read, s a sample", "count by status, ms a sample",
    )  # fmt: skip
    columns += ("App's grid, s", "next sample, s") if args.browser else ()
    instances, counted = next(iter(measured.values()))["instances"], args.samples * args.copies
    note = (
        f"{len(args.strategies)} strategies, {instances:.1f} instances each, {args.samples} samples, of which"
        f" {counted} copies are counted; ratios are to the database in the same round."
    )
    return Table("Masks in the database and in files", note, columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(main())
