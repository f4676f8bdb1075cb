# SPDX-License-Identifier: MIT
"""Trials of a search for a capacity: what arrives, and what does not, at each rate offered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from . import series, units
from .panels import MUTED, Panel, Trace, finish, paged

_NONE = "none"  # tick at the foot of a log axis, which has no 0


def figures(chart, campaign, _sources):
    """A panel a cell whose rate was searched for."""
    column = chart.series[0].source.partition(":")[2]
    panels = [_panel(chart, campaign, cell, column) for cell in campaign.cells]
    yield from paged(chart.title, [panel for panel in panels if panel])


def _panel(chart, campaign, cell, column):
    trials = defaultdict(list)
    for row in campaign.result.trials:
        if (row["cell_id"], row["dir"]) == (cell.cell_id, cell.dir):
            trials[series.arm_key(campaign, row)].append(row)
    if not trials:
        return None
    rows = [row for arm_rows in trials.values() for row in arm_rows]
    x = units.log_axis(chart.x, [row["offered_bps"] for row in rows], _bits)
    shares = chart.unit == "percent"
    y = _share_axis(chart, rows) if shares else _goodput_axis(chart, campaign, cell, rows)
    foot = y.ticks[0][0] if shares else None
    traces = []
    if shares:
        level = 100 * rows[0]["loss_target"]
        if level > 0:
            traces.append(_level("loss target", MUTED, x, level, rank=3))
    else:
        traces += [_level(arm.label, arm.colour, x, found.y, dashed=False)
                   for arm, found in _given(campaign, cell, trials)]
        traces.append(Trace("all that is offered", MUTED, "circle", dashed=True, markers=False,
                            rank=3, points=tuple((v, v, None, None) for v in (x.lo, x.hi))))
    for arm in campaign.arms:
        if arm.key in trials:
            traces += _trial_traces(arm, trials[arm.key], column, foot)
    found = [(arm, row) for arm in campaign.arms for row in trials.get(arm.key, [])
             if row["outcome"]]
    note = ", ".join(_found_text(arm, row) for arm, row in found)
    return finish(Panel(campaign.sweep.text(cell) if len(campaign.cells) > 1 else cell.title,
                        note, x, y, tuple(traces), vline=_upright(found, cell, shares)))


def _bits(value):
    return units.bits_text(value, trim=True)


def _given(campaign, cell, trials):
    """Arms that were not searched, with what they carried in the blocks."""
    for arm in campaign.arms:
        found = series.run_column(campaign, cell, arm, "goodput_bps")
        if arm.key not in trials and found:
            yield arm, found


def _found_text(arm, row):
    rate = row["capacity_msgs_per_s"]
    if rate is None:
        return f"{arm.label}: no rate is within the target"
    words = {"ceiling": " or more", "unconfirmed": ", unconfirmed"}.get(row["outcome"], "")
    return (f"{arm.label} {units.count_text(rate)} messages/s{words}, at most "
            f"{units.percent_text(row['loss_target'])} missing")


def _upright(found, cell, low):
    """Of one arm: two would need two labels."""
    if len(found) != 1 or found[0][1]["capacity_msgs_per_s"] is None:
        return None
    return (8 * cell.size_bytes * found[0][1]["capacity_msgs_per_s"], "capacity",
            0.93 if low else 0.06)


def _goodput_axis(chart, campaign, cell, rows):
    values = [row["goodput_bps"] for row in rows] + [row["offered_bps"] for row in rows]
    values += [found.y for _, found in _given(campaign, cell, {})]
    return units.log_axis(chart.y, values, _bits)


def _share_axis(chart, rows):
    """From under the smallest share that a trial could show, where none stands, to all."""
    target = rows[0]["loss_target"]
    least = min([1 / max(row["sched_count"], 1) for row in rows] + [target or 1])
    axis = units.log_axis(chart.y, [100 * least, 100], units.tick_percent)
    foot = axis.lo / 3
    return replace(axis, lo=foot / 1.3, ticks=((foot, _NONE), *axis.ticks))


def _trial_traces(arm, rows, column, foot):
    """Every trial a point, full when it passed. foot: where a share of 0 stands."""
    for passed, words in (("1", "passed"), ("0", "failed")):
        points = [(row["offered_bps"], 100 * row[column] or foot if foot else row[column],
                   None, None) for row in rows if row["passed"] == passed and
                  row[column] is not None]
        yield Trace(f"{arm.label}, {words}", arm.colour, arm.marker, filled=passed == "1",
                    joined=False, rank=1, points=tuple(sorted(points)))


def _level(label, colour, x, value, dashed=True, rank=0):
    return Trace(label, colour, "circle", dashed=dashed, markers=False, rank=rank,
                 points=((x.lo, value, None, None), (x.hi, value, None, None)))
