# SPDX-License-Identifier: MIT
"""Whole campaigns over loopback: whatever is asked for, every number of every run must be
consistent with every other one. Short runs, so that sanitizers can afford them."""

import csv
import glob
import io
import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from consistency import check_result
from inference import check_manifest, check_statistics
from support import Process, campaign, has_ipv6, nanoseconds, number

SHORT = ("--duration", "60ms", "--warmup", "10ms", "--cooldown", "5ms", "--drain", "200ms",
         "--settle", "1ms", "--blocks", "1", "--no-warmup-round", "--reruns", "0", "--seed", "11")
BOTH = ("--transport", "tcp,udp")


def check(result, cells, blocks, rows):
    """rows: those of a block of one cell, of both arms together."""
    assert len(result.runs) == cells * blocks * rows
    check_result(result)
    check_statistics(result)
    check_manifest(result, cells, blocks)


def test_six_blocks(tmp_path):
    """Enough blocks for intervals and verdicts, where noise gates leave them; a warm-up round, and
    re-runs as it happens."""
    result = campaign(*BOTH, "--workload", "rr,stream", "--size", "64", "--rate", "2000/s",
                      "--duration", "60ms", "--warmup", "20ms", "--cooldown", "5ms", "--settle",
                      "1ms", "--blocks", "6", cwd=tmp_path)
    check(result, cells=2, blocks=6, rows=2)
    for cell in {row["cell_id"] for row in result.runs}:
        first = [row["arm"] for row in result.where(cell_id=cell, slot="1")]
        assert sorted(first) == ["a"] * 3 + ["b"] * 3, f"{cell}: one arm goes first too often"


# Arguments beyond the short ones; cells; rows that a block of a cell has.
VARIANTS = {
    "down": (("--workload", "stream", "--direction", "down"), 1, 2),
    "both": (("--workload", "stream", "--direction", "both"), 1, 4),
    "flows": (("--workload", "rr,stream", "--flows", "4", "--rate", "500/s"), 2, 10),
    "flows-both": (("--workload", "stream", "--flows", "4", "--direction", "both", "--rate",
                    "500/s"), 1, 20),
    "blocking": (("--workload", "rr,stream", "--engine", "blocking", "--size", "64,8k"), 4, 2),
    "blocking-both": (("--workload", "stream", "--engine", "blocking", "--direction", "both"), 1, 4),
    "blocking-flows": (("--workload", "rr,stream", "--engine", "blocking", "--flows", "3", "--rate",
                        "500/s"), 2, 8),
    "engines": (("--workload", "rr", "--engine", "poll,blocking,batch,uv"), 4, 2),
    "batch": (("--workload", "rr,stream", "--engine", "batch", "--size", "64,8k,64+1k+64"), 6, 2),
    "batch-both": (("--workload", "stream", "--engine", "batch", "--direction", "both", "--flows",
                    "2", "--arrival", "burst", "--burst", "40"), 1, 12),
    "batch-few": (("--workload", "stream", "--engine", "batch", "--batch", "1,3", "--rate", "max"),
                  2, 2),
    "uv": (("--workload", "rr,stream", "--engine", "uv", "--size", "64,8k,64+1k+64"), 6, 2),
    "uv-both": (("--workload", "stream", "--engine", "uv", "--direction", "both", "--flows", "4",
                 "--arrival", "burst", "--burst", "40", "--rate", "500/s"), 1, 20),
    "uv-down": (("--workload", "stream", "--engine", "uv", "--direction", "down", "--warmup",
                 "50ms"), 1, 2),
    "uv-flows": (("--workload", "rr,stream", "--engine", "uv", "--flows", "4", "--rate", "500/s"),
                 2, 10),
    "spin": (("--workload", "rr,stream", "--engine", "poll,blocking,batch,uv", "--wait", "spin",
              "--force"), 8, 2),
    "threads": (("--workload", "rr,stream", "--engine", "poll,batch", "--flows", "5", "--threads",
                 "2", "--rate", "500/s"), 4, 12),
    "max": (("--workload", "rr,stream", "--rate", "max", "--size", "64,8k"), 4, 2),
    "max-window": (("--workload", "rr", "--rate", "max", "--window", "8"), 1, 2),
    "max-down": (("--workload", "stream", "--rate", "max", "--direction", "down"), 1, 2),
    "max-both": (("--workload", "stream", "--rate", "max", "--direction", "both", "--size", "1k"),
                 1, 4),
    "max-batch": (("--workload", "rr,stream", "--rate", "max", "--engine", "batch", "--size",
                   "64,1400", "--nodelay", "no"), 4, 2),
    "max-uv": (("--workload", "rr,stream", "--rate", "max", "--engine", "uv", "--size", "64,8k"),
               4, 2),
    "max-uv-wait": (("--workload", "stream", "--rate", "max", "--engine", "uv", "--direction", "both",
                     "--udp-policy", "wait", "--sndbuf", "4k"), 1, 4),
    "max-blocking": (("--workload", "rr,stream", "--rate", "max", "--engine", "blocking"), 2, 2),
    "max-flows": (("--workload", "rr,stream", "--rate", "max", "--flows", "3"), 2, 8),
    "arrivals": (("--workload", "rr,stream", "--arrival", "poisson,constant,burst"), 6, 2),
    "constant-flows": (("--workload", "stream", "--arrival", "constant", "--flows", "4", "--rate",
                        "333/s"), 1, 10),
    "bursts": (("--workload", "stream", "--arrival", "burst", "--burst", "7,64"), 2, 2),
    "mix": (("--workload", "rr,stream", "--size", "64:3+1k:1,64-1k,40+1472+9000"), 6, 2),
    "bits": (("--workload", "stream", "--size", "1k", "--rate", "16Mbit/s"), 1, 2),
    "large": (("--workload", "rr,stream", "--size", "65507", "--rate", "200/s", "--rcvbuf", "4Mi"),
              2, 2),
    "replies": (("--workload", "rr", "--reply-size", "40,8k"), 2, 2),
    "wait": (("--workload", "stream", "--udp-policy", "wait", "--rate", "max,2000/s"), 2, 2),
    "small-buffers": (("--workload", "rr,stream", "--size", "1k", "--sndbuf", "4k", "--rcvbuf", "4k",
                       "--rate", "20k/s"), 2, 2),
    "overload": (("--workload", "stream", "--arrival", "constant", "--size", "8k", "--rate",
                  "200k/s"), 1, 2),
    "overload-rr": (("--workload", "rr", "--arrival", "constant", "--rate", "200k/s"), 1, 2),
    "options": (("--workload", "rr", "--no-nodelay", "--dscp", "46", "--pace", "sleep,hybrid"),
                2, 2),
}

