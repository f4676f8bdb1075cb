# SPDX-License-Identifier: MIT
"""An axis for shares near 1: each step up is a tenth of what is missing. 90 %, 99 % and 99.9 % are
at 1, 2 and 3, and 100 % stands above all that a run could tell from it."""

from __future__ import annotations

import math
from dataclasses import replace

from . import units


def place(share):
    return math.inf if share >= 1 else -math.log10(1 - max(share, 0.0))


def axis(label, places, scheduled, flat=False):
    """scheduled: messages of a run; half a one is missing where 100 % stands. flat: along x, where
    labels take more room."""
    top = math.log10(2 * scheduled)
    finite = [value for value in places if math.isfinite(value)]
    full = len(finite) < len(places)
    steps = _steps(min(finite, default=top - 1), top if full else max(finite), full)
    low = max((step for step in steps if step <= min(finite, default=top - 1)), default=0.0)
    high = top if full else max(finite) + 0.05 * (max(finite) - low) + 0.02
    room = max(0.25, (0.14 if flat else 0.05) * (high - low)) if full else 0
    ticks = [(step, _text(step)) for step in steps if low <= step <= high - room]
    if full:
        ticks.append((top, "100\u00a0%"))
    return units.Axis(label, low, high + 0.04 * (high - low), tuple(ticks))


def _steps(low, high, full):
    """The fewest to a decade that make four ticks."""
    for missing in ((1,), (1, 5), (1, 5, 2)):
        steps = sorted(-math.log10(m * 10.0 ** -k) for m in missing for k in range(10)
                       if m * 10.0 ** -k <= 1)
        steps = [abs(step) for step in steps]
        begin = max((step for step in steps if step <= low), default=0.0)
        if len([s for s in steps if begin <= s <= high]) + full >= 4:
            break
    return steps


def _text(step):
    return f"{100 * (1 - 10 ** -step):.7f}".rstrip("0").rstrip(".") + "\u00a0%"


def brought_in(trace, y):
    """100 % is not beyond the axis, but its last tick."""
    top = y.ticks[-1][0]
    return replace(trace, points=tuple(
        p and (p[0], *(top if math.isinf(value) else value for value in p[1:]))
        for p in trace.points))
