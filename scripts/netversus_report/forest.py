# SPDX-License-Identifier: MIT
"""Verdicts: what a row of comparisons.csv says, and the chart of effects with intervals."""

from __future__ import annotations

import math
from collections import defaultdict

from . import charts, series, units
from .panels import MUTED, Panel, Shade, Trace, at, finish

UNDECIDED = "#9aa5b1"
ROW_LENGTH_MAX = 64  # characters of a row's label


def arm_names(campaign):
    """Names of the two arms as in comparisons.csv, made to be read: ("TCP a", "TCP b")."""
    rows = campaign.result.comparisons
    return (arm_label(rows[0]["arm_a"]), arm_label(rows[0]["arm_b"])) if rows else ("TCP", "UDP")


def arm_label(name):
    transport, _, letter = name.partition(" ")
    return f"{transport.upper()} {letter}".strip()


def fill_names(text, campaign):
    a, b = arm_names(campaign)
    for between in ("measured against", "has more messages on time than"):
        text = text.replace(f"UDP {between} TCP", f"{b} {between} {a}")
    return text


def outcome(row):
    """("a" | "b" | "tie" | "open", decided): who is better, and whether clearly so."""
    verdict = row["verdict"].lower()
    for side in "ab":
        if verdict.startswith(row[f"arm_{side}"].lower() + " "):
            return side, "slightly" not in verdict
    return ("tie", True) if verdict.startswith("tie") else ("open", False)


def figures(chart, campaign, _sources):
    """A panel a metric, a row a cell."""
    rows = {(row["cell_id"], row["dir"], row["metric"]): row
            for row in campaign.result.comparisons}
    metrics = list(dict.fromkeys(row["metric"] for row in campaign.result.comparisons))
    panels = [_panel(campaign, metric, rows) for metric in metrics]
    yield "", chart.title, [panel for panel in panels if panel]


def _panel(campaign, name, rows):
    metric = charts.metric_of(name)
    cells = [cell for cell in campaign.cells if (cell.cell_id, cell.dir, name) in rows]
    found = [rows[cell.cell_id, cell.dir, name] for cell in cells]
    if not found:
        return None
    ratio = found[0]["scale"] == "log_ratio"
    if all(row["effect"] is None for row in found):
        return None
    x = _x_axis(campaign, metric, found, ratio)
    labels = tuple((len(cells) - i, _row_label(cell.title)) for i, cell in enumerate(cells))
    y = units.Axis("", 0.4, len(cells) + 0.6, labels)
    looks = defaultdict(list)
    for (height, _), row in zip(labels, found):
        point = _point(row, height, x, ratio)
        if point:
            looks[outcome(row)].append(point)
    traces = tuple(_trace(campaign, look, points) for look, points in sorted(looks.items()))
    margins = [row["margin"] for row in found if row["margin"]]
    shades = (_margin_strip(max(margins), ratio),) if margins else ()
    return finish(Panel(metric.label, _note(found), x, y, traces, shades,
                        (1 if ratio else 0, "", 0), rows=len(cells)))


def _row_label(title):
    return title if len(title) <= ROW_LENGTH_MAX else title[:ROW_LENGTH_MAX - 1] + "…"


def _note(rows):
    notes = []
    if any(row["effect"] is not None and math.isinf(row["effect"]) for row in rows):
        notes.append("at the edge: infinite, messages were lost")
    if any(row["effect"] is None for row in rows):
        notes.append("no dot: not known")
    return "; ".join(notes)


def has_bars(campaign):
    return any(row["ci95_lo"] is not None for row in campaign.result.comparisons)


def unknown(campaign):
    """Labels of the metrics that no cell has a value of."""
    known = {row["metric"] for row in campaign.result.comparisons if row["effect"] is not None}
    metrics = dict.fromkeys(row["metric"] for row in campaign.result.comparisons)
    return [charts.metric_of(metric).label for metric in metrics if metric not in known]


def _value(effect, ratio):
    return None if effect is None else 1 + effect if ratio else 100 * effect


def _x_axis(campaign, metric, rows, ratio):
    a, b = arm_names(campaign)
    values = [_value(row[column], ratio) for row in rows
              for column in ("effect", "ci95_lo", "ci95_hi")]
    margins = [row["margin"] for row in rows if row["margin"]]
    sides = f"(← {b} better)" if metric.lower_is_better else f"({b} better →)"
    if ratio:
        edges = [math.exp(s * 1.4 * m) for m in margins[:1] for s in (-1, 1)]
        return units.ratio_axis(f"{b} relative to {a} {sides}", values + edges)
    edges = [100 * s * 1.4 * m for m in margins[:1] for s in (-1, 1)] + [0]
    return units.linear_axis(f"{b} minus {a}, % points {sides}", values + edges,
                             lambda value: f"{value:+g}".replace("-", "\u2212") if value else "0")


def _margin_strip(margin, ratio):
    """margin is on the scale of the statistics: of ln(b/a), or of b - a."""
    if ratio:
        return Shade("x", math.exp(-margin), math.exp(margin))
    return Shade("x", -100 * margin, 100 * margin)


def _point(row, height, x, ratio):
    value = _value(row["effect"], ratio)
    if value is None:
        return None
    ends = [_value(row[column], ratio) for column in ("ci95_lo", "ci95_hi")]
    if math.isinf(value):  # The dot says it all: a bar beyond the axis has no length.
        ends = [None, None]
    if ratio:  # A log axis has no place for 0.
        value, ends = max(value, x.lo), [end and max(end, x.lo) for end in ends]
    return (min(max(value, at(x, 0.02)), at(x, 0.98)), height, *ends)


def _rank(look):
    """Arm a, arm b, tie, open; the surer first."""
    winner, decided = look
    return 2 * ("a", "b", "tie", "open").index(winner) + (not decided)


def _trace(campaign, look, points):
    winner, decided = look
    a, b = arm_names(campaign)
    colours = dict(zip("ab", [_colour(campaign, name) for name in (a, b)]))
    label = {"a": f"{a} better", "b": f"{b} better", "tie": "tie"}.get(winner, "not decided")
    if winner in colours and not decided:
        label = label.replace("better", "slightly better")
    return Trace(label, colours.get(winner, MUTED if winner == "tie" else UNDECIDED),
                 "diamond" if winner == "tie" else "circle", filled=decided, joined=False,
                 bars="x", rank=_rank(look), points=tuple(points))


def _colour(campaign, label):
    for arm in campaign.arms:
        if arm.label == label:
            return arm.colour
    return series.COLOURS_OTHER[0]
