"""How many samples a second does one mongod take, and is it our code that limits?

    python -m benchmarks.writes [--writers 1 2 4 10] [--samples 400] [--strategies yolo_box]

Real results of the demo's photographs are written again and again by processes of their own into one dataset, each into
its share of the samples: masks in the database, masks in files, and updates that were made beforehand and are only
sent. What that takes of the database's processor and of the writers' says where more of them would end: on a
machine with as many cores as there are processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data, timing
from benchmarks.repeated_results import dataset_of, places_of, plan_for, real_results, values_of, write

DATABASE, FILES, SENT = "in the database", "in files", "only sent"
PHOTOGRAPHS = ("bus.jpg", "zidane.jpg", "astronaut.png", "camera.png", "chelsea.png", "coffee.png")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each number of writers, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    timing.add_arguments(parser, "writes", rounds=3)
    parser.add_argument("--writers", nargs="+", type=int, default=[1, 2, 4, 10])
    parser.add_argument("--samples", type=int, default=400, help="of each writer")
    parser.add_argument("--strategies", nargs="+", default=["yolo_box"])
    args = parser.parse_args(argv)
    data.prepare()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="sam2-prompting-writes-") as folder:
        plan = plan_for(args.strategies)
        results = real_results(Path(folder), plan, names=PHOTOGRAPHS)
        measured = [
            measured_once(args, Path(folder), plan, results, count, how)
            for _ in range(args.rounds)
            for count in args.writers
            for how in (DATABASE, FILES, SENT)
        ]
    timing.report(args.json, [_table(args, measured)], {"runs": measured})


def measured_once(args: argparse.Namespace, folder: Path, plan, results, count: int, how: str) -> dict:
    """So many writers, at once."""
    import cv2
    import psutil

    from prompting.dataset.mask_files import MaskFiles

    cv2.setNumThreads(0)  # the writers are forked
    dataset = dataset_of(results, count * args.samples, plan)
    files = MaskFiles.of(dataset, str(folder), None) if how == FILES else None
    places = places_of(dataset)
    shares = [places[i * args.samples : (i + 1) * args.samples] for i in range(count)]
    context, database = multiprocessing.get_context("fork"), mongod()
    ready, told = context.Barrier(count + 1), context.SimpleQueue()
    writers = [
        context.Process(target=_write, args=(dataset, share, results, plan, files, how, ready, told))
        for share in shares
    ]
    for writer in writers:
        writer.start()
    ready.wait()
    before, start = database.cpu_times() if database else None, time.perf_counter()
    used = sum(told.get() for _ in writers)
    seconds = time.perf_counter() - start
    after = database.cpu_times() if database else None
    for writer in writers:
        writer.join()
    total, size = count * args.samples, dataset.stats()["samples_bytes"]
    if len(dataset.match({"$expr": {"$eq": [f"${plan.prefix}_{plan.strategies[0]}_status", None]}})):
        raise RuntimeError("Some samples weren't written; the times would mean nothing.")
    dataset.delete()
    return {
        "writers": count,
        "how": how,
        "samples_a_second": total / seconds,
        "megabytes_a_second": size / seconds / 1e6,
        "bytes_a_sample": size / total,
        "writers_cpu": used / total,
        "database_cpu": (sum(after[:2]) - sum(before[:2])) / total if database else None,
        "load": psutil.getloadavg()[0],
    }


def _write(dataset, places, results, plan, files, how: str, ready, told) -> None:
    """One writer; it tells the seconds of processor time that it took."""
    import fiftyone.core.odm as odm

    odm.database._disconnect()  # a connection doesn't outlive a fork
    odm.get_db_conn()
    if how == SENT:
        updates = _prepared(dataset, places, results, plan)
    ready.wait()
    start = time.process_time()
    if how == SENT:
        for i in range(0, len(updates), 500):
            odm.get_db_conn()[dataset._sample_collection_name].bulk_write(updates[i : i + 500], ordered=False)
    else:
        write(dataset, places, results, plan, files)
    told.put(time.process_time() - start)


def _prepared(dataset, places, results, plan) -> list:
    """The updates that a run would send."""
    from prompting.dataset import saving

    kept = []

    class Keep:
        def bulk_write(self, operations):
            kept.extend(operations)

    writer = saving.Writer(dataset, Keep(), {}, None)
    for place in places:
        writer.add(place.id, values_of(place, results, plan), place.filepath)
    kept.extend(writer._pending.values())
    return kept


def mongod():
    """The process of the database, where it runs on this machine; None elsewhere."""
    import fiftyone.core.odm as odm
    import psutil

    pid = odm.get_db_conn().client.admin.command("serverStatus")["pid"]
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if "mongod" in process.name() else None


def _table(args: argparse.Namespace, measured: Sequence[dict]):
    from prompting.analysis.tables import Table

    rows = []
    for count in args.writers:
        for how in (DATABASE, FILES, SENT):
            of = [one for one in measured if (one["writers"], one["how"]) == (count, how)]
            spread = {
                name: timing.Spread.of([one[name] for one in of]) for name in of[0] if name not in ("how", "writers")
            }
            rows.append(
                (
                    str(count),
                    how,
                    str(spread["samples_a_second"]),
                    timing.digits(spread["megabytes_a_second"].median),
                    timing.digits(spread["bytes_a_sample"].median / 1000),
                    timing.digits(1000 * spread["writers_cpu"].median),
                    timing.digits(1000 * spread["database_cpu"].median),
                )
            )
    columns = (
        "writers", "masks", "samples/s", "MB/s", "kB a sample", "writers' processor, ms a sample",
        "database's processor, ms a sample",
    )  # fmt: skip
    note = (
        f"{', '.join(args.strategies)} on the demo's photographs, {args.samples} samples of each writer, no model runs."
    )
    return Table("Writing results", note, columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(main())
