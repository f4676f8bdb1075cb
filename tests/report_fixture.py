# SPDX-License-Identifier: MIT
"""Small made-up result directories, in the layout that the program writes."""

import bisect
import csv
import itertools
import json
import math
import random

KEY = ["campaign_id", "run_id", "cell_id", "block", "slot", "arm", "transport", "engine",
       "workload", "flow", "dir"]
COLUMNS = {
    "runs.csv": KEY + [
        "start_utc_iso", "app", "msg_size", "msg_size_bytes", "rate", "rate_msgs_per_s", "arrival",
        "flows", "direction", "path", "deadline_ms", "sched_count", "sent_count", "lost_count",
        "rx_unique_count", "loss_ratio", "reordered_count", "reordered_ratio", "goodput_bps",
        "msg_rate_per_s", "ip_fragments_per_msg", "ontime_ratio", "emu_up_in_count",
        "emu_up_loss_obs_ratio", "emu_up_delay_p50_ns", "emu_up_reordered_count", "emu_up_queue_max_bytes", "valid",
        "flags", "a_column_of_the_future"],
    "quantiles.csv": KEY + ["metric", "population", "p", "value_ns", "reportable"],
    "deadlines.csv": KEY + ["deadline_ms", "ontime_count", "sched_count", "ontime_ratio"],
    "intervals.csv": KEY + ["t_start_s", "t_end_s", "sched_count", "rx_bytes", "resp_max_ns"],
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


def write_result(directory, arms=("tcp", "udp"), workloads=("rr", "stream"), blocks=6, sizes=SIZES,
                 rates=("2000/s",), paths=None, loss=0.0, path="wifi", hostname="lab-a", p99=True,
                 repair_ms=200, hiccups=0.0, apps=None):
    """Every message a draw: TCP repairs a loss after repair_ms, UDP does not. paths: {path: loss},
    else one path. apps: {application: its rate}. p99=False: the sample does not support one. hiccups: share of messages that TCP
    delivers 200 ms late whatever the path does."""
    directory.mkdir(parents=True)
    tables = {name: [] for name in COLUMNS}
    draw = random.Random(7)
    paths = paths or {path: loss}
    cells = [{"id": f"c{i + 1:03}", "workload": workload, "app": app, "size": size, "rate": rate,
              "path": path} for i, (workload, (app, rate), size, path) in
             enumerate(itertools.product(
                 workloads, apps.items() if apps else [("", rate) for rate in rates], sizes, paths))]
    for cell in cells:
        values = {}
        for block in range(1, blocks + 1):
            for slot, (arm, transport) in enumerate(zip("ab", arms), 1):
                key = {"campaign_id": "made-up", "run_id": f"{cell['id']}-{block}-{slot}",
                       "cell_id": cell["id"], "block": block, "slot": slot, "arm": arm,
                       "transport": transport, "engine": "poll", "workload": cell["workload"],
                       "flow": "all", "dir": "rtt" if cell["workload"] == "rr" else "up"}
                cell["bytes"] = sizes[cell["size"]]
                run = draw_run(draw, transport, cell, {"loss": paths[cell["path"]],
                                                       "repair": repair_ms, "hiccups": hiccups})
                if not p99:
                    run["values"]["resp_p99"] = None
                add_run(tables, key, cell, run)
                for metric, value in run["values"].items():
                    values.setdefault((metric, arm), []).append(value)
        if len(arms) == 2:
            add_comparisons(tables, cell["id"], cell["workload"], arms, values, blocks)
    for name, rows in tables.items():
        write_csv(directory / name, COLUMNS[name], rows)
    write_campaign(directory, hostname, path, blocks)
    return directory


def draw_run(draw, transport, cell, network):
    scale = 1.1 if transport == "tcp" else 1.0
    base = scale * (60e3 if cell["workload"] == "rr" else 25e3) * (1 + cell["bytes"] / 20e3)
    base *= draw.uniform(0.97, 1.03)
    times = []
    for _ in range(SENT):
        time = base * draw.lognormvariate(0, 0.25)
        if draw.random() < network["loss"]:
            time = time + network["repair"] * 1e6 if transport == "tcp" else math.inf
        if transport == "tcp" and network["hiccups"] and draw.random() < network["hiccups"]:
            time += 200e6
        times.append(time)
    times.sort()
    arrived = [time for time in times if time < math.inf]
    reordered = round(0.4 * network["loss"] * SENT) if transport == "udp" else 0
    return {"times": arrived, "reordered": reordered, "fragments":
            max(1, math.ceil(cell["bytes"] / 32000)) if transport == "udp" else 1,
            "values": {"resp_p50": times[SENT // 2], "resp_p99": times[SENT * 99 // 100],
                       "goodput": len(arrived) * cell["bytes"] * 8.0,
                       "ontime_ratio": sum(time < 50e6 for time in times) / SENT,
                       "loss_ratio": 1 - len(arrived) / SENT}}


def add_run(tables, key, cell, run):
    values, arrived = run["values"], len(run["times"])
    tables["runs.csv"].append({
        **key, "start_utc_iso": "2026-11-23T13:32:05Z", "app": cell["app"], "msg_size": cell["size"],
        "msg_size_bytes": cell["bytes"], "rate": cell["rate"],
        "rate_msgs_per_s": int(cell["rate"].partition("/")[0]), "ontime_ratio":
        values["ontime_ratio"], "arrival": "poisson", "flows": 1, "direction": "up",
        "path": cell["path"], "deadline_ms": 50, **observed(cell["path"], values["loss_ratio"]),
        "sched_count": SENT, "sent_count": SENT, "lost_count": SENT - arrived,
        "rx_unique_count": arrived, "loss_ratio": values["loss_ratio"],
        "reordered_count": run["reordered"], "reordered_ratio": run["reordered"] / SENT,
        "goodput_bps": values["goodput"], "msg_rate_per_s": arrived,
        "ip_fragments_per_msg": run["fragments"], "valid": 1})
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


def observed(path, loss):
    """What an emulated path counts; 10 packets held back of 2500 that came."""
    names = ("in_count", "loss_obs_ratio", "delay_p50_ns", "reordered_count", "queue_max_bytes")
    values = (2500, loss, 20_100_000, 10, 0) if path != "none" else ("",) * 5
    return {f"emu_up_{name}": value for name, value in zip(names, values)}


OUTAGE = "delay=20ms,outage=0.5s-0.7s"


def write_intervals(directory, size_bytes=64):
    """Of a result over OUTAGE: 10 intervals of 200 messages. Nothing arrives in two of them; TCP
    makes up for it at once after two more."""
    with open(directory / "runs.csv", encoding="utf-8", newline="") as file:
        runs = list(csv.DictReader(file))
    rows = []
    for run in runs:
        for i in range(10):
            lost = i in ((5, 6, 7, 8) if run["transport"] == "tcp" else (5, 6))
            arrived = 0 if lost else 1000 if i == 9 and run["transport"] == "tcp" else 200
            rows.append({**{name: run[name] for name in KEY}, "t_start_s": f"{i / 10:g}",
                         "t_end_s": f"{(i + 1) / 10:g}", "sched_count": 200,
                         "rx_bytes": arrived * size_bytes,
                         "resp_max_ns": "" if lost else 25_000_000 if arrived == 200 else 4e8})
    write_csv(directory / "intervals.csv", COLUMNS["intervals.csv"], rows)


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
