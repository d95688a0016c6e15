"""Who gets what, and what becomes of pages whose worker died."""

from prompting.cluster.pages import MOST, PAGE_SECONDS, Page, Pages


def pages_of(count: int, at_once: int = 1, workers: int = 2) -> Pages:
    return Pages({str(i): frozenset() for i in range(count)}, at_once, workers)


def all_of(pages: Pages, seconds_each: float = 0.1) -> list[list[int]]:
    given = []
    while pages:
        page = pages.next()
        pages.took(page, seconds_each * len(page.items))
        given.append([int(one) for one in page.items])
    return given


def test_every_sample_is_given_once_in_whole_batches():
    given = all_of(pages_of(1003, at_once=4))
    assert [one for page in given for one in page] == list(range(1003))
    assert all(len(page) % 4 == 0 for page in given[:-1])


def test_a_page_takes_about_as_long_as_it_should_and_the_last_ones_are_short():
    lengths = [len(page) for page in all_of(pages_of(5000, workers=4), seconds_each=0.1)]
    assert lengths[0] == 1 and max(lengths) == PAGE_SECONDS / 0.1 and lengths[-1] == 1
    assert max(len(page) for page in all_of(pages_of(5000), seconds_each=0.0)) == MOST
    assert set(map(len, all_of(pages_of(20), seconds_each=60.0))) == {1}


def drain(pages: Pages) -> list[Page]:
    given = []
    while pages:
        given.append(pages.next())
    return given


def test_a_page_whose_worker_died_is_tried_batch_by_batch_then_each_picture_alone_and_given_up_after_two_tries():
    pages = pages_of(0, at_once=2)
    assert not pages.died(Page(dict.fromkeys("abcd")))
    first, second = drain(pages)
    assert (list(first.items), list(second.items)) == (["a", "b"], ["c", "d"])
    assert not pages.died(first)  # once may be chance: the same batch again, or sums would be rounded elsewhere
    (again,) = drain(pages)
    assert again.items == first.items and not pages.died(again)
    alone, other = drain(pages)
    assert (list(alone.items), list(other.items)) == (["a"], ["b"])
    assert not pages.died(alone)
    (last,) = drain(pages)
    assert pages.died(last) == {"a": None} and not pages


def test_what_was_not_done_by_nobodys_fault_is_given_again():
    pages = pages_of(0)
    pages.back(Page(dict.fromkeys("abc"), deaths=1), ["b", "c"])
    (page,) = drain(pages)
    assert list(page.items) == ["b", "c"] and page.deaths == 1
    pages.back(page, [])
    assert not pages
