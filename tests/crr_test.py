# SPDX-License-Identifier: MIT
# ctest: timing
"""A socket for each message: every call of both ends, what it took, and how it failed."""

import shutil
import subprocess

import pytest

from consistency import check_result
from support import campaign, number, run

SHORT = ("--duration", "200ms", "--warmup", "30ms", "--cooldown", "5ms", "--drain", "300ms",
         "--settle", "1ms", "--blocks", "1", "--no-warmup-round", "--reruns", "0", "--seed", "7")
CRR = ("--workload", "crr", "--size", "64", *SHORT)
CALLS = {"tcp": {"client": ["socket", "setsockopt", "connect", "send", "recv", "close"],
                 "server": ["accept", "setsockopt", "recv", "send", "recv", "close"]},
         "udp": {"client": ["socket", "setsockopt", "sendto", "recvfrom", "close"],
                 "server": ["recvfrom", "sendto"]}}
NAMESPACE = ("unshare", "--net", "--user", "--map-root-user")


def calls_of(result, transport, end):
    """{call: row} of the flows together."""
    return {row["call"]: row for row in result.file("calls")
            if (row["transport"], row["end"], row["flow"]) == (transport, end, "all")}


def total(row):
    return int(row["call_count"])


@pytest.mark.parametrize("engine", ["blocking", "poll"])
@pytest.mark.parametrize("rate", ["500/s", "max"])
def test_every_message_has_a_socket_of_its_own(engine, rate, tmp_path):
    result = campaign(*CRR, "--transport", "tcp,udp", "--engine", engine, "--rate", rate,
                      "--flows", "2", cwd=tmp_path)
    check_result(result)
    for transport in ("tcp", "udp"):
        (row,) = [row for row in result.runs
                  if (row["transport"], row["flow"]) == (transport, "all")]
        assert row["dir"] == "rtt" and int(row["rx_unique_count"]) == int(row["sent_count"]) > 20
        client = calls_of(result, transport, "client")
        server = calls_of(result, transport, "server")
        sockets = total(client["socket"])
        assert sockets >= int(row["sent_count"])
        assert total(client["close"]) == sockets
        at_once = int(row["server_sockets_max_count"])
        if transport == "tcp":
            assert at_once == 2 if engine == "blocking" else at_once >= 2
            assert total(client["connect"]) == total(client["send"]) == sockets
            assert total(server["accept"]) == total(server["close"]) == sockets
            assert total(server["send"]) == sockets
            assert total(server["listen"]) == 1 == total(server["bind"]) == total(server["socket"])
            errors = client["connect"]["errors"]
            assert errors == ("" if engine == "blocking" else f"EINPROGRESS:{sockets}")
        else:
            assert at_once == 1
            assert "connect" not in client and "accept" not in server
            assert total(client["sendto"]) == total(server["sendto"]) == sockets
        # Of those answered; it holds the handshake, and is within the time of the message.
        first = client["first_byte"]
        assert int(row["rx_unique_count"]) <= total(first) <= sockets
        if transport == "tcp":
            assert int(first["mean_ns"].split(".")[0]) > number(client["handshake"]["mean_ns"])
        # What the calls took is within what the messages took, warm-up and cool-down included.
        parts = [row for row in client.values() if row["kind"] != "span"]
        assert sum(int(row["total_ns"]) for row in parts) / sockets < 1e8


def test_a_connected_datagram_socket_is_told_of_a_refusal(tmp_path):
    """connect sends nothing on UDP, so that it fails for nobody; send and recv do the talking."""
    result = campaign(*CRR, "--transport", "udp", "--engine", "blocking", "--rate", "300/s",
                      "--udp-connect", "yes", cwd=tmp_path)
    client = calls_of(result, "udp", "client")
    assert {"connect", "send", "recv"} <= set(client) and "sendto" not in client
    assert client["connect"]["error_count"] == "0"


@pytest.mark.parametrize("arguments, complaint", [
    (("--engine", "batch"), "engine: batch opens no sockets while it runs; crr goes with"),
    (("--engine", "uv"), "engine: uv opens no sockets"),
    (("--direction", "down"), "direction: crr goes both ways already"),
    (("--size", "70000", "--transport", "tcp"), "size: a message of crr has at most 65507 bytes"),
    (("--rate", "search"), "rate: search is for messages one way"),
])
def test_what_does_not_go_is_said(arguments, complaint, tmp_path):
    done = run("run", "--workload", "crr", *arguments, cwd=tmp_path, status=2)
    assert complaint in done.stderr and done.stderr.count("\n") == 1


