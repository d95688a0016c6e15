"""Two runs on one dataset, in processes of their own."""

import os
import signal

from tests.reliability.runs import REFUSED, Child, contents


def test_two_prefixes_at_once_both_complete(source, plan, wanted):
    runs = [Child(source.name, prefix=prefix, **plan) for prefix in ("one", "two")]
    for run in runs:
        assert run.end() == (0, 12)
    for prefix in ("one", "two"):
        # the names of the fields differ, and what is in them does not
        assert [list(of.values()) for of in contents(source, prefix=prefix)] == [list(of.values()) for of in wanted]


def test_second_run_of_a_prefix_is_refused_while_the_first_lives_and_takes_over_when_it_is_dead(source, plan, wanted):
    first = Child(source.name, **plan)
    first.wait_until(1)
    os.kill(first.process.pid, signal.SIGSTOP)  # it waits, however quick the machine is
    status, said = Child(source.name, **plan).end()
    assert status == REFUSED
    assert "Another run is applying strategies with the prefix 'sam2'" in said and "choose another prefix" in said
    source.reload()
    assert len(source.match({"filepath": {"$exists": True}})) == 12  # it can be browsed meanwhile
    assert source.count_values("sam2_yolo_box_status").keys() <= {"ok", "no_prompt", None}
    first.kill()
    assert Child(source.name, **plan).end()[0] == 0
    assert contents(source) == wanted
