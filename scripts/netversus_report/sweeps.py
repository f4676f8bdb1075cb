# SPDX-License-Identifier: MIT
"""The factor that sweep charts have on their axis: sizes, rates, paths, applications, buffers
or counts.

A sweep says of a cell where it stands (value), what to call it (text), of cells which axis they
share, and which factors the axis shows. Places on an axis that is not log are added to, on one that is log multiplied."""

from __future__ import annotations

from dataclasses import dataclass

from . import paths, units


@dataclass(frozen=True)
class Sizes:
    column = "size"
    shown = ("size",)
    rows = False

    def value(self, cell):
        return cell.size_bytes

    def text(self, cell):
        return cell.size

    def tick(self, cell):
        """The same where there is little room: a mix of sizes by its mean."""
        text = self.text(cell)
        return text if text == units.size_text(cell.size_bytes) else \
            units.mean_size_text(cell.size_bytes)

    def axis(self, cells):
        mixed = any(self.tick(c) != self.text(c) for c in cells)
        return units.value_axis("message size (log)" + (", ≈ mean of a mix" if mixed else ""),
                                {self.value(c): self.tick(c) for c in cells})


@dataclass(frozen=True)
class Rates:
    column = "rate"
    shown = ("rate",)
    rows = False

    def value(self, cell):
        return cell.rate

    def text(self, cell):
        return f"{units.count_text(cell.rate)}/s"

    def axis(self, cells):
        return units.value_axis("messages per second (log)",
                                {self.value(c): self.text(c) for c in cells})


@dataclass(frozen=True)
class Paths:
    """names: path -> short name, in the order of the plan. Where paths differ in one number it is
    the axis; else each path is a row."""

    names: dict
    scale: object  # paths.Scale, or None
    column = "path"
    shown = ("path",)

    @property
    def rows(self):
        return self.scale is None

    def value(self, cell):
        if self.scale:
            return self.scale.position(self.scale.values[cell.path])
        return len(self.names) - list(self.names).index(cell.path)

    def text(self, cell):
        return self.names[cell.path]

    def axis(self, _cells):
        if self.scale:
            return self.scale.axis()
        return _rows_axis(self.names.values())


@dataclass(frozen=True)
class Apps:
    """A row each, in the order of the plan."""

    names: tuple
    column = "app"
    shown = ("app", "workload", "size", "rate", "deadline_ms")
    rows = True

    def value(self, cell):
        return len(self.names) - self.names.index(dict(cell.factors)["app"])

    def text(self, cell):
        return dict(cell.factors)["app"]

    def axis(self, _cells):
        return _rows_axis(self.names)


@dataclass(frozen=True)
class Buffers:
    """Receive buffers by what was granted, {what was asked for: bytes}."""

    granted: dict
    column = "rcvbuf"
    shown = ("rcvbuf",)
    rows = False

    def value(self, cell):
        return self.granted[dict(cell.factors)["rcvbuf"]]

    def text(self, cell):
        return units.bytes_text(self.value(cell))

    def axis(self, cells):
        return units.value_axis("receive buffer as granted: twice what is asked for (log)",
                                {self.value(c): self.text(c) for c in cells})


@dataclass(frozen=True)
class Counts:
    """An option that is a number of things, such as flows."""

    column: str
    label: str  # of the axis
    rows = False

    @property
    def shown(self):
        return (self.column,)

    def value(self, cell):
        return int(dict(cell.factors)[self.column])

    def text(self, cell):
        return dict(cell.factors)[self.column]

    def axis(self, cells):
        return units.value_axis(f"{self.label} (log)", {self.value(c): self.text(c) for c in cells})


SIZE, RATE = Sizes(), Rates()
COUNTS = (Counts("flows", "flows, each a client of its own"),
          Counts("backlog", "backlog: connections that may wait to be accepted"))


def _rows_axis(names):
    """From above."""
    return units.Axis("", 0.4, len(names) + 0.6,
                      tuple((len(names) - i, name) for i, name in enumerate(names)))


def choose(rows):
    """Of the first rows of all cells, in the order of the plan."""
    sizes = {row["msg_size_bytes"] for row in rows}
    rates = {row["rate_msgs_per_s"] for row in rows}
    used = list(dict.fromkeys(row["path"] for row in rows))
    scale = paths.scale(used)
    apps = tuple(dict.fromkeys(row.get("app") for row in rows))
    if len(used) > 1 and (scale or len(apps) > 1 or len(used) >= max(len(sizes), len(rates))):
        return Paths(paths.names(used), scale)
    if len(apps) > 1 and all(apps):
        return Apps(apps)
    counts = [one for one in COUNTS if len({row.get(one.column) for row in rows}) > 1]
    if counts and len(sizes) == len({row.get("rate") for row in rows}) == 1:  # Of one flow each.
        return counts[0]
    if len(sizes) == 1 and len(rates) > 1 and None not in rates:
        return RATE
    granted = {row.get("rcvbuf"): row.get("rcvbuf_granted_bytes") for row in rows}
    if len(sizes) == len(rates) == 1 and len(granted) > 1 and all(granted.values()):
        return Buffers(granted)
    return SIZE