def namespaces():
    return shutil.which("unshare") and subprocess.run(
        [*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not namespaces(), reason="no network namespaces here")
@pytest.mark.parametrize("rate", ["300/s", "max"])
def test_ports_that_run_out_are_foreseen_and_counted(rate, tmp_path):
    """Eleven ports, each taken for a minute: twelve connections are one too many."""
    prefix = (*NAMESPACE, "sh", "-c",
              "ip link set lo up && sysctl -qw net.ipv4.ip_local_port_range='50000 50010' "
              'net.ipv4.tcp_tw_reuse=0 && exec "$@"', "-")
    result = campaign(*CRR, "--transport", "tcp", "--engine", "blocking", "--rate", rate,
                      "--warmup", "0", cwd=tmp_path, prefix=prefix)
    assert result.stderr.count("11 ports of net.ipv4.ip_local_port_range") == 1
    assert "EADDRNOTAVAIL" in result.stderr
    assert ("connections within 60 s" in result.stderr) == (rate != "max")
    (row,) = [row for row in result.runs if row["flow"] == "all"]
    connect = calls_of(result, "tcp", "client")["connect"]
    errors = dict(part.split(":") for part in connect["errors"].split(";"))
    assert set(errors) == {"EADDRNOTAVAIL"}
    assert total(connect) - int(errors["EADDRNOTAVAIL"]) < 11
    assert 0 < int(row["err_other_count"]) <= int(errors["EADDRNOTAVAIL"])
    assert number(row["ontime_ratio"]) < 1


@pytest.mark.skipif(not namespaces(), reason="no network namespaces here")
@pytest.mark.parametrize("ports, foreseen", [(190, True), (400, False)])
def test_runs_of_a_campaign_share_the_ports(ports, foreseen, tmp_path):
    """Four runs of 50 connections, all to one port of the server."""
    prefix = (*NAMESPACE, "sh", "-c",
              f"ip link set lo up && sysctl -qw net.ipv4.ip_local_port_range='50000 {49999 + ports}' "
              'net.ipv4.tcp_tw_reuse=0 && exec "$@"', "-")
    result = campaign(*CRR, "--transport", "tcp", "--engine", "blocking", "--rate", "100/s",
                      "--duration", "500ms", "--warmup", "0", "--cooldown", "0", "--blocks", "4",
                      cwd=tmp_path, prefix=prefix)
    assert ("200 connections within 60 s" in result.stderr) == foreseen, result.stderr


# Every flow wants its exchanges while nobody accepts; TCP sends a first packet again after a second.
STALLED = ("--workload", "crr", "--size", "64", *SHORT, "--engine", "poll", "--flows", "8", "--rate",
           "100/s", "--duration", "600ms", "--drain", "2500ms")
INITIAL_RTO_NS = 10 ** 9  # RFC 6298


def test_a_full_backlog_costs_a_connection_a_second(tmp_path):
    result = campaign(*STALLED, "--transport", "tcp", "--backlog", "2", "--stall", "200ms",
                      cwd=tmp_path)
    check_result(result)
    (row,) = [row for row in result.runs if row["flow"] == "all"]
    assert 0 < int(row["listen_overflow_count"]) <= int(row["listen_drop_count"])
    assert int(row["listen_overflow_count"]) > 20
    handshake = calls_of(result, "tcp", "client")["handshake"]
    assert 0.9 * INITIAL_RTO_NS < int(handshake["max_ns"]) < 3 * INITIAL_RTO_NS
    assert int(handshake["p50_ns"]) < 0.1 * INITIAL_RTO_NS
    # What it is not: datagrams without room.
    assert row["lost_rcvbuf_count"] in ("", "0")


def test_a_backlog_that_is_emptied_costs_nothing(tmp_path):
    """The same but for the stall, and with room for everybody."""
    result = campaign(*STALLED, "--transport", "tcp", cwd=tmp_path)
    check_result(result)
    (row,) = [row for row in result.runs if row["flow"] == "all"]
    assert row["listen_overflow_count"] == row["listen_drop_count"] == row["lost_count"] == "0"
    handshake = calls_of(result, "tcp", "client")["handshake"]
    assert int(handshake["max_ns"]) < 0.9 * INITIAL_RTO_NS


@pytest.mark.parametrize("rcvbuf", ["1M", "4k"])
def test_datagrams_wait_in_the_one_socket_or_are_lost_there(rcvbuf, tmp_path):
    result = campaign(*STALLED, "--transport", "udp", "--backlog", "2", "--stall", "200ms",
                      "--rcvbuf", rcvbuf, cwd=tmp_path)
    check_result(result)
    (row,) = [row for row in result.runs if row["flow"] == "all"]
    assert row["listen_overflow_count"] == row["listen_drop_count"] == ""
    assert "handshake" not in calls_of(result, "udp", "client")
    lost, dropped = int(row["lost_count"]), int(row["lost_rcvbuf_count"])
    if rcvbuf == "4k":
        assert lost >= dropped > 20
    else:
        assert lost == dropped == 0
        assert 150e6 < number(row["resp_max_ns"]) < 0.9 * INITIAL_RTO_NS
