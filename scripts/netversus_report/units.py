# SPDX-License-Identifier: MIT
"""Numbers as people read them: values with units, and axes with round ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
_BITS = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s"))
_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


def digits(value, significant=3):
    """Plain decimal notation: 61.3, 0.0042, 12 300."""
    if value == 0:
        return "0"
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    rounded = f"{value:,.{decimals}f}".replace(",", "\u2009")
    return rounded.replace("-", "\u2212")


def _scaled(value, steps, trim, significant=3):
    if value is None:
        return "–"
    if math.isinf(value):
        return "∞"
    for factor, unit in steps:
        if abs(value) >= factor * (1 - 1e-9):
            break
    shown = digits(value / factor, significant)
    if trim and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return f"{shown}\u00a0{unit}" if unit and unit not in "kMG" else f"{shown}{unit}"


def time_text(ns, trim=False):
    return _scaled(ns, _SECONDS, trim)


def bits_text(bps, trim=False):
    return _scaled(bps, _BITS, trim)


def count_text(value, trim=True):
    return _scaled(value, _COUNTS, trim)


def size_text(size_bytes):
    """As on the command line, where k is 1000 and Ki 1024."""
    if size_bytes % 1024 == 0 and size_bytes % 1000 and size_bytes >= 1024:
        return f"{digits_trimmed(size_bytes / 1024)}Ki"
    return count_text(size_bytes)


def digits_trimmed(value, significant=4):
    shown = digits(value, significant)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent_text(ratio, signed=False):
    """Keeps what is near 0 and 1 apart from it: 99.997 % is not 100 %."""
    if ratio is None:
        return "–"
    if math.isinf(ratio):
        return "∞"
    percent = 100 * ratio
    decimals = 2
    while decimals < 5 and 0 < min(abs(percent), abs(100 - abs(percent))) < 0.5 * 10 ** -decimals:
        decimals += 1
    shown = f"{percent:.{decimals}f}"
    if abs(float(shown)) in (0, 100):
        shown = f"{abs(percent) if float(shown) == 0 else percent:.0f}"
    sign = "+" if signed and float(shown) > 0 else ""
    return f"{sign}{shown}\u00a0%".replace("-", "\u2212")


def tick_percent(value):
    return f"{digits_trimmed(value)}\u00a0%" if value else "0\u00a0%"


@dataclass(frozen=True)
class Axis:
    """Ticks are (value, label); lo and hi are what is shown."""

    label: str
    lo: float
    hi: float
    ticks: tuple
    log: bool = False


def linear_axis(label, values, tick_text, lo=None, hi=None, count=5):
    """lo and hi fix an end; else the axis takes in all finite values and ends on a tick. count: of
    ticks, about."""
    finite = [value for value in values if value is not None and math.isfinite(value)] or [0]
    low = min(finite) if lo is None else lo
    high = max(finite) if hi is None else hi
    if high <= low:
        high = low + (abs(low) or 1)
    step = _step((high - low) / count)
    low = math.floor(low / step + 1e-9) * step if lo is None else low
    high = math.ceil(high / step - 1e-9) * step if hi is None else high
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple((i * step, tick_text(round(i * step, 12))) for i in range(first, last + 1))
    return Axis(label, low, high, ticks)


def _step(rough):
    power = 10 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))


def log_axis(label, values, tick_text, pad=1.25):
    finite = [value for value in values if value is not None and 0 < value < math.inf] or [1, 10]
    low, high = min(finite) / pad, max(finite) * pad
    decades = math.log10(high / low)
    mantissas = (1, 2, 5) if decades < 2.2 else (1,)
    every = max(1, math.ceil(decades / 7))
    steps = sorted(m * 10.0 ** e for e in range(math.floor(math.log10(low)) - 1,
                                                math.ceil(math.log10(high)) + 2)
                   for m in mantissas if e % every == 0)
    inside = [step for step in steps if low <= step <= high]
    if len(inside) < 2:  # Let the axis reach the round values around it.
        low = max((step for step in steps if step <= low), default=low)
        high = min((step for step in steps if step >= high), default=high)
        inside = [step for step in steps if low <= step <= high]
    return Axis(label, low, high, tuple((step, tick_text(step)) for step in inside), log=True)


def ratio_axis(label, ratios):
    """Around 1: in percent while ratios are near it, as factors beyond."""
    finite = [ratio for ratio in ratios if ratio is not None and 0 < ratio < math.inf] + [1]
    pad = max(1.02, (max(finite) / min(finite)) ** 0.08)
    low, high = min(min(finite) / pad, 0.98), max(max(finite) * pad, 1.02)
    if high / low <= 3.2:
        percents = linear_axis("", [100 * (low - 1), 100 * (high - 1)], str, count=6).ticks
        ticks = [(1 + p / 100, f"{p:+g}\u00a0%".replace("-", "\u2212") if p else "0")
                 for p, _ in percents]
    else:
        factors = log_axis("", [low, high], lambda value: f"×{value:g}", pad=1).ticks
        ticks = [(value, "equal" if value == 1 else shown) for value, shown in factors]
    inside = tuple(tick for tick in ticks if low <= tick[0] <= high)
    return Axis(label, low, high, inside, log=True)


def value_axis(label, positions, log=True):
    """Ticks at the values that were measured, {value: label}; labels too close are left out."""
    values = sorted(positions)
    low, high = values[0] / 1.6, values[-1] * 1.6
    gap = math.log(high / low) / 11
    ticks, last = [], -math.inf
    for value in values:
        close = math.log(value) - last < gap
        ticks.append((value, "" if close else positions[value]))
        last = last if close else math.log(value)
    return Axis(label, low, high, tuple(ticks), log=log)
