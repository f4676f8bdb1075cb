# SPDX-License-Identifier: MIT
"""Reads a result directory into checked rows.

Columns are found by name: new ones may be appended to the files at any time. Empty is None, "inf"
is infinity. Whatever is wrong becomes one line that names file, line and column.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from . import paths

SCHEMA_VERSION = 1

Row = dict  # column name -> str, float or None


class LoadError(Exception):
    """One line for the user: what is wrong, and where."""


def text(value):
    return value


def number(value):
    """float, None when empty; ValueError for anything that the files may not hold."""
    if value == "":
        return None
    if value == "inf":
        return math.inf
    if value == "-inf":
        return -math.inf
    result = float(value)
    if not math.isfinite(result) or "_" in value or value != value.strip():
        raise ValueError(value)
    return result


_KEY = {"run_id": text, "cell_id": text, "block": number, "arm": text, "transport": text,
        "workload": text, "flow": text, "dir": text}

# What the charts cannot do without.
REQUIRED = {
    "runs.csv": {**_KEY, "engine": text, "msg_size": text, "msg_size_bytes": number, "rate": text,
                 "rate_msgs_per_s": number, "arrival": text, "flows": text, "direction": text,
                 "path": text, "deadline_ms": number, "sched_count": number, "sent_count": number,
                 "lost_count": number, "rx_unique_count": number, "loss_ratio": number,
                 "reordered_count": number, "reordered_ratio": number, "goodput_bps": number,
                 "valid": text},
    "quantiles.csv": {**_KEY, "metric": text, "population": text, "p": number, "value_ns": number},
    "deadlines.csv": {**_KEY, "deadline_ms": number, "ontime_count": number,
                      "sched_count": number},
    "hist.csv": {**_KEY, "metric": text, "lo_ns": number, "hi_ns": number, "count": number},
    "intervals.csv": {**_KEY, "t_start_s": number, "t_end_s": number, "sched_count": number,
                      "rx_bytes": number, "resp_max_ns": number},
    "capacity.csv": {**{name: _KEY[name] for name in ("cell_id", "arm", "transport", "dir")},
                     "loss_target": number, "offered_msgs_per_s": number, "offered_bps": number,
                     "sched_count": number, "passed": text, "missing_ratio": number,
                     "goodput_bps": number, "outcome": text, "capacity_msgs_per_s": number},
    "factors.csv": {"cell_id": text, "dir": text, "arm": text, "factor": text, "why": text},
    "messages.csv": {**_KEY, "seq": number, "t_int_ns": number, "t_rcv_ns": number,
                     "status": text},
    "calls.csv": {**_KEY, "end": text, "place": number, "kind": text, "call": text,
                  "call_count": number, "total_ns": number},
    "comparisons.csv": {"cell_id": text, "dir": text, "arm_a": text, "arm_b": text, "metric": text,
                        "scale": text, "blocks_count": number, "a_median": number,
                        "b_median": number, "effect": number, "ci95_lo": number,
                        "ci95_hi": number, "margin": number, "verdict": text},
}

# Used where present: further factors of a campaign, and what explains a verdict.
OPTIONAL = {
    "messages.csv": {f"t_{at}_ns": number for at in ("snd", "txk", "rxk", "rdy")},
    "runs.csv": {"flags": text, "ip_fragments_per_msg": number, "ontime_ratio": number,
                 "cpu_ns_per_msg": number, "msg_rate_per_s": number,
                 "rcvbuf_granted_bytes": number, "block_lag_max_ns": number,
                 "resp_max_ns": number, "goodput_bytes": number, "rx_recv_calls": number,
                 "split_msgs_count": number, "listen_overflow_count": number,
                 "server_sockets_max_count": number,
                 **{f"emu_{way}_{name}": number for way in ("up", "down") for name in (
                     "in_count", "loss_obs_ratio", "reordered_count", "dup_count",
                     "queue_max_bytes", "delay_p50_ns", "delay_p99_ns")},
                 **{name: text for name in (
                     "app", "reply_size", "burst", "window", "nodelay", "quickack", "cc", "sndbuf",
                     "rcvbuf", "read_size", "udp_policy", "pace", "wait", "batch", "threads", "cpus",
                     "dscp", "diag", "stall", "backlog", "udp_connect")}},
    "comparisons.csv": {"verdict_words": text, "p_holm": number, "win_fraction": number,
                        "blocks_rejected_count": number, "stop_reason": text},
}


@dataclass(frozen=True)
class Result:
    """Only rows of all flows together, of valid runs; blocks the noise gates rejected are out."""

    directory: Path
    campaign: dict
    runs: list
    quantiles: list  # response times over all scheduled messages
    deadlines: list
    hist: list  # response times
    intervals: list  # of paths with an outage
    comparisons: list
    invalid_count: int  # runs left out
    factors: list = field(default_factory=list)  # why, an arm a row; none of older results
    trials: list = field(default_factory=list)  # of capacity.csv
    messages: list = field(default_factory=list)  # of runs with kernel time stamps
    notes: list = field(default_factory=list)  # for the user: files missing or cut off


def load(directory):
    directory = Path(directory)
    campaign = _load_campaign(directory / "campaign.json")
    notes = []
    all_runs = _load_rows(directory, "runs.csv", notes, lambda row: row["flow"] == "all")
    runs = [row for row in all_runs if row["valid"] != "0"]
    if not runs:
        raise LoadError(f"{directory / 'runs.csv'}: no valid run to chart")
    invalid_count = len({row["run_id"] for row in all_runs if row["valid"] == "0"})
    timed_ids = set()  # those whose times mean something

    searched = {cell["cell_id"] for cell in campaign.get("cells") or []
                if cell.get("rate") == "search"}
    for row in runs:
        if row["cell_id"] in searched:
            _as_planned(row)
        else:
            timed_ids.add(row["run_id"])

    stamped = {row["run_id"] for row in runs if row.get("diag") == "yes"}

    def of_all_flows(row):
        return row["flow"] == "all" and row["run_id"] in timed_ids

    def response(row):
        return of_all_flows(row) and row["metric"] in ("resp", "rtt") and row.get(
            "population", "all") == "all"

    return Result(
        directory=directory, campaign=campaign, runs=runs, invalid_count=invalid_count, notes=notes,
        quantiles=_one_metric(_load_rows(directory, "quantiles.csv", notes, response)),
        deadlines=_load_rows(directory, "deadlines.csv", notes, of_all_flows),
        intervals=_load_rows(directory, "intervals.csv", notes, of_all_flows)
        if any(paths.outages(paths.definition(campaign, row["path"])) for row in runs) else [],
        hist=_one_metric(_load_rows(directory, "hist.csv", notes, response)),
        factors=_load_rows(directory, "factors.csv", notes, lambda row: True)
        if (directory / "factors.csv").exists() else [],
        trials=_load_rows(directory, "capacity.csv", notes, lambda row: True) if searched else [],
        messages=_load_rows(directory, "messages.csv", notes, lambda row: row["run_id"] in stamped
                            and row["flow"] == "all" and row["status"] != "dup") if stamped else [],
        comparisons=_load_rows(directory, "comparisons.csv", notes, lambda row: not (
            row["cell_id"] in searched and row["metric"] in _OF_TIME)))


def messages(directory):
    """Single messages of the first flow of each run; copies are left out."""
    return _load_rows(directory, "messages.csv", [],
                      lambda row: row["flow"] in ("all", "0") and row["status"] != "dup")


def calls(directory):
    """What the socket calls of workload crr took, all flows together."""
    return _load_rows(directory, "calls.csv", [], lambda row: row["flow"] == "all")


_OF_TIME = ("resp_p50", "resp_p99", "ontime_ratio")


def _as_planned(row):
    """A run of a cell whose rate was searched for: each arm had its own, and how late a transport
    is at the highest rate that it carries says nothing about it."""
    row.update(rate="search", rate_msgs_per_s=None, ontime_ratio=None)


def _one_metric(rows):
    """A run that has both counts its response times from the intended time in "resp"."""
    with_resp = {(row["run_id"], row["dir"]) for row in rows if row["metric"] == "resp"}
    return [row for row in rows
            if row["metric"] == "resp" or (row["run_id"], row["dir"]) not in with_resp]


def _load_campaign(path):
    try:
        campaign = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}; is {path.parent} a result directory?") from None
    except json.JSONDecodeError as error:
        raise LoadError(f"{path}:{error.lineno}: column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise LoadError(f"{path}: not UTF-8") from None
    version = campaign.get("schema_version") if isinstance(campaign, dict) else None
    if version != SCHEMA_VERSION:
        raise LoadError(f"{path}: schema_version is {json.dumps(version)}; "
                        f"this program reads {SCHEMA_VERSION}")
    return campaign


def _load_rows(directory, name, notes, keep):
    """Rows of one file that keep() accepts. All but runs.csv may be missing: a campaign that was
    stopped early has no comparisons."""
    path = directory / name
    try:
        with open(path, encoding="utf-8", newline="") as file:
            content = file.read()
    except FileNotFoundError:
        if name == "runs.csv":
            raise LoadError(f"{path}: no such file; did any run end?") from None
        notes.append(f"{name} is missing")
        return []
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LoadError(f"{path}: not UTF-8") from None
    if content and not content.endswith("\n"):
        notes.append(f"the last line of {name} is unfinished and left out")
        content = content[:content.rfind("\n") + 1]
    return _parse(path, name, content, keep)


def _parse(path, name, content, keep):
    reader = csv.reader(content.splitlines(keepends=True), strict=True)
    rows = []
    try:
        header = next(reader, [])
        columns = _columns(path, name, header)
        for fields in reader:
            row = _row(path, reader.line_num, header, columns, fields)
            if keep(row):
                rows.append(row)
    except csv.Error as error:
        raise LoadError(f"{path}:{reader.line_num}: {error}") from None
    return rows


def _columns(path, name, header):
    """[(position, column, type)] of the columns that are used."""
    for column in REQUIRED[name]:
        if column not in header:
            raise LoadError(f"{path}:1: column {column} is missing")
    types = {**REQUIRED[name], **OPTIONAL.get(name, {})}
    return [(header.index(column), column, kind) for column, kind in types.items()
            if column in header]


def _row(path, line, header, columns, fields):
    if len(fields) != len(header):
        raise LoadError(f"{path}:{line}: {len(fields)} fields, but the header has {len(header)}")
    row = {}
    for position, column, kind in columns:
        try:
            row[column] = kind(fields[position])
        except ValueError:
            raise LoadError(f"{path}:{line}: {column}: {json.dumps(fields[position])} "
                            "is not a number") from None
    return row
