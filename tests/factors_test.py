# SPDX-License-Identifier: MIT
# ctest: timing timeout=300
"""Why an arm did as it did: situations are arranged for real, and the factor that the program names
must be the right one, of the right arm, and no other; its figures are worked out again from
runs.csv. A run that says of itself that the machine was too busy is made again, a few times."""

import re

import pytest

from consistency import check_ledger
from support import Serve, campaign, number, path_obstacle

MS = 10 ** 6
ATTEMPTS = 4
SHORT = ("--transport", "tcp,udp", "--workload", "stream", "--arrival", "constant", "--size", 200,
         "--rate", "1000/s", "--duration", "1s", "--warmup", "500ms", "--cooldown", "0",
         "--drain", "300ms", "--settle", "1ms", "--blocks", "1", "--no-warmup-round",
         "--reruns", "0", "--seed", "11", "--cc", "cubic", "--rcvbuf", "2Mi")
needs_path = pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")

NONE = {"", "none"}


def named(result):
    """{transport: row of factors.csv}, and each as consistent as it must be."""
    rows = {row["transport"]: row for row in result.file("factors")}
    assert len(rows) == len(result.file("factors"))
    for row in rows.values():
        known = row["factor"] not in NONE
        assert known == (row["share"] != "") == (row["evidence"] != "") == (row["advice"] != "")
        if known:
            assert 0.5 <= number(row["share"]) <= 1
            assert set(row["drawn_from"].split()) <= set(result.runs[0])
            assert row["evidence"] in row["why"] and row["advice"] in row["why"]
    return rows


def arranged(tmp_path, expected, *arguments):
    """A campaign in which these factors are named: {transport: factor}, all others none."""
    for attempt in range(ATTEMPTS):
        result = campaign(*SHORT, *arguments, cwd=tmp_path, output=f"out{attempt}")
        for row in result.runs:
            check_ledger(row)
        found = {name: row["factor"] for name, row in named(result).items()}
        if not any(row["flags"] for row in result.runs):
            break
    told = {name: factor for name, factor in found.items() if factor not in NONE}
    assert told == expected, result.stdout
    shown = re.findall(r"^  why: .*(?:\n(?!  why:|  \d|\n|\().*)?", result.stdout, re.MULTILINE)
    assert 1 <= len(shown) <= 2 and len("\n".join(shown).splitlines()) <= 2
    return result


def run_of(result, transport):
    (row,) = result.where(transport=transport, flow="all")
    return row


def count(row, name):
    return int(row[f"{name}_count"])


def assert_share(result, transport, share):
    assert number(named(result)[transport]["share"]) == pytest.approx(share, abs=1e-6)


def test_small_receive_buffer(tmp_path):
    result = arranged(tmp_path, {"udp": "receive_buffer"}, "--transport", "udp", "--arrival",
                      "burst", "--burst", "400", "--rate", "2000/s", "--rcvbuf", "4k")
    udp = run_of(result, "udp")
    assert_share(result, "udp", count(udp, "lost_rcvbuf") / count(udp, "lost"))
    evidence = named(result)["udp"]["evidence"]
    assert evidence.endswith("at the receiver's socket, granted 8 kB")
    assert udp["rcvbuf_granted_bytes"] == "8000"
    assert named(result)["udp"]["advice"] == "raise --rcvbuf"


@needs_path
def test_tiny_send_buffer(tmp_path):
    result = arranged(tmp_path, {"tcp": "send_buffer"}, "--path", "delay=20ms", "--size", "1k",
                      "--sndbuf", "4k")
    tcp = run_of(result, "tcp")
    assert named(result)["tcp"]["evidence"].endswith("granted 8 kB")
    assert tcp["sndbuf_granted_bytes"] == "8000"
    # What is under way in a round trip fills the buffer.
    assert number(tcp["goodput_bps"]) / 8 * 0.04 > 0.3 * 8000


@needs_path
def test_a_message_that_no_send_buffer_holds(tmp_path):
    """The kernel says ENOBUFS, as it does of a full queue: 14 packets do not fit in 16 kB."""
    result = arranged(tmp_path, {"tcp": "send_buffer", "udp": "send_buffer"}, "--path",
                      "delay=5ms", "--size", "20k", "--sndbuf", "4k", "--rate", "100/s")
    udp = run_of(result, "udp")
    assert count(udp, "drop_enobufs") == count(udp, "sched") and udp["ip_fragments_per_msg"] == "14"


def test_receiver_without_a_processor(tmp_path):
    """The server has the lowest priority, on the sender's processor."""
    with Serve(cwd=tmp_path, prefix=("nice", "-n", "19")) as server:
        result = arranged(tmp_path, {"udp": "cpu_receiver"}, "--transport", "udp", "--server",
                          server.address, "--rate", "max", "--size", "1k", "--cpus", "0:0",
                          "--duration", "600ms", "--warmup", "0")
    udp = run_of(result, "udp")
    assert_share(result, "udp", count(udp, "lost_rcvbuf") / count(udp, "lost"))
    busy = 1 - int(udp["rx_idle_ns"]) / (600 * MS)
    working = int(udp["rx_cpu_ns"]) / (600 * MS)
    assert busy >= 0.95
    (told, waited) = re.search(r"receiver (\d+) % busy \((\d+) % without",
                               named(result)["udp"]["evidence"]).groups()
    assert int(told) == round(100 * busy)
    assert int(waited) == pytest.approx(100 * (busy - working), abs=0.6)


