# SPDX-License-Identifier: MIT
"""Numbers as people read them: values with units, and axes with round ticks."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

_SECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
_BITS = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s"))
_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
# As on the command line, k is 1000 and Ki 1024.
_SIZES = ((2 ** 30, "GiB"), (10 ** 9, "GB"), (2 ** 20, "MiB"), (10 ** 6, "MB"), (2 ** 10, "KiB"),
          (10 ** 3, "kB"), (1, "B"))
_SIZE_SUFFIXES = {"": 1, "k": 10 ** 3, "M": 10 ** 6, "G": 10 ** 9, "Ki": 2 ** 10, "Mi": 2 ** 20,
                  "Gi": 2 ** 30}


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


def spaced(text):
    """Numbers apart from their units: "9Mbit/s", "20ms"."""
    return re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)([A-Za-z%][A-Za-z/]*)", "\\1\u00a0\\2", text)


def size_text(size_bytes):
    """Exactly, in the largest unit that divides it."""
    factor, unit = next((f, u) for f, u in _SIZES if f == 1 or size_bytes and size_bytes % f == 0)
    return f"{size_bytes // factor:.0f}\u00a0{unit}"


def bytes_text(count):
    return _scaled(count, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")), trim=True)


def mean_size_text(size_bytes):
    return "≈" + _scaled(size_bytes, ((1e6, "MB"), (1e3, "kB"), (1, "B")), trim=True, significant=2)


def sizes_text(text):
    """"64" is "64 B", "64-1k" is "64 B to 1 kB", "64:3+1k:1" is "64 B + 1 kB (3:1)"; what is not a
    size stays as it is."""
    try:
        if "-" in text:
            return " to ".join(size_text(parse_size(part)) for part in text.split("-"))
        parts = [part.partition(":") for part in text.split("+")]
        weights = ":".join(weight or "1" for _, _, weight in parts)
        shown = " + ".join(size_text(parse_size(size)) for size, _, _ in parts)
    except ValueError:
        return text
    return f"{shown} ({weights})" if ":" in text else shown


def parse_size(text):
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text, re.ASCII)
    if not match or match.group(2) not in _SIZE_SUFFIXES:
        raise ValueError(text)
    return int(match.group(1)) * _SIZE_SUFFIXES[match.group(2)]


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
    return Axis(label, low, high,
                tuple((step, tick_text(step)) for step in _log_steps(low, high)), log=True)


def _log_steps(low, high):
    """Round values: the fewest to a decade that make four, and below a factor of about 1.5 equal
    steps."""
    every = max(1, math.ceil(math.log10(high / low) / 7))
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for mantissas in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)):
        steps = [m * 10.0 ** e for e in powers if e % every == 0 for m in mantissas]
        inside = [step for step in steps if low <= step <= high]
        if len(inside) >= 4:
            return inside
    step = _step((high - low) / 5)
    return [i * step for i in range(math.ceil(low / step - 1e-9),
                                    math.floor(high / step + 1e-9) + 1)]


def ratio_axis(label, ratios):
    """Around 1: in percent while ratios are near it, as factors beyond."""
    finite = [ratio for ratio in ratios if ratio is not None and 0 < ratio < math.inf] + [1]
    pad = max(1.02, (max(finite) / min(finite)) ** 0.08)
    low, high = min(min(finite) / pad, 0.98), max(max(finite) * pad, 1.02)
    ticks = _percent_ticks(low, high)
    if high / low > 5 or len(ticks) < 3:
        ticks = tuple((step, "equal" if step == 1 else f"×{step:g}")
                      for step in _log_steps(low, high))
    return Axis(label, low, high, ticks, log=True)


def _percent_ticks(low, high):
    """As many as do not touch: equal steps come closer and closer on a log axis."""
    for count in (6, 5, 4, 3, 2):
        percents = linear_axis("", [100 * (low - 1), 100 * (high - 1)], str, count=count).ticks
        inside = [p for p, _ in percents if low <= 1 + p / 100 <= high]
        gaps = [math.log((100 + b) / (100 + a)) for a, b in zip(inside, inside[1:])]
        if min(gaps, default=math.inf) >= 0.15 * math.log(high / low):
            break
    return tuple((1 + p / 100, f"{p:+g}\u00a0%".replace("-", "\u2212") if p else "0")
                 for p in inside)


def value_axis(label, positions, log=True):
    """Ticks at the values that were measured, {value: label}; a label that would touch the one
    before it is left out."""
    values = sorted(positions)
    low, high = values[0] / 1.6, values[-1] * 1.6
    character = math.log(high / low) / 42  # So many fit along the narrowest panel.
    labels = ticks_apart({math.log(value): positions[value] for value in values}, character)
    return Axis(label, low, high, tuple((value, shown) for value, (_, shown) in
                                        zip(values, labels)), log=log)


def spread(axis):
    """The same, to be laid along x: labels that would touch are left out."""
    flat = math.log if axis.log else float
    character = (flat(axis.hi) - flat(axis.lo)) / 42
    shown = ticks_apart({flat(value): label for value, label in axis.ticks}, character)
    return replace(axis, ticks=tuple((value, label) for (value, _), (_, label) in
                                     zip(sorted(axis.ticks), shown)))


def ticks_apart(places, character):
    """((place, label or "")) of {place: label}; character is the width of one."""
    ticks, end = [], -math.inf
    for place in sorted(places):
        half = character * (len(places[place]) + 1) / 2
        close = place - half < end
        ticks.append((place, "" if close else places[place]))
        end = end if close else place + half
    return tuple(ticks)