# What sanitizers would see a second time: for the release build, in campaign_release_test.py.
PLAIN = ("batch-few", "uv-flows", "uv-down", "flows-both", "blocking-both", "engines", "max-down",
           "max-window", "max-flows", "bursts", "constant-flows", "bits", "replies", "options",
           "wait", "mix", "arrivals")
# Those in which threads meet in ways of their own: in threads_test.py.
MEETINGS = ("both", "flows", "blocking-flows", "batch-both", "uv-both", "spin", "threads",
            "max-both", "max-uv-wait", "overload")


def check_variant(name, tmp_path):
    arguments, cells, rows = VARIANTS[name]
    result = campaign(*BOTH, "--rate", "2000/s", *SHORT, *arguments, cwd=tmp_path)
    check(result, cells=cells, blocks=1, rows=rows)
    directions = {row["dir"] for row in result.where(workload="stream")}
    asked = arguments[arguments.index("--direction") + 1] if "--direction" in arguments else "up"
    expected = {"up", "down"} if asked == "both" else {asked}
    assert directions == (expected if result.where(workload="stream") else set())
    if name not in ("small-buffers", "overload", "overload-rr") and "max" not in arguments:
        for row in result.runs:
            assert row["unsent_count"] == "0", f"{row['run_id']}: not all was sent"
            assert row["transport"] == "udp" or row["lost_count"] == "0", row["run_id"]


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in PLAIN + MEETINGS])
def test_variant(name, tmp_path):
    check_variant(name, tmp_path)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback")
def test_ipv6(tmp_path):
    result = campaign(*BOTH, "--workload", "rr,stream", "--engine", "poll,uv", "--rate", "2000/s",
                      "--ipv6", *SHORT, cwd=tmp_path)
    check(result, cells=4, blocks=1, rows=2)


def test_drops_at_the_socket_are_told_unless_datagrams_are_joined(tmp_path):
    """The kernel counts datagrams that it joined, and then drops, as one."""
    result = campaign("--transport", "udp", "--workload", "stream", "--size", "64", "--rate", "max",
                      "--engine", "poll,batch", "--rcvbuf", "4k", *SHORT, cwd=tmp_path)
    check(result, cells=2, blocks=1, rows=1)
    rows = {row["engine"]: row for row in result.runs}
    assert all(int(row["lost_count"]) > 0 for row in rows.values())
    assert int(rows["poll"]["lost_rcvbuf_count"]) > 0
    assert rows["batch"]["lost_rcvbuf_count"] == rows["batch"]["lost_path_count"] == ""


