# SPDX-License-Identifier: MIT
"""What is asked for a number: netversus, the bare loops, sockperf; on given cores."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from pair import Pair, cores, fail, pinned, program, rows

WARMUP = "200ms"  # as that of the bare loops
ONCE = ("--blocks", "1", "--no-warmup-round", "--reruns", "0", "--warmup", WARMUP, "--cooldown",
        "0", "--settle", "0")
SOCKPERF_S = 1  # the least it can


def placements():
    """Cores of the server (receiver) and the client (sender), by name."""
    first, second = cores()
    found = {"one core": (first, first)}
    if first != second:
        found["two cores"] = (first, second)
    return found


def floor(build, name, *arguments):
    """Numbers that a bare loop prints."""
    done = subprocess.run([program(build, f"bench/{name}"), *map(str, arguments)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode or not done.stdout:
        fail(done.stderr.partition("\n")[0] or f"{name} failed")
    return [float(value) for value in done.stdout.split(",")]


def floor_round_trip(build, case, way, duration_ms):
    """p50, p99 in ns and the number of round trips."""
    count, p50, p99 = floor(build, "floor_pingpong", case.transport, way,
                            *placements()[case.placement], case.size_bytes, duration_ms)
    return int(p50), int(p99), int(count)


def floor_stream(build, case, way, duration_ms):
    """Messages that arrived, a second; share of those sent that did not."""
    arrived, sent = floor(build, "floor_stream", case.transport, way, *cores(), case.size_bytes,
                          duration_ms)
    return arrived, max(0.0, 1 - arrived / sent)


def netversus(build, at, arguments, file):
    """One run; the rows of this file of its results."""
    with tempfile.TemporaryDirectory() as directory:
        Pair(program(build, "netversus"), *at).run([*ONCE, *map(str, arguments)], directory)
        return rows(directory, file)


def all_flows(found):
    """The row of runs.csv for all flows together."""
    (row,) = [row for row in found if row["flow"] == "all"]
    return row


def netversus_round_trip(build, case, engine, duration_ms, wait="block"):
    """As floor_round_trip(), but text; "" where the sample does not support a quantile."""
    found = netversus(build, placements()[case.placement], [
        "--workload", "rr", "--rate", "max", "--window", "1", "--transport", case.transport,
        "--engine", engine, "--wait", wait, "--size", case.size_bytes, "--duration",
        f"{duration_ms}ms"], "quantiles.csv")
    found = {row["p"]: row for row in found if row["metric"] == "serv" and row["flow"] == "all"
             and row["population"] == "delivered"}
    return (*(found[p]["value_ns"] for p in ("0.5", "0.99")), found["0.5"]["n"])


def netversus_stream(build, case, options, duration_ms):
    """As floor_stream(); options of netversus, for the engine and the like."""
    found = netversus(build, cores(), [
        "--workload", "stream", "--rate", "max", "--transport", case.transport, *options, "--size",
        case.size_bytes, "--duration", f"{duration_ms}ms", "--rcvbuf", "4Mi", "--no-nodelay"],
        "runs.csv")
    row = all_flows(found)
    return float(row["goodput_bps"]) / 8 / case.size_bytes, float(row["loss_ratio"] or 0)


def has_sockperf():
    return shutil.which("sockperf") is not None


def _is_bound(transport, port):
    table = Path(f"/proc/net/{transport}").read_text(encoding="ascii")
    return f":{port:04X} 00000000:0000" in table


def _start_sockperf(case, port, core):
    server = subprocess.Popen(
        ["sockperf", "server", "-i", "127.0.0.1", "-p", str(port),
         *(["--tcp"] if case.transport == "tcp" else [])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pinned(core))
    deadline = time.monotonic() + 5
    while not _is_bound(case.transport, port):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            server.wait()
            fail("the server of sockperf does not listen")
        time.sleep(0.01)
    return server


def sockperf_round_trip(case):
    """As floor_round_trip(), or "" when sockperf knows none; without --full-rtt it would print
    half of it."""
    server_core, client_core = placements()[case.placement]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = _start_sockperf(case, port, server_core)
    try:
        done = subprocess.run(
            ["sockperf", "ping-pong", "--full-rtt", "-i", "127.0.0.1", "-p", str(port), "-m",
             str(case.size_bytes), "-t", str(SOCKPERF_S),
             *(["--tcp"] if case.transport == "tcp" else [])],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            preexec_fn=pinned(client_core))
    finally:
        server.terminate()
        server.wait()
    found = {name: re.search(pattern, done.stdout) for name, pattern in (
        ("p50", r"percentile 50\.0+ = *([\d.]+)"), ("p99", r"percentile 99\.0+ = *([\d.]+)"),
        ("count", r"Total (\d+) observations"))}
    if done.returncode:
        fail(f"sockperf: exit status {done.returncode}")
    if not all(found.values()):
        return "", "", 0
    return (*(round(1000 * float(found[name].group(1))) for name in ("p50", "p99")),
            int(found["count"].group(1)))
