# SPDX-License-Identifier: MIT
"""Small made-up result directories, in the layout that the program writes."""

import bisect
import csv
import json
import math
import random

KEY = ["campaign_id", "run_id", "cell_id", "block", "slot", "arm", "transport", "engine",
       "workload", "flow", "dir"]
COLUMNS = {
    "runs.csv": KEY + [
        "start_utc_iso", "msg_size", "msg_size_bytes", "rate", "rate_msgs_per_s", "arrival",
        "flows", "direction", "path", "deadline_ms", "sched_count", "sent_count", "lost_count",
        "rx_unique_count", "loss_ratio", "reordered_count", "reordered_ratio", "goodput_bps",
        "ip_fragments_per_msg", "valid", "flags", "a_column_of_the_future"],
    "quantiles.csv": KEY + ["metric", "population", "p", "value_ns", "reportable"],
    "deadlines.csv": KEY + ["deadline_ms", "ontime_count", "sched_count", "ontime_ratio"],
    "hist.csv": KEY + ["metric", "lo_ns", "hi_ns", "count"],
    "comparisons.csv": [
        "campaign_id", "cell_id", "dir", "arm_a", "arm_b", "metric", "scale", "blocks_count",
        "a_median", "b_median", "effect", "ci95_lo", "ci95_hi", "margin", "p_holm",
        "win_fraction", "verdict", "needed_blocks", "stop_reason", "verdict_words"],
}
SIZES = {"64": 64, "1k": 1000, "8k": 8000, "65000": 65000}
SENT = 2000

# An edge every 4 %, from 1 us to 10 s.
EDGES = [round(1000 * 1.04 ** i) for i in range(411)]


def write_result(directory, loss=0.0, arms=("tcp", "udp"), workloads=("rr", "stream"), blocks=6,
                 sizes=SIZES, hostname="lab-a", path="wifi", p99=True):
    """Every message a draw: TCP repairs a loss 200 ms later, UDP does not. p99=False: the sample
    does not support one."""
    directory.mkdir(parents=True)
    tables = {name: [] for name in COLUMNS}
    draw = random.Random(7)
    cells = [(f"c{i + 1:03}", workload, size) for i, (workload, size) in
             enumerate((w, s) for w in workloads for s in sizes)]
    for cell_id, workload, size in cells:
        values = {}
        for block in range(1, blocks + 1):
            for slot, (arm, transport) in enumerate(zip("ab", arms), 1):
                key = {"campaign_id": "made-up", "run_id": f"{cell_id}-{block}-{slot}",
                       "cell_id": cell_id, "block": block, "slot": slot, "arm": arm,
                       "transport": transport, "engine": "poll", "workload": workload,
                       "flow": "all", "dir": "rtt" if workload == "rr" else "up"}
                run = draw_run(draw, transport, workload, sizes[size], loss)
                if not p99:
                    run["values"]["resp_p99"] = None
                add_run(tables, key, size, sizes[size], run, path)
                for metric, value in run["values"].items():
                    values.setdefault((metric, arm), []).append(value)
        if len(arms) == 2:
            add_comparisons(tables, cell_id, workload, arms, values, blocks)
    for name, rows in tables.items():
        write_csv(directory / name, COLUMNS[name], rows)
    write_campaign(directory, hostname, path, blocks)
    return directory


