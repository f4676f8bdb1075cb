# SPDX-License-Identifier: MIT
# ctest: timing timeout=120
"""Kernel time stamps (--diag yes): where each message waited. One packet is dropped, by number, and
who waits for it is worked out from when the messages were sent and from nothing else."""

import pytest

from consistency import check_blocks, check_ledger, check_result, close, key_of, name_of
from support import campaign, number, path_obstacle, run

needs_path = pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")

MS = 10 ** 6
DELAY, DRAIN, GAP = 20 * MS, 300 * MS, 5 * MS
# Fewer under way than the first window has room for: each is a segment of its own.
SHORT = ("--workload", "stream", "--diag", "yes", "--arrival", "constant", "--rate", "200/s",
         "--size", "200", "--duration", "1s", "--warmup", "0", "--cooldown", "100ms", "--drain",
         "300ms", "--settle", "1ms", "--blocks", "1", "--no-warmup-round", "--reruns", "0",
         "--seed", "7")
STAMPS = ("t_snd_ns", "t_sch_ns", "t_txk_ns", "t_rxk_ns", "t_rdy_ns", "t_rcv_ns")
PARTS = ("send", "qdisc", "path", "hol", "wake")


def over(*arguments, cwd):
    result = campaign("--transport", "tcp,udp", *SHORT, *arguments, cwd=cwd)
    for row in result.runs:
        check_ledger(row)
        if row["flow"] != "all" or row["flows"] == "1":
            check_parts(result, row)
    check_result(result)
    check_blocks(result)
    return result


def one(result, transport):
    (row,) = result.where(transport=transport, flow="all")
    return row


def messages(result, row):
    """By number, those that arrived: times as integers, None where there is no stamp."""
    return {int(line["seq"]): {name: number(line[name]) for name in (*STAMPS, "t_ack_ns")}
            for line in result.by_key("messages")[key_of(row)] if line["status"] in ("ok", "late")}


def parts_of(message):
    stamps = [message[name] for name in STAMPS]
    return None if None in stamps else [b - a for a, b in zip(stamps, stamps[1:])]


def check_parts(result, row):
    """They sum to the service time of each, and what parts.csv says of them is of these."""
    where = name_of(row)
    rows = messages(result, row).values()
    known = [parts for parts in map(parts_of, rows) if parts]
    for message in rows:
        parts = parts_of(message)
        assert not parts or sum(parts) == message["t_rcv_ns"] - message["t_snd_ns"], where
        assert not parts or min(parts) >= -1000, where
    assert len(known) == int(row["stamped_count"]) > 0.7 * len(rows), where
    assert len(rows) == int(row["rx_unique_count"]), where
    assert (row["parts_wrong_count"], row["diag"]) == ("0", "yes"), where
    assert "diag" in row["flags"] and "parts" not in row["flags"], where
    assert int(row["clock_step_ns"]) <= 1000 or row["valid"] == "0", where
    lines = {line["part"]: line for line in result.by_key("parts")[key_of(row)]}
    assert list(lines) == [*PARTS, "serv"], where
    for name, values in zip(PARTS, zip(*known)):
        assert int(lines[name]["n"]) == len(known)
        assert close(number(lines[name]["mean_ns"]), sum(values) / len(values)), (where, name)
        assert int(lines[name]["max_ns"]) == max(values), (where, name)
    total = sum(number(lines[name]["mean_ns"]) for name in PARTS)
    assert close(total, number(lines["serv"]["mean_ns"])), where


def waits(rows):
    """Of each message, what it waits behind others, by the kernel's stamps."""
    return {seq: message["t_rdy_ns"] - message["t_rxk_ns"] for seq, message in rows.items()
            if message["t_rxk_ns"] is not None}


@needs_path
def test_nobody_waits_where_nothing_is_lost(tmp_path):
    result = over("--path", "delay=20ms", cwd=tmp_path)
    for transport, method in (("tcp", "kernel_lb"), ("udp", "virtual")):
        row = one(result, transport)
        rows = messages(result, row)
        assert set(waits(rows).values()) == {0}
        assert row["hol_method"] == method
        assert {row[f"hol_{what}"] for what in ("blocked_count", "total_ns", "max_ns")} == {"0"}
        for message in rows.values():
            path_ns = (parts_of(message) or [0, 0, DELAY])[2]
            assert path_ns >= DELAY


