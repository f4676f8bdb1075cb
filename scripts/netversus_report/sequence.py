# SPDX-License-Identifier: MIT
"""Single messages, by number and time of arrival, of a stretch of one run of each arm: order and
loss as they happen. Needs messages.csv, which a campaign has with --messages."""

from __future__ import annotations

import math
from statistics import median

from . import load, units
from .panels import MUTED, Panel, Trace, finish, paged

_SHOWN = 60  # messages in a row
_LATE_NS = 5e6  # beyond the median: an event to be shown


def figures(chart, campaign, _sources):
    """Panels of one arm beside each other, and those of the next below."""
    rows = {}
    for row in load.messages(campaign.result.directory):
        rows.setdefault((row["run_id"], row["dir"]), []).append(row)
    panels = [[], []]
    for cell in campaign.cells:
        runs = [_first_run(campaign, cell, arm, rows) for arm in campaign.arms]
        if not all(runs):
            continue
        first = _liveliest(campaign.arms, runs)
        x, y = _axes(chart, runs, first)
        for i, (arm, run) in enumerate(zip(campaign.arms, runs)):
            traces = _traces(arm, run, first)
            title = f"{arm.label} · {campaign.sweep.text(cell)}"
            panels[i].append(finish(Panel(title, _note(run, first), x, y, traces)))
    yield from paged(chart.title, panels[0] + panels[1])


def has_messages(campaign):
    return (campaign.result.directory / "messages.csv").exists() and all(
        dict(cell.factors)["workload"] == "stream" for cell in campaign.cells)


def _first_run(campaign, cell, arm, rows):
    """{number: (due, arrival)} of one flow in the arm's first block; arrival is infinite for what
    never came."""
    runs = campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])
    found = rows.get((runs[0]["run_id"], cell.dir), []) if runs else []
    known = [row for row in found if row["t_int_ns"] is not None]
    if len(known) < 2:
        return {}
    # The schedule of those that never came: as far apart as the others, on the whole.
    start, end = min(known, key=_number), max(known, key=_number)
    gap = (end["t_int_ns"] - start["t_int_ns"]) / max(_number(end) - _number(start), 1)
    run = {}
    for row in found:
        due = row["t_int_ns"]
        if due is None:
            due = start["t_int_ns"] + gap * (_number(row) - _number(start))
        run.setdefault(_number(row), (due, row["t_rcv_ns"] or math.inf))
    return run


def _number(row):
    return row["seq"]


def _liveliest(arms, runs):
    """The first number of the stretch in which the arm with fewer events has most, and that
    the machine itself held up least."""
    told = [_events(arm, run) for arm, run in zip(arms, runs)]
    numbers = sorted(set(runs[0]).intersection(*runs[1:]))
    starts = [n for n in numbers[::5] if n + _SHOWN <= numbers[-1]] or numbers[:1]

    def worth(start):
        counts = [[sum(start <= n < start + _SHOWN for n in found) for found in pair]
                  for pair in told]
        return min(events for events, _ in counts) - sum(stalls for _, stalls in counts)
    return max(starts, key=worth)


def _events(arm, run):
    """(numbers of messages that show what the transport does, those that show the machine's own
    stalls): TCP holds messages up, all others lose them or let them be overtaken."""
    usual = median(arrival - due for due, arrival in run.values())
    late = {n for n, (due, arrival) in run.items() if arrival - due > usual + _LATE_NS}
    if arm.key[0] == "tcp":
        return late, set()
    earliest, events = math.inf, set()
    for n in sorted(run, reverse=True):
        if run[n][1] > earliest or math.isinf(run[n][1]):
            events.add(n)
        earliest = min(earliest, run[n][1])
    return events, late - events


def _stretch(run, first):
    """[(number from 1, due, arrival)], times from the first one's."""
    zero = run[first][0]
    return [(n - first + 1, run[n][0] - zero, run[n][1] - zero)
            for n in sorted(run) if first <= n < first + _SHOWN]


def _axes(chart, runs, first):
    shown = [message for run in runs for message in _stretch(run, first)]
    times = [time for _, due, arrival in shown for time in (due, arrival)]
    last = max(time for time in times if time < math.inf)
    x = units.linear_axis(chart.x, times, lambda v: units.time_text(v, trim=True) if v else "0",
                          lo=0, hi=1.08 * last)
    return x, units.linear_axis(chart.y, [0, max(n for n, _, _ in shown)], units.count_text)


def _traces(arm, run, first):
    """In the order of arrival: a line that goes down is a message that was overtaken. What never
    came becomes a triangle at the edge."""
    shown = _stretch(run, first)
    due = Trace("due", MUTED, "circle", markers=False, dashed=True, rank=1,
                points=tuple((time, n, None, None) for n, time, _ in shown))
    came = sorted((arrival, n) for n, _, arrival in shown)
    return due, Trace(arm.label, arm.colour, arm.marker, bars="x",
                      points=tuple((arrival, n, None, None) for arrival, n in came))


def _note(run, first):
    shown = _stretch(run, first)
    lost = sum(math.isinf(arrival) for _, _, arrival in shown)
    came = [n for arrival, n in sorted((a, n) for n, _, a in shown) if arrival < math.inf]
    overtaken = sum(n < max(came[:i], default=0) for i, n in enumerate(came))
    return f"of {len(shown)}: {overtaken} out of order, {lost} never came" + " ▲" * bool(lost)
