# SPDX-License-Identifier: MIT
# ctest: serial release timeout=240
"""The search for what UDP carries: on a link whose capacity can be worked out, where there is none,
where it may not go on, and when it is interrupted."""

import json
import signal

import pytest

from consistency import check_ledger
from faults import adopt_orphans, assert_line, leave_nothing_behind, rows_on_disk, wait_for
from support import SANITIZED, Process, Result, Serve, campaign, number, path_obstacle

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures

needs_path = pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")

SEARCH = ("--workload", "stream", "--rate", "search", "--arrival", "constant", "--warmup", "100ms",
          "--duration", "300ms", "--cooldown", "20ms", "--drain", "400ms", "--settle", "1ms",
          "--blocks", "1", "--no-warmup-round", "--reruns", "0", "--seed", "5")


def trials(result):
    return result.file("capacity")


def check_trials(rows):
    """They are judged by their own counts, and the last one says what was found."""
    for i, row in enumerate(rows):
        where = f"trial {row['trial']}"
        assert int(row["trial"]) == i + 1, where
        assert (row["block"], row["slot"], row["flow"]) == ("", "", "all"), where
        missing = int(row["sched_count"]) - int(row["rx_unique_count"])
        too_many = missing > float(row["loss_target"]) * int(row["sched_count"])
        assert (row["failed_by"] == "loss") == too_many, where
        assert row["passed"] == ("0" if row["failed_by"] else "1"), where
        assert bool(row["outcome"]) == (i == len(rows) - 1), where
    offered = [number(row["offered_msgs_per_s"]) for row in rows]
    assert offered[0] == 1000


def check_found(result):
    """The rate that was found passed a trial twice as long; a little more failed."""
    rows = trials(result)
    check_trials(rows)
    assert rows[-1]["outcome"] == "found"
    found = number(rows[-1]["capacity_msgs_per_s"])
    at = [row for row in rows if number(row["offered_msgs_per_s"]) == found]
    assert any(row["phase"] == "confirm" and row["passed"] == "1" and
               row["duration"] == "1s" for row in at)
    above = {number(row["offered_msgs_per_s"]) for row in rows if row["passed"] == "0"}
    assert any(found < rate <= 1.021 * found for rate in above)
    return found


@needs_path
def test_capacity_of_a_link(tmp_path):
    """200 bytes are 228 in a packet: 5 Mbit/s carry 2741.2 of them a second. The queue is longer
    than what a busy machine sends late; that a backlog grows in it is not taken for capacity."""
    result = campaign(*SEARCH, "--size", "200", "--path", "rate=5Mbit/s,queue=300ms", "--trial",
                      "500ms", "--format", "json", cwd=tmp_path, timeout=120)
    found = check_found(result)
    assert 2741.2 * (0.9 if SANITIZED else 0.97) < found < 2741.2 * 1.03
    for row in result.runs:
        check_ledger(row)
    tcp, udp = (result.where(transport=name)[0] for name in ("tcp", "udp"))
    assert (tcp["rate"], udp["rate"]) == ("max", f"{found:.0f}/s")
    assert 0.9 < number(udp["goodput_bps"]) / (found * 1600) < 1.05
    compared = {line["metric"]: line for line in result.comparisons}
    assert compared["goodput"]["blocks_count"] == "1" and compared["goodput"]["rate"] == "search"
    for metric in ("resp_p50", "resp_p99", "ontime_ratio"):
        assert compared[metric]["blocks_count"] == "0" and compared[metric]["a_median"] == ""
    for document in (result.manifest, json.loads(result.stdout)):
        (entry,) = document["capacity"]
        assert (entry["transport"], entry["arm"], entry["outcome"]) == ("udp", "b", "found")
        assert entry["msgs_per_s"] == found and entry["bps"] == found * 1600
        assert entry["trials"] == len(trials(result)) and entry["loss_target"] == 0.001


@needs_path
def test_no_capacity_where_everything_is_lossy(tmp_path):
    """Halving does not help: it says so, UDP runs at the lowest rate, and nobody wins."""
    result = campaign(*SEARCH, "--size", "200", "--path", "loss=40%", "--trial", "100ms",
                      "--loss-target", "1%", "--transport", "udp,tcp", cwd=tmp_path)
    rows = trials(result)
    check_trials(rows)
    offered = [number(row["offered_msgs_per_s"]) for row in rows]
    assert offered == [1000, 1000, 500, 500, 250, 250, 125, 125, 100, 100]
    assert {row["passed"] for row in rows} == {"0"} and rows[-1]["outcome"] == "none"
    assert "UDP none: more is missing even at 100 msg/s" in result.stdout
    assert "capacity at 1 % loss" in result.stdout and "(RFC 8085)" in result.stdout
    compared = {line["metric"]: line for line in result.comparisons}
    assert compared["goodput"]["blocks_count"] == "0"
    (entry,) = result.manifest["capacity"]
    assert entry["outcome"] == "none" and "msgs_per_s" not in entry


def test_reliable_transports_limit_themselves(tmp_path):
    result = campaign(*SEARCH, "--size", "1k", "--transport", "tcp", "--loss-target", "0,1%",
                      cwd=tmp_path)
    assert {row["rate"] for row in result.runs} == {"max"}
    assert sorted(row["loss_target"] for row in result.runs) == ["0", "0.01"]
    assert not trials(result) and result.manifest["capacity"] == []
    assert "capacity at 0 % loss   TCP goodput " in result.stdout
    assert "response times" not in result.stdout and "RFC 8085" not in result.stdout


def test_limit_of_a_server_is_told(tmp_path):
    with Serve("--max-rate", "4000", cwd=tmp_path) as server:
        result = campaign(*SEARCH, "--transport", "udp", "--trial", "100ms", "--server",
                          server.address, cwd=tmp_path, status=3)
    assert_line(result.stderr, "c001 search udp at ", "at most 4000 messages a second",
                "--max-rate")
    assert trials(result) and not result.runs
    assert max(number(row["offered_msgs_per_s"]) for row in trials(result)) <= 4000


def test_interrupt_keeps_trials(tmp_path):
    with Process("run", *SEARCH, "--trial", "200ms", "--quiet", "--output", "out",
                 cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out", "capacity.csv") >= 2)
        client.signal(signal.SIGINT)
        status, _out, err = client.finish()
    assert status == 130
    assert_line(err, "interrupted")
    result = Result(tmp_path / "out")
    assert len(trials(result)) >= 2 and not result.runs
    assert result.manifest["complete"] is False