@needs_path
def test_who_waits_for_one_that_is_lost(tmp_path):
    """The 60th packet, which is message 59, is sent again; until it comes, nobody gets by."""
    result = over("--path", "delay=20ms,up.drop=60", cwd=tmp_path)
    tcp = one(result, "tcp")
    rows = messages(result, tcp)
    lost = rows[59]
    assert lost["t_rxk_ns"] - lost["t_txk_ns"] > 3 * DELAY, "it was not sent again"
    assert int(tcp["stamps_again_count"]) > 0
    waited = waits(rows)
    assert len(waited) == len(rows)
    behind = {seq for seq, wait_ns in waited.items() if wait_ns > 0}
    # Sent after it and there before it. One stamp may stand for two segments, and is then the later.
    sure = {seq for seq, message in rows.items()
            if seq > 59 and message["t_snd_ns"] + DELAY + GAP + MS < lost["t_rxk_ns"]}
    never = {seq for seq, message in rows.items()
             if seq <= 59 or message["t_snd_ns"] + DELAY >= lost["t_rxk_ns"]}
    late = "path_late" in tcp["flags"] or "sched_lag" in tcp["flags"]
    assert not behind & never
    assert late or sure <= behind, sure - behind
    assert len(behind) >= 5
    assert behind == set(range(min(behind), max(behind) + 1)) and min(behind) == 60
    for seq in behind:
        assert rows[seq]["t_rdy_ns"] == lost["t_rxk_ns"]
        assert rows[seq]["t_rcv_ns"] >= lost["t_rcv_ns"]
    blocked = [waited[seq] for seq in behind if waited[seq] > 50000]
    assert int(tcp["hol_blocked_count"]) == len(blocked)
    assert int(tcp["hol_total_ns"]) == sum(blocked)
    assert int(tcp["hol_max_ns"]) == max(blocked)
    assert tcp["hol_episode_count"] == "1"


@needs_path
def test_who_would_wait_for_a_lost_datagram(tmp_path):
    """In order, and with nobody to send it again: all that come until it is given up."""
    result = over("--path", "delay=20ms,up.drop=60", cwd=tmp_path)
    udp = one(result, "udp")
    rows = messages(result, udp)
    assert 59 not in rows and udp["lost_count"] == "1"
    assert set(waits(rows).values()) == {0}, "a datagram waits for nobody"
    given_up = min(message["t_rcv_ns"] for seq, message in rows.items() if seq > 59) + DRAIN
    would = [given_up - message["t_rcv_ns"] for seq, message in rows.items()
             if seq > 59 and message["t_rcv_ns"] < given_up]
    assert len(would) > 40
    blocked = [wait_ns for wait_ns in would if wait_ns > 50000]
    assert udp["hol_method"] == "virtual" and udp["hol_episode_count"] == "1"
    assert int(udp["hol_blocked_count"]) == len(blocked)
    assert int(udp["hol_total_ns"]) == sum(blocked)
    assert int(udp["hol_max_ns"]) == max(blocked) == DRAIN
    (line,) = [line for line in result.by_key("quantiles")[key_of(udp)]
               if line["metric"] == "vhol" and line["p"] == "0.5"]
    assert int(line["n"]) == len(rows)
    assert line["value_ns"] == "0"  # more than half came before it, or after


def test_stamps_come_from_the_far_end(tmp_path):
    """The server sends: its stamps cross the control connection. Sizes differ, which the receiver
    of a stream must find out message by message."""
    result = over("--direction", "down", "--size", "64+3000", cwd=tmp_path)
    for transport in ("tcp", "udp"):
        rows = messages(result, one(result, transport))
        assert len(rows) == 200
        acknowledged = [message for message in rows.values() if message["t_ack_ns"] is not None]
        assert (len(acknowledged) > 100) == (transport == "tcp")
        for message in acknowledged:
            assert message["t_ack_ns"] > message["t_snd_ns"]


def test_both_ways_and_several_flows(tmp_path):
    result = over("--direction", "both", "--flows", "2", cwd=tmp_path)
    assert {row["dir"] for row in result.runs} == {"up", "down"}
    for row in result.where(flow="all"):
        flows = [int(other["stamped_count"]) for other in result.runs if other["flow"] != "all"
                 and (other["run_id"], other["dir"]) == (row["run_id"], row["dir"])]
        assert len(flows) == 2 and sum(flows) == int(row["stamped_count"])


def test_an_ordinary_run_has_none(tmp_path):
    result = campaign("--transport", "tcp", *SHORT, "--diag", "no", "--messages", "1000",
                      cwd=tmp_path)
    row = one(result, "tcp")
    assert row["hol_method"] == "app_ub" and "diag" not in row["flags"]
    assert row["stamped_count"] == row["clock_step_ns"] == ""
    assert not result.file("parts")
    assert {line["t_rxk_ns"] for line in result.file("messages")} == {""}


def test_it_is_never_judged(tmp_path):
    result = campaign("--transport", "tcp,udp", *SHORT, "--duration", "100ms", "--blocks", "6",
                      cwd=tmp_path)
    assert {line["verdict"] for line in result.comparisons} == {"not judged"}
    assert {line["diag"] for line in result.comparisons} == {"yes"}
    assert "wins" not in result.stdout


@pytest.mark.parametrize("arguments, parts", (
    (("--engine", "batch"), ("diag", "batch", "poll")),
    (("--engine", "blocking"), ("diag", "blocking", "poll")),
    (("--workload", "rr"), ("diag", "stream", "rr"))))
def test_what_cannot_be_stamped_is_refused(arguments, parts, tmp_path):
    done = run("run", "--transport", "udp", *SHORT, *arguments, cwd=tmp_path, status=2)
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(part in done.stderr for part in parts)