@pytest.mark.parametrize("engine", ["poll", "blocking", "batch", "uv"])
def test_a_short_read_cuts_datagrams_and_splits_the_stream(engine, tmp_path):
    """Of a datagram of 200 B a call that asks for 100 gets the first half, and the rest is gone; of
    a stream the next call gets it."""
    result = campaign("--workload", "stream", "--size", "200", "--rate", "500/s", "--read-size",
                      "100", "--engine", engine, *SHORT, cwd=tmp_path)
    (tcp,) = [row for row in result.runs if row["flow"] == "all" and row["transport"] == "tcp"]
    (udp,) = [row for row in result.runs if row["flow"] == "all" and row["transport"] == "udp"]
    assert tcp["rx_unique_count"] == tcp["sched_count"]
    assert tcp["split_msgs_count"] == tcp["rx_unique_count"]
    assert int(tcp["rx_recv_calls"]) >= 2 * int(tcp["rx_unique_count"])
    assert int(udp["rx_truncated_calls"]) >= int(udp["sent_count"])
    assert (udp["rx_unique_count"], udp["lost_count"]) == ("0", udp["sent_count"])
    assert int(udp["rx_corrupt_count"]) == int(udp["rx_truncated_calls"])


def test_late_acknowledgements_hold_back_small_messages(tmp_path):
    """With Nagle's algorithm a message waits for the acknowledgement of the last one: here as long
    as a receiver may keep it back, 40 ms, in which a hundred gather."""
    result = campaign("--transport", "tcp", "--workload", "stream", "--size", "64", "--rate",
                      "2500/s", "--engine", "poll,blocking,batch,uv", "--nodelay", "yes,no",
                      "--quickack", "no", *SHORT, "--duration", "300ms", cwd=tmp_path)
    rows = [row for row in result.runs if row["flow"] == "all"]
    assert len(rows) == 8
    for row in rows:
        p50_ms = float(row["resp_p50_ns"]) / 1e6
        gathered = int(row["rx_unique_count"]) / int(row["rx_recv_calls"])
        late = row["nodelay"] == "no"
        assert (10 < p50_ms < 45 and gathered > 20) if late else gathered < 5, \
            f"{row['engine']}, nodelay {row['nodelay']}: p50 {p50_ms} ms, {gathered} a call"


def kept_on_one(pid):
    """Processors that a thread of the process, or of a child of it, is kept on alone."""
    kept = Counter()
    for status in map(Path, glob.glob("/proc/[0-9]*/task/[0-9]*/status")):  # Others come and go.
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            child = int(Path(f"/proc/{status.parts[2]}/stat").read_text().rsplit(")", 1)[1]
                        .split()[1]) == pid
        except (OSError, ValueError):
            continue
        allowed = lines["Cpus_allowed_list"].strip()
        if (child or status.parts[2] == str(pid)) and allowed.isdigit():
            kept["far" if child else "near", int(allowed)] += 1
    return kept


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor only")
def test_data_threads_keep_to_their_processors(tmp_path):
    cpus = sorted(os.sched_getaffinity(0))
    first, last = cpus[0], cpus[-1]
    options = ("--workload", "rr", "--blocks", "1", "--no-warmup-round", "--quiet", "--flows", "2",
               "--duration", "3s")
    with Process("run", "--output", "near", *options, "--cpus", f"{last}:{last}+{first}",
                 "--threads", "2", cwd=tmp_path) as one:
        seen = []
        while one.child.poll() is None:
            seen.append(kept_on_one(one.pid))
            time.sleep(0.05)
        assert one.finish()[0] == 0
    assert {("near", last): 2, ("far", first): 1, ("far", last): 1} in seen


def test_calls_carry_many_messages(tmp_path):
    """What is due together goes together, and comes so where the kernel cuts and joins datagrams."""
    result = campaign(*BOTH, "--workload", "stream", "--engine", "poll,batch", "--arrival", "burst",
                      "--burst", "50", "--rate", "20k/s", "--rcvbuf", "4Mi", *SHORT, cwd=tmp_path)
    check(result, cells=2, blocks=1, rows=2)
    for row in result.runs:
        sent, calls = int(row["sent_count"]), int(row["tx_send_calls"])
        if row["engine"] == "batch":  # Warm-up and cool-down are in the calls.
            assert sent >= 10 * calls, row["run_id"]
        else:
            assert sent <= calls, row["run_id"]


