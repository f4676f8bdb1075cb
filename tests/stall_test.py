# SPDX-License-Identifier: MIT
# ctest: timing timeout=300
"""A receiver that stops for 100 ms, in the middle of an open-loop run: everything due meanwhile is
late, by up to 100 ms, and must be seen to be. An instrument that waits with its sends, or counts
from the actual send alone, hides it (coordinated omission)."""

import signal
import time

import pytest

from consistency import check_result
from support import Process, Result, SANITIZED, Serve, number

MS = 1000000
RATE = 1000  # a message each millisecond
WARMUP_S = 0.2
DURATION_S = 1.7 if SANITIZED else 1.4
STALL_AT_S = WARMUP_S + 0.5 + (0.3 if SANITIZED else 0)  # after the start of the program
STALL_S = 0.1
SLACK_MS = 60 if SANITIZED else 30  # for two processes to be woken on a busy machine


def stalled_run(tmp_path, *arguments, rcvbuf="4Mi"):
    """A run whose server stands still for a while; the run's result, and for how many ms."""
    with Serve(cwd=tmp_path) as server:
        with Process("run", "--server", server.address, "--output", "out", "--quiet", "--blocks", "1",
                     "--no-warmup-round", "--reruns", "0", "--warmup", f"{WARMUP_S}s", "--duration",
                     f"{DURATION_S}s", "--rcvbuf", rcvbuf, *arguments, cwd=tmp_path) as client:
            time.sleep(STALL_AT_S)
            start = time.monotonic()
            server.signal(signal.SIGSTOP)
            time.sleep(STALL_S)
            server.signal(signal.SIGCONT)
            stalled_ms = (time.monotonic() - start) * 1000
            status, _, error = client.finish(timeout=30)
    assert status == 0, error
    result = Result(tmp_path / "out")
    check_result(result)
    return result, stalled_ms


def late_counts(result, row, limits_ms):
    """How many responses took at least so long, by the histogram: {limit: count}."""
    lines = [line for line in result.by_key("hist")[row["run_id"], row["flow"], row["dir"]]
             if line["metric"] == "resp"]
    return {limit: sum(int(line["count"]) for line in lines if int(line["lo_ns"]) >= limit * MS)
            for limit in limits_ms}


@pytest.mark.parametrize("transport", ("tcp", "udp"))
@pytest.mark.parametrize("workload", ("rr", "stream"))
@pytest.mark.parametrize("engine", ("poll", "blocking", "uv"))
def test_a_ramp_of_late_messages(transport, workload, engine, tmp_path):
    result, stalled_ms = stalled_run(
        tmp_path, "--transport", transport, "--workload", workload, "--engine", engine, "--arrival",
        "constant", "--rate", f"{RATE}/s", "--messages", "10000")
    row, = result.runs
    assert row["lost_count"] == "0" and row["sched_count"] == row["rx_unique_count"]
    assert row["drop_eagain_count"] == row["unsent_count"] == "0"
    longest_ms = number(row["resp_max_ns"]) / MS
    assert stalled_ms - SLACK_MS <= longest_ms <= stalled_ms + SLACK_MS
    # A ramp: as many are late by x ms or more as were due until x ms before the end.
    for limit, late in late_counts(result, row, (20, 40, 60)).items():
        expected = stalled_ms - limit
        assert expected - SLACK_MS <= late <= expected + SLACK_MS, f"{late} late by {limit} ms"
    assert number(row["resp_p50_ns"]) < 20 * MS
    # The receiver's fault shows in the service times, too, and not in the sender's lateness.
    assert number(row["sched_lag_max_ns"]) / MS < SLACK_MS
    assert number(row["serv_p99_ns"]) / MS > 100 * STALL_S
    check_ramp(result, row, stalled_ms)


def check_ramp(result, row, stalled_ms):
    """One by one: what was due in the stall arrived at its end, the earlier the later."""
    lines = sorted((line for line in result.by_key("messages")[row["run_id"], row["flow"], row["dir"]]),
                   key=lambda line: int(line["seq"]))
    assert len(lines) == number(row["rx_unique_count"])
    due = [int(line["t_int_ns"]) / MS for line in lines]
    came = [int(line["t_rcv_ns"]) / MS for line in lines]
    slowest = max(range(len(lines)), key=lambda i: came[i] - due[i])
    end = came[slowest]
    ramp = [i for i in range(slowest, len(lines)) if due[i] < end]
    assert abs(len(ramp) - stalled_ms) <= SLACK_MS, f"{len(ramp)} messages in {stalled_ms:.0f} ms"
    assert all(-1 <= came[i] - end <= SLACK_MS for i in ramp), "not all came when the stall ended"
    sent_late = sum((int(lines[i]["t_snd_ns"]) / MS - due[i]) > 10 for i in ramp)
    assert sent_late <= len(ramp) / 4, f"{sent_late} sends waited for the receiver"


@pytest.mark.parametrize("engine", ("poll", "blocking", "uv"))
def test_waiting_for_room_is_not_lateness(engine, tmp_path):
    """With small buffers TCP stops the sender: its wait is block_lag, whatever way it waits."""
    result, stalled_ms = stalled_run(
        tmp_path, "--transport", "tcp", "--workload", "stream", "--engine", engine, "--arrival",
        "constant", "--rate", f"{RATE}/s", "--size", "8k", "--sndbuf", "128k", rcvbuf="128k")
    row, = result.runs
    assert row["lost_count"] == "0" and row["unsent_count"] == "0"
    blocked_ms = number(row["block_lag_max_ns"]) / MS
    assert stalled_ms / 2 - SLACK_MS <= blocked_ms <= stalled_ms + SLACK_MS
    assert number(row["sched_lag_max_ns"]) / MS < SLACK_MS


@pytest.mark.parametrize("transport", ("tcp", "udp"))
def test_a_closed_loop_sees_next_to_nothing(transport, tmp_path):
    """The contrast: one request in flight, so one late answer, and then few requests are made."""
    result, stalled_ms = stalled_run(tmp_path, "--transport", transport, "--workload", "rr", "--rate",
                                     "max", "--window", "1")
    row, = result.runs
    assert number(row["resp_max_ns"]) / MS >= stalled_ms - SLACK_MS
    assert 1 <= late_counts(result, row, (50,))[50] <= 3