@needs_path
def test_path_loss(tmp_path):
    result = arranged(tmp_path, {"tcp": "path_loss", "udp": "path_loss"}, "--path",
                      "delay=20ms,loss=2%")
    tcp, udp = run_of(result, "tcp"), run_of(result, "udp")
    assert_share(result, "udp", count(udp, "lost_path") / count(udp, "lost"))
    observed = 100 * count(udp, "emu_up_drop_loss") / count(udp, "emu_up_in")
    assert f"which lost {observed:.1f} % of packets" in named(result)["udp"]["evidence"]
    needed = int(tcp["tcp_retrans_segs"]) - int(tcp["tcp_dsack_dups"])
    again = 100 * needed / int(tcp["tcp_data_segs_out"])
    assert f"{again:.1f} % of segments sent again" in named(result)["tcp"]["evidence"]


@needs_path
def test_fragmentation(tmp_path):
    result = arranged(tmp_path, {"udp": "fragmentation"}, "--transport", "udp", "--path",
                      "delay=5ms,loss=2%", "--size", "8k", "--rate", "300/s", "--duration", "2s")
    udp = run_of(result, "udp")
    p = count(udp, "emu_up_drop_loss") / count(udp, "emu_up_in")
    assert udp["ip_fragments_per_msg"] == "6"
    law = 1 - (1 - p) ** 6
    assert re.search(rf"6 packets a message: 1-\(1-{100 * p:.2g} %\)\^6 = ",
                     named(result)["udp"]["evidence"])
    assert number(udp["loss_ratio"]) == pytest.approx(law, rel=0.25)


@needs_path
def test_nagle(tmp_path):
    result = arranged(tmp_path, {"tcp": "nagle"}, "--path", "delay=10ms", "--workload", "rr",
                      "--nodelay", "no")
    tcp = run_of(result, "tcp")
    segments = 100 * int(tcp["tcp_data_segs_out"]) / count(tcp, "sent")
    assert f"{segments:.0f} segments for 100 messages" in named(result)["tcp"]["evidence"]


def test_delayed_acknowledgements(tmp_path):
    result = arranged(tmp_path, {"tcp": "delayed_ack"}, "--nodelay", "no", "--quickack", "no")
    tcp = run_of(result, "tcp")
    waited = number(named(result)["tcp"]["wait_mean_ns"])
    assert 8 * MS < waited < 45 * MS  # up to the 40 ms of a late acknowledgement
    assert int(tcp["tcp_min_rtt_us"]) < 8000


@needs_path
def test_full_queue(tmp_path):
    result = arranged(tmp_path, {"tcp": "queue", "udp": "queue"}, "--path",
                      "up.rate=1Mbit/s,delay=5ms,up.queue=20k", "--size", "1k", "--rate", "200/s")
    udp = run_of(result, "udp")
    assert count(udp, "emu_up_drop_queue") > 0 == count(udp, "emu_up_drop_loss")
    assert_share(result, "udp", count(udp, "lost_path") / count(udp, "lost"))
    most = int(udp["emu_up_queue_max_bytes"])
    assert f"{most / 1000:.0f} kB at most" in named(result)["udp"]["evidence"]


@needs_path
def test_reordering(tmp_path):
    result = arranged(tmp_path, {"tcp": "reordering", "udp": "reordering"}, "--path",
                      "delay=20ms,reorder=5%,reorder-delay=30ms")
    tcp, udp = run_of(result, "tcp"), run_of(result, "udp")
    assert f"{tcp['tcp_rcv_ooo_pkts']} out of order" in named(result)["tcp"]["evidence"]
    assert named(result)["udp"]["subject"] == "order"
    assert number(udp["reordered_ratio"]) > 0.02 and udp["lost_count"] == tcp["lost_count"] == "0"


@needs_path
def test_cold_connection(tmp_path):
    result = arranged(tmp_path, {"tcp": "slow_start"}, "--path", "delay=40ms", "--warmup", "0",
                      "--duration", "1500ms")
    tcp = run_of(result, "tcp")
    first = re.search(r"in the first (\d+) ms", named(result)["tcp"]["evidence"]).group(1)
    assert int(first) == pytest.approx(10 * int(tcp["tcp_min_rtt_us"]) / 1000, abs=1)
    lines = [line for line in result.file("intervals") if line["run_id"] == tcp["run_id"]
             and line["flow"] == "all"]
    slow = [int(line["resp_p50_ns"]) for line in lines if line["resp_p50_ns"]]
    assert max(slow[:8]) > 60 * MS > sorted(slow)[len(slow) // 2]


@needs_path
def test_outage(tmp_path):
    result = arranged(tmp_path, {"tcp": "outage", "udp": "outage"}, "--path",
                      "delay=10ms,outage=0.5s-0.9s", "--warmup", "0", "--duration", "1500ms")
    udp = run_of(result, "udp")
    assert count(udp, "emu_up_drop_outage") == count(udp, "lost_path")
    assert f"{udp['loss_burst_max_msgs']} messages in a row" in named(result)["udp"]["evidence"]


@needs_path
def test_nothing_wrong_on_a_path(tmp_path):
    result = arranged(tmp_path, {}, "--path", "delay=10ms")
    assert {row["factor"] for row in named(result).values()} == {"none"}
    assert "  why: nothing stands out\n" in result.stdout


def test_nothing_wrong(tmp_path):
    result = arranged(tmp_path, {}, "--workload", "rr", "--rate", "200/s")
    assert {row["factor"] for row in named(result).values()} == {"none"}
    assert "  why: nothing stands out\n" in result.stdout
    assert number(run_of(result, "udp")["lost_count"]) == 0