@pytest.mark.parametrize("engine", ("poll", "blocking", "batch", "uv"))
def test_verify_and_messages(engine, tmp_path):
    """Content is compared byte by byte; the histograms are those of the messages listed."""
    result = campaign(*BOTH, "--workload", "rr,stream", "--size", "40,40-9k", "--rate", "2000/s",
                      "--verify", "--messages", "10000", "--engine", engine, *SHORT, cwd=tmp_path)
    check(result, cells=4, blocks=1, rows=2)
    assert result.file("messages")


def test_messages_of_flows(tmp_path):
    result = campaign(*BOTH, "--workload", "rr,stream", "--rate", "500/s", "--flows", "3",
                      "--messages", "10000", *SHORT, cwd=tmp_path)
    check(result, cells=2, blocks=1, rows=8)
    assert {line["flow"] for line in result.file("messages")} == {"0", "1", "2"}


def test_trace_with_no_room(tmp_path):
    """A trace that is too short takes nothing away from the totals."""
    result = campaign(*BOTH, "--workload", "rr,stream", "--rate", "2000/s", "--messages", "7", *SHORT,
                      cwd=tmp_path)
    check(result, cells=2, blocks=1, rows=2)
    for row in result.runs:
        assert number(row["rx_unique_count"]) > 7, row["run_id"]
        assert len(result.by_key("messages")[row["run_id"], "all", row["dir"]]) == 7


def fnv1a64(data, value=0xcbf29ce484222325):
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def constant_hash(rate, size, end_ns):
    """FNV-1a of (number, due time, size) of each message, and of that as the one flow's hash."""
    value, k = fnv1a64(b""), 0
    while k * 10 ** 9 // rate < end_ns:
        for field in (k, k * 10 ** 9 // rate, size):
            value = fnv1a64(field.to_bytes(8, "little"), value)
        k += 1
    return fnv1a64(value.to_bytes(8, "little"))


def test_schedule_hash_is_of_the_schedule(tmp_path):
    """An odd rate, so that due times are no whole numbers; the transport is not in it."""
    result = campaign(*BOTH, "--workload", "stream", "--arrival", "constant", "--rate", "1999/s",
                      "--size", "72", *SHORT, cwd=tmp_path)
    row = result.runs[0]
    end_ns = sum(nanoseconds(row[c]) for c in ("warmup", "duration", "cooldown"))
    expected = f"{constant_hash(1999, 72, end_ns):016x}"
    assert [r["sched_hash"] for r in result.runs] == [expected, expected]


@pytest.mark.parametrize("transport", ("tcp", "udp"))
def test_one_transport(transport, tmp_path):
    result = campaign("--transport", transport, "--workload", "rr,stream", "--rate", "2000/s",
                      *SHORT, cwd=tmp_path)
    check(result, cells=2, blocks=1, rows=1)
    assert {row["arm"] for row in result.runs} == {"a"} and not result.comparisons


def test_json_is_all_there_is_on_standard_output(tmp_path):
    result = campaign(*BOTH, "--workload", "rr,stream", "--rate", "2000/s", "--format", "json",
                      *SHORT, cwd=tmp_path)
    printed = json.loads(result.stdout)
    check(result, cells=2, blocks=1, rows=2)
    file = result.manifest
    assert {k: v for k, v in printed.items() if k != "comparisons"} == file
    assert len(printed["comparisons"]) == 2
    for cell in printed["comparisons"]:
        lines = {x["metric"]: x for x in result.comparisons if x["cell_id"] == cell["cell_id"]}
        assert cell["dir"] == lines["goodput"]["dir"] and cell["blocks"] == 1
        for metric, line in lines.items():
            a_median = number(line["a_median"])
            found = cell[metric].get("a_median")
            assert found == a_median or abs(found - a_median) <= 1e-8 * abs(a_median), metric


def test_csv_is_all_there_is_on_standard_output(tmp_path):
    result = campaign(*BOTH, "--workload", "stream", "--direction", "both", "--rate", "2000/s",
                      "--format", "csv", *SHORT, cwd=tmp_path)
    assert list(csv.DictReader(io.StringIO(result.stdout), strict=True)) == result.runs
    check(result, cells=1, blocks=1, rows=4)
