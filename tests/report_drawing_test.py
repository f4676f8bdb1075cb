# SPDX-License-Identifier: MIT
# ctest: release
"""Every chart of every result, by both renderers, and the page."""

import json
import os
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from report_results import RESULTS, built, results, run  # noqa: F401


@pytest.mark.parametrize("name", RESULTS)
def test_gnuplot_draws_every_chart(results, name):
    done = run("plot", results[name])  # Any warning of gnuplot is a failure.
    assert (done.returncode, done.stderr) == (0, "")
    expected = {figure.name for figure in built(results[name])}
    charts = results[name] / "charts"
    assert {path.name for path in charts.iterdir()} == {
        f"{chart}.{kind}" for chart in expected for kind in ("png", "svg", "gp")}
    assert not (charts / "x").exists()
    for chart in expected:
        assert (charts / f"{chart}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (charts / f"{chart}.png").stat().st_size > 8000
        drawing = ElementTree.parse(charts / f"{chart}.svg").getroot()
        assert len(list(drawing.iter())) > 50


class Page(HTMLParser):
    """Collects what a page would fetch or run, its ids and its headings."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.headings = [], [], [], []
        self._heading = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._heading = tag in ("h1", "h2")
        self.ids += [value for key, value in attrs if key == "id"]
        self.links += [value for key, value in attrs if key in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        if self._heading and data.strip():
            self.headings.append(data.strip())
        self._heading = False


@pytest.mark.parametrize("name", RESULTS)
def test_report_is_one_safe_page(results, name):
    """With every chart, drawn by matplotlib; any warning is a failure."""
    done = run("report", results[name], env={**os.environ, "PYTHONWARNINGS": "error"})
    assert (done.returncode, done.stderr) == (0, "")
    text = (results[name] / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not {"script", "link", "img", "iframe"} & set(page.tags) and "@import" not in text
    assert len(page.ids) == len(set(page.ids))
    if RESULTS[name].get("arms", "both") != ("udp",):
        assert page.headings[1:4] == ["Verdicts", "Charts", "How it was measured"]
        said = json.loads((results[name] / "campaign.json").read_text())["in_words"][0]
        assert text.index(f"<p>{said}</p>") < text.index("Verdicts</h2>")
    charts = built(results[name])
    assert page.tags.count("figure") == len(charts)
    assert page.tags.count("svg") >= sum(len(chart.panels) for chart in charts)


def test_several_results_stand_side_by_side(results):
    done = run("report", results["clean"], results["lossy"])
    assert done.returncode == 0
    page = Page((results["clean"] / "report.html").read_text(encoding="utf-8"))
    assert "Results side by side" in page.headings
    assert page.headings.count("Verdicts") == 2 and len(page.ids) == len(set(page.ids))
