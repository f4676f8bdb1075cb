# SPDX-License-Identifier: MIT
"""Emulated paths as the program writes them, "delay=20ms,loss=1%" or "wifi,loss=1%": short names
for charts, and their place on an axis. Text that is no path is a name like any other."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from . import units

_TIMES = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}
_BITS = {"bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9}
_SHARES = ("loss", "reorder", "duplicate", "corrupt")
_ZERO_UNLESS_SET = _SHARES + ("delay", "jitter", "reorder-delay")
_WORDS = {"loss": "packet loss", "delay": "delay one way", "jitter": "jitter",
          "reorder": "packets held back", "duplicate": "packets doubled",
          "corrupt": "packets damaged", "rate": "rate of the path", "queue": "queue",
          "reorder-delay": "held back for"}
_ABOUT = {"share": lambda v: units.digits_trimmed(100 * v, 2) + "\u00a0%",
          "time": lambda v: units.time_text(v, trim=True),
          "bits": lambda v: units.bits_text(v, trim=True),
          "bdp": lambda v: units.digits_trimmed(v, 2) + "\u00a0BDP", "size": units.bytes_text}
_TOLD_MAX = 240  # characters
_LOG_FROM = 8  # times the least: a linear axis would press the small values together
_APART = 0.45  # decades by which 0 stands left of the least value, of a log axis


def definition(campaign_json, text):
    """What a path of a name was made of, where the result tells: "delay=20ms,loss=1%"."""
    known = campaign_json.get("paths")
    base, settings = parse(text)
    meaning = str(known[base]) if isinstance(known, dict) and base and base in known else base
    return ",".join([meaning] * bool(meaning) + [f"{key}={value}" for key, value in settings])


def parse(text):
    """(name or "", ((key, value), …)); of a key that is set twice the last counts."""
    base, settings = [], {}
    for item in text.split(","):
        key, equals, value = item.partition("=")
        if equals:
            settings[key.strip()] = value.strip()
        else:
            base.append(item.strip())
    return ",".join(base), tuple(settings.items())


def setting_text(key, value):
    """"loss 0.5 %"; a share may be written as 0.005."""
    share = _share(value) if key.rpartition(".")[2] in _SHARES else None
    if share is not None:
        return f"{key} {units.digits_trimmed(100 * share)}\u00a0%"
    if key.rpartition(".")[2] in ("outage", "drop"):
        value = value.replace("-", " to ").replace("+", " and ")
    return f"{key} {units.spaced(value)}"


def names(texts):
    """{path: what tells it from the others}: "loss 1 %" of "delay=20ms,loss=1%" where all have the
    same delay. A path without neighbours keeps its settings."""
    texts = list(dict.fromkeys(texts))
    parsed = {text: parse(text) for text in texts}
    common = shared(texts) if len(texts) > 1 else ("", ())
    short = {}
    for text, (base, settings) in parsed.items():
        words = [setting_text(*pair) for pair in settings if pair not in common[1]]
        if base and (base != common[0] or not words):
            words.insert(0, "real" if base == "none" else base)
        short[text] = ", ".join(words) or text_of(text)
    return short if len(set(short.values())) == len(texts) else {text: text for text in texts}


def text_of(text):
    """A path in words, whole."""
    base, settings = parse(text)
    words = ["real" if base == "none" else base] * bool(base)
    return ", ".join(words + [setting_text(*pair) for pair in settings])


def list_text(texts, campaign_json=None):
    """Several in one line: what they share, then what tells them apart; names with what they stand
    for, as far as there is room."""
    texts = list(dict.fromkeys(texts))
    meanings = {text: definition(campaign_json or {}, text) for text in texts}
    if any(text != meaning for text, meaning in meanings.items()):
        common, short = shared(list(meanings.values())), names(meanings.values())
        told = "; ".join(f"{name} ({short[meanings[text]]})" for text, name in names(texts).items())
        words = [setting_text(*pair) for pair in common[1]] if len(texts) > 1 else []
        told = ", ".join(words) + ": " * bool(words) + told
        if len(told) <= _TOLD_MAX:
            return told
    if len(texts) == 1:
        return text_of(texts[0])
    base, pairs = shared(texts)
    common = [base] * bool(base) + [setting_text(*pair) for pair in pairs]
    short = list(names(texts).values())
    if scale(texts):  # "loss 0.1 %, 1 %"
        short[1:] = [name.partition(" ")[2] or name for name in short[1:]]
        return "; ".join([", ".join(common)] * bool(common) + [", ".join(short)])
    return ": ".join([", ".join(common)] * bool(common) + ["; ".join(short)])


def shared(texts):
    """(name, settings) that all the paths have in common."""
    parsed = [parse(text) for text in texts]
    bases = {base for base, _ in parsed}
    pairs = [pair for pair in parsed[0][1] if all(pair in settings for _, settings in parsed)]
    return (bases.pop() if len(bases) == 1 else ""), tuple(pairs)


@dataclass(frozen=True)
class Scale:
    """A setting that paths differ in, as an axis; positions are where it has its values."""

    label: str
    values: dict  # path -> number
    log: bool
    words: dict  # number -> text
    kind: str  # of _ABOUT

    @property
    def apart(self):
        """Has a log axis a 0, which no line may lead to?"""
        return self.log and 0 in self.values.values()

    def position(self, value):
        if not self.log:
            return value
        return math.log10(value) if value > 0 else math.log10(self._least()) - _APART

    def value_at(self, position):
        """The inverse; 0 and everything between it and the least value is 0."""
        if not self.log:
            return position
        return 10 ** position if position >= math.log10(self._least()) - 1e-9 else 0.0

    def about(self, position):
        """Of a place between measured values, in two digits."""
        return "about " + _ABOUT[self.kind](self.value_at(position))

    def _least(self):
        return min(value for value in self.values.values() if value > 0)

    def axis(self):
        places = {self.position(value): self.words[value] for value in set(self.values.values())}
        low, high = min(places), max(places)
        pad = 0.08 * (high - low)
        return units.Axis(self.label + (" (log)" if self.log else ""), low - pad, high + pad,
                          units.ticks_apart(places, (high - low) * 1.16 / 42))


def scale(texts):
    """The Scale of paths that differ in one setting alone, a number in all of them; else None."""
    texts = list(dict.fromkeys(texts))
    parsed = {text: parse(text) for text in texts}
    if len(texts) < 2 or len({base for base, _ in parsed.values()}) > 1:
        return None
    keys = dict.fromkeys(key for _, settings in parsed.values() for key, _ in settings)
    varied = [key for key in keys
              if len({dict(settings).get(key) for _, settings in parsed.values()}) > 1]
    if len(varied) != 1:
        return None
    key = varied[0]
    plain = key.rpartition(".")[2]
    missing = "0" if plain in _ZERO_UNLESS_SET else ""
    found = {text: _number(plain, dict(settings).get(key, missing))
             for text, (_, settings) in parsed.items()}
    kinds = {kind for kind, _, _ in found.values()}
    if None in kinds or len(kinds - {"zero"}) != 1 or \
            len({value for _, value, _ in found.values()}) < len(texts):
        return None
    values = {text: value for text, (_, value, _) in found.items()}
    way = key.partition(".")[0] + ": " if "." in key else ""
    positive = [value for value in values.values() if value > 0]
    return Scale(way + _WORDS.get(plain, plain), values,
                 max(positive) >= _LOG_FROM * min(positive),
                 {value: words for _, value, words in found.values()}, (kinds - {"zero"}).pop())


def _number(key, text):
    """(kind, number, text for people); (None, 0, "") of what is no number."""
    if key in _SHARES:
        share = _share(text)
        return ("share", share, f"{units.digits_trimmed(100 * share)}\u00a0%") \
            if share is not None else (None, 0, "")
    match = re.fullmatch(r"(\d{1,18}(?:\.\d+)?)([A-Za-z/]*)", text, re.ASCII)
    if not match:
        return None, 0, ""
    amount, unit = float(match.group(1)), match.group(2)
    if amount == 0:
        return "zero", 0.0, "0"
    if unit in _TIMES:
        return "time", amount * _TIMES[unit], units.time_text(amount * _TIMES[unit], trim=True)
    if unit in _BITS:
        return "bits", amount * _BITS[unit], units.bits_text(amount * _BITS[unit], trim=True)
    if unit == "bdp":
        return "bdp", amount, f"{units.digits_trimmed(amount)}\u00a0BDP"
    try:
        size = units.parse_size(text)
    except ValueError:
        return None, 0, ""
    return "size", size, units.size_text(size)


def _share(text):
    match = re.fullmatch(r"(\d{1,9}(?:\.\d*)?(?:e-\d+)?)(%?)", text, re.ASCII)
    if not match:
        return None
    return round(float(match.group(1)) / (100 if match.group(2) else 1), 12)


def outages(text):
    """[(from, to)] in s since the start of a run, of both directions."""
    spans = []
    for key, value in parse(text)[1]:
        if key.rpartition(".")[2] != "outage":
            continue
        for part in value.split("+"):
            ends = [_seconds(end) for end in part.split("-")]
            if None not in ends and len(ends) == 2:
                spans.append(tuple(ends))
    return sorted(set(spans))


def _seconds(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m)", text, re.ASCII)
    return float(match.group(1)) * _TIMES[match.group(2)] / 1e9 if match else None
