# SPDX-License-Identifier: MIT
"""Where along a path setting one arm overtakes the other, as far as the blocks can tell."""

from __future__ import annotations

from . import series

BLOCKS_MIN = 6  # below, the median over blocks has no interval at 95 %


def told(campaign, cells, column, traces):
    """(note, vline or None) for a panel. Only differences that are sure decide: those whose 95 %
    interval over blocks leaves 0 out; the mark is where the lines that are drawn meet."""
    if len(campaign.arms) != 2 or campaign.sweep.rows:
        return "", None
    found = [(cell, series.paired(campaign, cell, column)) for cell in cells]
    if any(pair and pair.count < BLOCKS_MIN for _, pair in found):
        return f"below {BLOCKS_MIN} blocks no difference is sure", None
    sure = [(cell, 1 if pair.lo > 0 else -1) for cell, pair in found
            if pair and (pair.lo > 0 or pair.hi < 0)]
    names = {-1: campaign.arms[0].label, 1: campaign.arms[1].label}
    text = campaign.sweep.text
    if not sure:
        return "no difference is sure (95 %), anywhere in this range", None
    changes = [(one, other) for one, other in zip(sure, sure[1:]) if one[1] != other[1]]
    if not changes:
        return (f"{names[sure[0][1]]} ahead (95 %) {_span(cells, sure, text)}; "
                "no crossing in this range", None)
    (last, sign), (first, other) = changes[0]
    more = ", and once more" if len(changes) > 1 else ""
    note = f"{names[sign]} ahead (95 %) up to {_value(text(last))}, " \
           f"{names[other]} from {_value(text(first))} on{more}"
    x = _meeting(traces, *sorted((campaign.sweep.value(last), campaign.sweep.value(first))))
    return note, (x, campaign.sweep.scale.about(x), 0.06) if x is not None else None


def _value(text):
    """"0.5 %" of "loss 0.5 %"."""
    return text.partition(" ")[2] or text


def _span(cells, sure, text):
    first, last = (_value(text(cell)) for cell, _ in (sure[0], sure[-1]))
    if len(sure) == len(cells):
        return "everywhere"
    if sure[-1][0] is cells[-1]:
        return f"from {first} on"
    return f"from {first} to {last}" if first != last else f"at {first}"


def _meeting(traces, left, right):
    """Where two lines meet between two places on the axis, or None."""
    first, second = [{p[0]: p[1] for p in trace.points if p and left <= p[0] <= right}
                     for trace in traces[:2]]
    points = [(x, second[x] - first[x]) for x in sorted(first) if x in second]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if y0 != y1 and y0 * y1 <= 0:
            return x0 + (x1 - x0) * y0 / (y0 - y1)
    return None