def draw_run(draw, transport, workload, size_bytes, loss):
    scale = 1.1 if transport == "tcp" else 1.0
    base = scale * (60e3 if workload == "rr" else 25e3) * (1 + size_bytes / 20e3)
    base *= draw.uniform(0.97, 1.03)
    times = []
    for _ in range(SENT):
        time = base * draw.lognormvariate(0, 0.25)
        if draw.random() < loss:
            time = time + 200e6 if transport == "tcp" else math.inf
        times.append(time)
    times.sort()
    arrived = [time for time in times if time < math.inf]
    reordered = round(0.4 * loss * SENT) if transport == "udp" else 0
    return {"times": arrived, "reordered": reordered, "fragments":
            max(1, math.ceil(size_bytes / 32000)) if transport == "udp" else 1,
            "values": {"resp_p50": times[SENT // 2], "resp_p99": times[SENT * 99 // 100],
                       "goodput": len(arrived) * size_bytes * 8.0,
                       "ontime_ratio": sum(time < 50e6 for time in times) / SENT,
                       "loss_ratio": 1 - len(arrived) / SENT}}


def add_run(tables, key, size, size_bytes, run, path):
    values, arrived = run["values"], len(run["times"])
    tables["runs.csv"].append({
        **key, "start_utc_iso": "2026-11-23T13:32:05Z", "msg_size": size,
        "msg_size_bytes": size_bytes, "rate": "2000/s", "rate_msgs_per_s": 2000,
        "arrival": "poisson", "flows": 1, "direction": "up", "path": path, "deadline_ms": 50,
        "sched_count": SENT, "sent_count": SENT, "lost_count": SENT - arrived,
        "rx_unique_count": arrived, "loss_ratio": values["loss_ratio"],
        "reordered_count": run["reordered"], "reordered_ratio": run["reordered"] / SENT,
        "goodput_bps": values["goodput"], "ip_fragments_per_msg": run["fragments"], "valid": 1})
    for p, metric in ((0.5, "resp_p50"), (0.99, "resp_p99"), (0.999, None)):
        tables["quantiles.csv"].append({
            **key, "metric": "resp", "population": "all", "p": p,
            "reportable": int(bool(metric and values[metric])),
            "value_ns": (values[metric] if metric else None) or ""})
    tables["deadlines.csv"].append({
        **key, "deadline_ms": 50, "sched_count": SENT, "ontime_ratio": values["ontime_ratio"],
        "ontime_count": round(values["ontime_ratio"] * SENT)})
    counts = {}
    for time in run["times"]:
        i = bisect.bisect_right(EDGES, time) - 1
        counts[i] = counts.get(i, 0) + 1
    for i in sorted(counts):
        tables["hist.csv"].append({**key, "metric": "resp", "lo_ns": EDGES[i],
                                   "hi_ns": EDGES[i + 1], "count": counts[i]})


def add_comparisons(tables, cell_id, workload, arms, values, blocks):
    """Plausible rows, not statistics: extremes as intervals."""
    names = [f"{transport} {letter}" if arms[0] == arms[1] else transport
             for transport, letter in zip(arms, "ab")]
    for metric, margin in (("resp_p50", math.log(1.05)), ("resp_p99", math.log(1.1)),
                           ("goodput", math.log(1.02)), ("ontime_ratio", 1e-3),
                           ("loss_ratio", 1e-3)):
        a, b = values[metric, "a"], values[metric, "b"]
        if None in a:
            tables["comparisons.csv"].append({
                "campaign_id": "made-up", "cell_id": cell_id, "arm_a": names[0], "arm_b": names[1],
                "dir": "rtt" if workload == "rr" else "up", "metric": metric, "margin": margin,
                "scale": "log_ratio", "blocks_count": 0, "verdict": "no interval",
                "verdict_words": "not known", "stop_reason": "blocks"})
            continue
        ratio = metric in ("resp_p50", "resp_p99", "goodput")
        effects = sorted(math.inf if y == math.inf else y / x - 1 if ratio else y - x
                         for x, y in zip(a, b))
        low, high = effects[0], effects[-1]
        sign = 1 if metric in ("goodput", "ontime_ratio") else -1
        beyond = min(abs(low), abs(high)) > margin and low * high > 0
        winner = names[1 if low * sign > 0 else 0].upper()
        words = "tie" if max(abs(low), abs(high)) < margin else "inconclusive"
        verdict = "no interval" if blocks < 6 else f"{winner} wins" if beyond else words
        tables["comparisons.csv"].append({
            "campaign_id": "made-up", "cell_id": cell_id, "arm_a": names[0], "arm_b": names[1],
            "dir": "rtt" if workload == "rr" else "up", "metric": metric, "p_holm": 0.03125,
            "scale": "log_ratio" if ratio else "diff", "blocks_count": blocks, "margin": margin,
            "a_median": sorted(a)[blocks // 2], "b_median": sorted(b)[blocks // 2],
            "effect": effects[blocks // 2], "win_fraction": 1, "stop_reason": "blocks",
            "ci95_lo": low if blocks >= 6 else "", "ci95_hi": high if blocks >= 6 else "",
            "verdict": verdict, "verdict_words": f"{verdict}, in words",
            "needed_blocks": 11042 if verdict == "inconclusive" else ""})


def write_csv(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_campaign(directory, hostname, path, blocks):
    host = {"kernel": "Linux 6.18.5", "cpu_model": "Example CPU", "cpu_count": 2,
            "hostname": hostname, "tcp_congestion_control": "bbr",
            "sysctl": {"net.core.rmem_max": 212992}}
    (directory / "campaign.json").write_text(json.dumps({
        "schema_version": 1, "tool": {"version": "0.1.0", "revision": "abc1234"},
        "campaign_id": "made-up", "scenario": "quick", "start_utc_iso": "2026-11-23T13:32:00Z",
        "argv": ["netversus", "run", "--path", path], "blocks": blocks, "seed": 42,
        "settings": {"blocks": blocks, "path": path, "server": ""}, "cells": [],
        "environment": {"client": host, "server": host},
        "in_words": ["UDP answers small requests 9 % sooner; both deliver everything.",
                     "Loopback loses nothing: try --path wifi."]}), encoding="utf-8")
