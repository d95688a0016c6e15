"""The page: it has all that there is to report, says what is missing, and escapes every name."""

import re
from datetime import datetime, timezone
from html.parser import HTMLParser

import numpy as np
import pytest

from prompting.dataset.findings import load_findings
from prompting.report import page
from prompting.report.verdict import verdict
from tests.finished import leave_finished

WHEN = datetime(2026, 5, 4, 12, 30, tzinfo=timezone.utc)


class Outline(HTMLParser):
    """A page's headings, texts, tables and pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        self._in_script = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if not self._in_script:
            self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def render(dataset) -> Outline:
    return Outline(page.render(load_findings(dataset), dataset, WHEN))


def test_the_page_says_what_it_is_about(explained):
    text = render(explained).text
    assert explained.name in text
    assert "04 May 2026, 12:30 UTC" in text
    assert "ground_truth" in text
    for recorded in ("nano", "yolo26n.pt", "person", "seed"):
        assert recorded in text


def test_the_page_begins_with_the_result(explained, findings):
    best = findings.comparison.rows[0]
    text = " ".join(render(explained).text.split())
    assert f"{best.strategy} has the highest mean IoU, {best.mean_iou:.3f} (95 % interval" in text
    assert f"better on {best.difference.wins} images" in text
    assert all(sentence in text for sentence in verdict(findings))  # whether it may be chance, as the panel says it


def test_every_table_of_the_comparison_is_on_the_page(explained, findings):
    text = render(explained).text
    for table in findings.comparison.tables():
        assert table.title in text and table.note in text
        assert all(cell in text for row in table.rows for cell in row)


def test_everything_that_there_is_data_for_is_drawn(explained):
    html = page.render(load_findings(explained), explained, WHEN)
    assert html.count('<div class="drawn">') == 8
    assert 'class="missing"' not in html


def test_plotly_is_there_once_and_only_where_something_is_drawn(explained, applied):
    marker = "plotly.js v"
    assert page.render(load_findings(explained), explained, WHEN).count(marker) == 1
    assert page.render(load_findings(applied), applied, WHEN).count(marker) == 0


def test_the_page_loads_nothing_from_elsewhere(explained):
    outline = render(explained)
    assert "link" not in outline.tags
    assert outline.values("script", "src") == []
    assert all(source.startswith("data:image/jpeg;base64,") for source in outline.values("img", "src"))
    (policy,) = [value for value in outline.values("meta", "content") if "default-src" in value]
    assert "default-src 'none'" in policy and "http" not in policy


def test_each_picture_has_the_truth_and_both_strategies_with_their_iou(explained, findings):
    outline = render(explained)
    different = np.abs(findings.iou["clip_point"] - findings.iou["yolo_box"]) > 0.01
    assert outline.tags.count("img") == 3 * different.sum() > 0
    for row in np.flatnonzero(different):
        for name in ("clip_point", "yolo_box"):
            assert f"IoU {findings.iou[name][row]:.2f}" in outline.text


def test_without_an_evaluation_the_page_says_what_to_do_and_still_shows_pictures(applied):
    outline = render(applied)
    assert "run “SAM 2: evaluate prompting strategies”" in outline.text
    assert "run “SAM 2: measure agreement between strategies”" in outline.text
    assert "not known which is the best" in outline.text
    assert outline.tags.count("img") == 3 * len(applied)


def test_a_single_strategy_without_anything_else_is_reported_too(applied):
    applied.delete_sample_fields([f for f in applied.get_field_schema() if f.startswith("sam2_yolo_box")])
    outline = render(applied)
    assert "There is a single strategy" in outline.text
    assert outline.tags.count("img") == 2 * len(applied)


def test_without_an_explanation_the_page_says_so(applied, evaluate_strategies):
    evaluate_strategies(applied, "ground_truth", progress=False)
    text = render(applied).text
    assert "run “SAM 2: explain errors” and export again" in text
    assert "How wrong a prompt may be was not measured" in text


def test_strategies_that_were_applied_again_after_the_evaluation_are_named(explained, apply_strategies, nano):
    apply_strategies(explained[:1], strategies=["yolo_box"], existing="overwrite", progress=False, **nano)
    assert "Applied again after the evaluation: yolo_box." in render(explained).text


def test_a_photograph_that_is_gone_leaves_a_note_in_its_place(explained):
    sample = next(sample for sample in explained if sample.filename == "bus.jpg")
    sample.filepath = "/nowhere/bus.jpg"
    sample.save()
    outline = render(explained)
    assert outline.text.count("the file can't be read") == 3
    assert "bus.jpg" in outline.text


def test_a_strategy_that_failed_on_a_picture_says_so(applied):
    sample = applied.first()
    sample["sam2_yolo_box"], sample["sam2_yolo_box_score"] = None, None
    sample["sam2_yolo_box_status"] = "error: out of <memory>"
    sample.save()
    outline = render(applied)
    assert "error: out of <memory>" in outline.text
    assert "memory" not in outline.tags


def test_names_that_are_html_stay_text(hostile):
    html = page.render(load_findings(hostile), hostile, WHEN)
    for name in ("<script>alert(1)", "<img src=x", "<svg onload"):
        assert name not in html
    outline = Outline(html)
    for name in ("<script>alert(1)</script>", "<img src=x onerror=alert(2)>.jpg", "<svg onload=alert(3)>"):
        assert name in outline.text
    assert "svg" not in outline.tags
    assert not any(name.startswith("on") for _, name, _ in outline.attributes)


@pytest.mark.parametrize("pattern", [r"\bNaN\b", r"\bnan\b", r"\bNone\b", r"\bundefined\b"])
def test_no_word_of_a_programmer_is_on_the_page(explained, applied, pattern):
    for dataset in (explained, applied):
        assert not re.search(pattern, render(dataset).text)


def test_finished_labels_are_on_the_page_with_what_is_promised(explained):
    assert "Finished labels" not in render(explained).text
    told = leave_finished(explained)
    shown = render(explained)
    assert "Finished labels: mine" in shown.text and str(told) in " ".join(shown.text.split())
    assert "is the rule to take" in shown.text
