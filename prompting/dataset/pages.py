"""Reading a collection for hours: a page of samples at a time, each by a query of its own.

One query for all would be asked for more samples only as they are worked on. The database closes a query that rests for
ten minutes, FiftyOne then asks again and skips as many samples as it had, and where the run itself changed what the
view asks for (``match`` on a status, say), those are other samples: some would never be done, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou

PAGE = 50
"""Few enough that the database sends a page at once, masks and all."""


def samples_by_page(samples: foc.SampleCollection, ids: Sequence[str], autosave: bool = False) -> Iterator[fo.Sample]:
    """The samples of these ids, of a collection in whose order they are.

    Args:
        samples: a dataset or view; what it shows of a sample, a slice or filtered labels, is kept
        ids: of samples that it shows; one that it shows no more when its page is read is left out
        autosave: save what was changed in a sample
    """
    for page in fou.iter_batches(ids, PAGE):
        yield from samples.select(list(page)).iter_samples(autosave=autosave)
