# SPDX-License-Identifier: MIT
"""The tables of the report: verdicts, medians, results side by side, and metadata."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas

from . import charts, forest, sweep_charts, units

_FORMATS = {**{name: lambda v, f=f: f(v) for name, f in sweep_charts.UNITS.items()},
            "percent": units.percent_text, "": units.digits_trimmed}


@dataclass(frozen=True)
class Verdict:
    cell: str
    metric: str
    a: str
    b: str
    effect: str
    interval: str
    words: str
    side: str  # "a", "b", "tie" or "open"
    decided: bool


def verdicts(campaign):
    """Rows for people, in the order of the file."""
    titles = {(cell.cell_id, cell.dir): cell.title for cell in campaign.cells}
    return [_verdict(row, titles.get((row["cell_id"], row["dir"]), row["cell_id"]))
            for row in campaign.result.comparisons]


def _verdict(row, title):
    metric = charts.metric_of(row["metric"])
    form = _FORMATS[metric.unit]
    side, decided = forest.outcome(row)
    interval = ""
    if row["ci95_lo"] is not None and row["ci95_hi"] is not None:
        interval = f"{_effect(row, 'ci95_lo')} … {_effect(row, 'ci95_hi')}"
    # What a reader of comparisons.csv is told in words is decided in one place, by the program.
    words = row.get("verdict_words") or row["verdict"]
    return Verdict(title, metric.label,
                   *("–" if v is None else form(v) for v in (row["a_median"], row["b_median"])),
                   _effect(row, "effect"), interval, words, side, decided)


def _effect(row, column):
    return _change(row[column], row["scale"] == "log_ratio")


def _change(value, relative):
    """A ratio less 1, as a factor where percents grow long; or a difference of shares."""
    if relative and value is not None and 2 <= value < float("inf"):
        return f"×{units.count_text(1 + value)}"
    shown = units.percent_text(value, signed=True)
    return shown if relative else shown.replace("\u00a0%", "\u00a0pp")


def reasons(campaign):
    """[(cell, why)]: what explains most of what each arm lost or waited, as the program has it."""
    titles = {(cell.cell_id, cell.dir): cell.title for cell in campaign.cells}
    found = {}
    for row in campaign.result.factors:
        found.setdefault((row["cell_id"], row["dir"]), []).append(row)
    rows = []
    for key, arms in found.items():
        title = titles.get(key, key[0])
        rows += [(title, row["why"]) for row in arms if row["why"]]
        if all(row["factor"] == "none" for row in arms):
            rows.append((title, "nothing stands out"))
    return rows


def tally(campaign):
    """[(words, count, side)]: how often each outcome came, over cells and metrics."""
    a, b = forest.arm_names(campaign)
    names = {"a": f"{a} better", "b": f"{b} better", "tie": "tie", "open": "not decided"}
    counts = Counter(forest.outcome(row)[0] for row in _with_pairs(campaign))
    return [(names[side], counts[side], side) for side in ("a", "b", "tie", "open")
            if counts[side]]


def _with_pairs(campaign):
    """Comparisons of something: a metric that no block knows the values of is none."""
    return [row for row in campaign.result.comparisons if row["blocks_count"]]


def fallback_words(campaign):
    """For a campaign that was stopped before it could sum itself up."""
    if not campaign.result.comparisons:
        return ["This campaign has no comparison: it was stopped early, or has one transport only."]
    return ["; ".join(f"{words} in {count}" for words, count, _ in tally(campaign))
            + f" of {len(_with_pairs(campaign))} comparisons."]


MEDIANS = {"goodput_bps": ("goodput", "bits"), "loss_ratio": ("lost", "percent"),
            "reordered_ratio": ("reordered", "percent")}


def _frame(campaign):
    """One line a cell, arm and metric: the median over blocks."""
    titles = {(cell.cell_id, cell.dir): cell.title for cell in campaign.cells}
    labels = {arm.key: arm.label for arm in campaign.arms}
    lines = []
    for (cell_id, direction, arm), rows in campaign.rows.items():
        for column in MEDIANS:
            lines += [(titles[cell_id, direction], labels[arm], column, row[column])
                      for row in rows]
    by_id = {(row["run_id"], row["dir"]): key for key, rows in campaign.rows.items()
             for row in rows}
    for row in campaign.result.quantiles:
        cell_id, direction, arm = by_id[row["run_id"], row["dir"]]
        lines.append((titles[cell_id, direction], labels[arm], row["p"], row["value_ns"]))
    frame = pandas.DataFrame(lines, columns=["cell", "arm", "metric", "value"])
    frame["value"] = frame["value"].astype(float)
    return frame.groupby(["cell", "arm", "metric"], sort=False)["value"].median()


def _in_order(campaign):
    """Sort key of (cell, arm, metric): as the campaign has them, response times first."""
    titles = [cell.title for cell in campaign.cells]
    labels = [arm.label for arm in campaign.arms]

    def key(index):
        cell, arm, metric = index
        return (titles.index(cell) if cell in titles else len(titles), cell,
                (0, metric) if isinstance(metric, float) else (1, list(MEDIANS).index(metric)),
                labels.index(arm) if arm in labels else len(labels))
    return key


def medians(campaign):
    """(header, rows): the numbers behind the charts."""
    table = _frame(campaign).unstack("metric")
    quantiles = sorted(column for column in table.columns if isinstance(column, float))
    shown = [(p, f"p{100 * p:g}", "time") for p in quantiles if table[p].notna().any()]
    shown += [(column, *MEDIANS[column]) for column in MEDIANS]
    header = ["cell", ""] + [label for _, label, _ in shown]
    rows = [[cell, arm] + [_shown(line[column], unit) for column, _, unit in shown]
            for (cell, arm), line in table.iterrows()]
    return header, rows


def _shown(value, unit):
    return "–" if pandas.isna(value) else _FORMATS[unit](value)


def side_by_side(campaigns):
    """(header, rows) of the cells that several results have in common, or None."""
    names = [campaign.result.directory.resolve().name for campaign in campaigns]
    table = pandas.concat([_frame(c) for c in campaigns], axis=1, keys=range(len(campaigns)))
    table = table.dropna(thresh=2)
    rows = []
    for cell, arm, metric in sorted(table.index, key=_in_order(campaigns[0])):
        line = table.loc[(cell, arm, metric)]
        label, unit = MEDIANS.get(metric) or (f"response p{100 * metric:g}", "time")
        first, last = line.iloc[0], line.iloc[-1]
        change = "–"
        if unit == "percent":
            change = _change(last - first, False)
        elif 0 < first < float("inf") and last < float("inf"):
            change = _change(last / first - 1, True)
        rows.append([cell, f"{label}, {arm}", *(_shown(v, unit) for v in line), change])
    return (["cell", "median of", *names, "last against first"], rows) if rows else None


def flatten(value, prefix=""):
    """Nested metadata as [(dotted name, text)]."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items()
                for pair in flatten(inner, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    return [(prefix, "not known" if value in (None, "") else
             {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value)]
