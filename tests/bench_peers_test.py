# SPDX-License-Identifier: MIT
# ctest: release timeout=120
"""bench/peers: what the tools print is read right, ratios and intervals are right, nothing that is
missing or fails goes unsaid. The outputs in data/peers are recorded.

    /usr/bin/python3 tests/bench_peers_test.py

writes the last part of the table in bench/README.md anew, from bench/peers/results.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data" / "peers"
sys.path[:0] = [str(ROOT / "bench" / "peers"), str(ROOT / "bench" / "lib")]

import measure  # noqa: E402
import netversus  # noqa: E402
import pacing  # noqa: E402
import table  # noqa: E402
import tools  # noqa: E402
from cases import Case, cases  # noqa: E402
from pair import cores  # noqa: E402
from support import PROGRAM  # noqa: E402

RUN = ROOT / "bench" / "peers" / "run"
README = ROOT / "bench" / "README.md"
SHOWN = re.compile(r"(?<=^\$ bench/peers/run --from bench/peers/results/peers.csv\n)"
                   r"((?:(?!```).*\n)*)(?=```)", re.MULTILINE)
DEPARTURES = Path(PROGRAM).parent / "bench" / "departures"
TCP = Case("throughput", "tcp", 1024)
UDP = Case("datagrams", "udp", 1400)


def job(case, directory=None):
    return tools.Job(case, 20000, 1, 4 << 20, directory)


def words(name):
    """What the ends of a recorded measurement printed."""
    return [path.read_text("utf-8") if path.exists() else ""
            for path in (DATA / f"{name}.server", DATA / f"{name}.client")]


# ---- what the tools print

# tool, recorded output, case, the Figure that is in it: value, p99, mean, loss
READINGS = [
    (tools.Iperf3, "iperf3-tcp", TCP, (2006908239.90443, None, None, None)),
    (tools.Iperf3, "iperf3-udp", UDP, (219566 / 1.000112, None, None, 1 - 219566 / 219570)),
    (tools.Iperf2, "iperf-tcp", TCP, (3863108522, None, None, None)),
    (tools.Iperf2, "iperf-udp", UDP, (1760851565 / 8 / 1400, None, None, 0)),
    (tools.Iperf2, "iperf-rr", Case("roundtrip", "tcp", 1024), (None, None, 1e6 / 2682, None)),
    (tools.Sockperf, "sockperf-pp", Case("roundtrip", "udp", 64), (25.578, 68.949, 27.606, None)),
    (tools.Sockperf, "sockperf-tp", Case("datagrams", "udp", 1024),
     (148200 / 1.001, None, None, 0)),
    (tools.Nuttcp, "nuttcp-tcp", TCP, (4531.8394e6, None, None, None)),
    (tools.Nuttcp, "nuttcp-udp", UDP, (1690.2547e6 / 8 / 1400, None, None, 0)),
    (tools.Qperf, "qperf-tcp", TCP, (578390016 * 8, None, None, None)),
    (tools.Qperf, "qperf-udp", UDP, (165695, None, None, 1 - 165695 / 167817)),
    (tools.Qperf, "qperf-lat", Case("roundtrip", "tcp", 64), (None, None, 2 * 15.441, None)),
    (tools.Netperf, "netperf-tcp", TCP, (2000.24e6, None, None, None)),
    (tools.Netperf, "netperf-udp", UDP, (753.18e6 / 8 / 1400, None, None, 1 - 67786 / 105427)),
    (tools.Netperf, "netperf-rr", Case("roundtrip", "tcp", 64), (129, 4900, 331.11, None)),
    (tools.Netperf, "netperf-crr", Case("connect", "tcp", 64), (2540.52, None, None, None)),
]


@pytest.mark.parametrize("tool, name, case, expected", READINGS, ids=[row[1] for row in READINGS])
def test_recorded_output(tool, name, case, expected):
    figure = tool("tool").read(job(case), *words(name))
    assert (figure.value, figure.p99, figure.mean, figure.loss) == pytest.approx(expected)


@pytest.mark.parametrize("tool, name, case", [row[:3] for row in READINGS])
def test_output_that_says_nothing(tool, name, case):
    with pytest.raises(tools.ReadError):
        tool("tool").read(job(case), "", "no figure here")


def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_netversus_result(tmp_path):
    (tmp_path / "result").mkdir()
    write_csv(tmp_path / "result" / "runs.csv", [
        {"flow": flow, "goodput_bps": bps, "msg_rate_per_s": 20000, "loss_ratio": "0.25",
         "flags": "steal"} for flow, bps in (("0", 1), ("all", 11200000))])
    write_csv(tmp_path / "result" / "quantiles.csv", [
        {"metric": metric, "population": "delivered", "flow": "all", "p": p, "value_ns": ns}
        for metric, p, ns in (("resp", "0.5", 1), ("serv", "0.5", 48000), ("serv", "0.99", ""))])
    tool = netversus.Netversus("netversus")
    assert tool.read(job(UDP, tmp_path), "", "") == tools.Figure(
        1000, loss=0.25, note="flags steal")
    assert tool.read(job(Case("roundtrip", "udp", 64), tmp_path), "", "") == tools.Figure(
        48, None, 50, note="flags steal")


def test_commands_treat_all_alike():
    """Where a tool can be told, it is told the same size, buffer and rate."""
    for tool in tools.PEERS + netversus.ENGINES:
        for case in (UDP, Case("pacing", "udp", 64, 2, 1000)):
            if case.kind not in tool.kinds:
                continue
            made = job(case, Path("dir"))
            commands = [str(part) for part in tool("x").client(made) + tool("x").server(made)]
            told = " ".join(commands)
            assert str(case.size) in told and ("4194304" in told or "-w4096" in told), told
            assert any(rate in told for rate in ("1000", "512000")) or not case.rate, told


def test_cases_and_their_names():
    one, two = cases((1,), ["stream", "rr"]), cases((1, 2), ["stream", "rr", "crr"])
    assert {case.cores for case in one} == {1}
    assert [case.name for case in two if case.kind == "connect"] == [
        "connect-1core", "connect-2core"]
    assert not any(case.kind == "connect" for case in one)
    for found in (one, two):
        assert len({case.name for case in found}) == len(found)


# ---- statistics

def test_interval_of_the_median():
    """Sign-test coverages, from a table of the binomial distribution."""
    assert [round(table.coverage(n, k), 4) for n, k in ((5, 1), (6, 1), (9, 2), (12, 3))] == [
        0.9375, 0.9688, 0.9609, 0.9614]
    assert [table.interval_rank(n) for n in (1, 5, 6, 8, 9, 11, 12, 15)] == [
        1, 1, 1, 1, 2, 2, 3, 4]


def test_lateness():
    """Every 1000 ns from 5000: the second is 30 late, the last 200; a constant delay is none."""
    assert pacing.lateness([5000, 6030, 7000, 8200], 1000) == [0, 30, 0, 200]
    assert pacing.lateness([5000, 5990, 7000], 1000) == [10, 0, 10]


def test_drift():
    assert pacing.drift_ppm([1010 * k for k in range(1000)], 1000) == pytest.approx(10000)
    assert pacing.drift_ppm([990 * k for k in range(1000)], 1000) == pytest.approx(-10000)


def test_quantile():
    assert [pacing.quantile(list(range(1, 101)), share) for share in (0.5, 0.99)] == [50, 99]
    assert pacing.quantile([7], 0.99) == 7


def test_pacing_figure():
    """1000 a second for 2 s, each second one 0.3 ms late; the first 0.7 s are not looked at."""
    def output(count):
        times = pacing.array.array("Q", (10 ** 9 + k * 10 ** 6 + k % 2 * 300000
                                         for k in range(count)))
        return b"watching\n" + times.tobytes()

    figure = pacing.figure(output(3000), 1000, 2)
    assert (figure.value, figure.p99, figure.mean) == pytest.approx((0, 300, 150))
    assert figure.drift_ppm == pytest.approx(0) and figure.note == ""
    assert pacing.figure(output(1700), 1000, 2).note == "sent 50% of what the rate asks for"
    with pytest.raises(tools.ReadError):
        pacing.figure(output(0), 1000, 2)


def groups():
    return {(group.case.name, group.spin): group
            for group in table.groups(table.load(DATA / "peers.csv"))}


def who(group, tool):
    return next(who for who in group.tools if who.tool == tool)


def test_ratios_of_a_round():
    """netversus by sockperf: 55/50, 60/60, 60/50, 44/40, 45/50; the mean by qperf's: 110/100."""
    group = groups()["roundtrip-udp-64-2core", False]
    ours = who(group, "netversus")
    assert group.best_peer == who(group, "sockperf")
    ratio = group.ratio(ours, group.best_peer)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((1.1, 0.9, 1.2))
    assert group.ratio(ours, who(group, "qperf")).median == pytest.approx(1.1)
    assert table.verdict(group, ours).endswith("even")


def test_best_peer_and_failures():
    """nuttcp failed in the last round; the four that both have remain."""
    group = groups()["throughput-64", False]
    ours, best = who(group, "netversus"), who(group, "nuttcp")
    assert group.best_peer == best and len(group.tools[best].value) == 4
    assert group.tools[best].notes == {"failed: exit status 1: no route"}
    assert table.verdict(group, ours).endswith("WORSE")
    assert group.ratio(ours, best).median == pytest.approx(0.5)


# ---- the program

def program(*arguments, status=0, env=None):
    done = subprocess.run([sys.executable, "-B", RUN, *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, env=env, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_from_a_file(tmp_path):
    shutil.copy(DATA / "peers.csv", tmp_path)
    text = program("--from", tmp_path / "peers.csv").stdout
    assert "an interval of 93.75%" in text
    assert "1.10 [0.900, 1.20]" in text and "0.500 [0.500, 0.500] WORSE" in text
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")
    assert "netversus beside other tools" in (tmp_path / "peers.svg").read_text("utf-8")


def test_file_that_is_none(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert "no measurements" in program("--from", tmp_path / "x.csv", status=1).stderr
    assert "no such" in program("--from", tmp_path / "y.csv", status=1).stderr.lower()


@pytest.mark.parametrize("wrong, says", [
    (["--rounds", 4], "--rounds"), (["--duration", 0], "--duration"),
    (["--iperf3", "/nowhere"], "--iperf3")])
def test_wrong_usage(wrong, says):
    assert says in program(*wrong, status=2).stderr


def test_missing_tools_are_named():
    env = os.environ | {"PATH": "/nowhere"}
    build = Path(PROGRAM).parent
    done = program("--build", build, "--list", env=env)
    for name in ("iperf3", "iperf", "sockperf", "nuttcp", "qperf", "netperf"):
        (line,) = [line for line in done.stderr.splitlines() if f": {name} is not" in line]
        assert line.endswith("left out")
    assert "throughput-64" in done.stdout and "netversus poll" in done.stdout
    asked = program("--build", build, "--list", "--tools", "nuttcp", status=1, env=env)
    assert asked.stderr.count("\n") == 1 and "nuttcp is not on PATH" in asked.stderr
    assert "no tool" in program("--list", "--tools", "pingpong", status=1).stderr
    assert "none of" in program("--build", build, "--list", "--cases", "x", status=1).stderr


# ---- measurements

def bench(seconds=1):
    return measure.Bench(cores(), str(DEPARTURES), seconds, 65536, {"machine": "here"})


def test_tool_that_fails(tmp_path):
    fake = tmp_path / "iperf3"
    fake.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 3\n")
    fake.chmod(0o755)
    row = bench().measure(tools.Iperf3(str(fake)), TCP)
    assert set(row) == set(measure.COLUMNS)
    assert row["value"] == "" and row["note"] == "failed: its server ended at once: no such luck"
    assert row["command_client"].startswith("taskset -c ") and "-l 1024" in row["command_client"]


@pytest.mark.skipif(not shutil.which("iperf3"), reason="iperf3 is not installed")
def test_iperf3_is_measured():
    row = bench().measure(tools.Iperf3(), UDP)
    assert float(row["value"]) > 100 and 0 <= float(row["loss_ratio"]) < 1, row
    assert row["note"] == "" and float(row["cpu_s"]) > 0


def test_netversus_is_measured():
    row = bench().measure(netversus.Netversus(PROGRAM), Case("roundtrip", "udp", 64))
    assert 0 < float(row["mean"]) < 1e6, row
    assert 0 < float(row["value"]) < 1e6
    commands = row["command_server"] + row["command_client"]
    assert f"{ROOT}/" not in commands and " --output result " in commands


def test_the_committed_run_names_no_place_of_its_machine():
    text = (ROOT / "bench" / "peers" / "results" / "peers.csv").read_text(encoding="utf-8")
    assert set(re.findall(r"(?<![\w.])/\w+/", text)) <= {"/usr/"}


WATCH = """
import os, signal, socket, subprocess, sys, time
import namespace, pacing
namespace.prepare("reno")
watcher = subprocess.Popen([sys.argv[1], "9", "100"], stdout=subprocess.PIPE)
assert watcher.stdout.readline() == b"watching\\n"
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
calls = []
for port, size in [(9, 100)] * 50 + [(9, 99), (8, 100)] * 3:
    before = time.clock_gettime_ns(time.CLOCK_REALTIME)
    sender.sendto(bytes(size), ("127.0.0.1", port))
    calls.append((before, time.clock_gettime_ns(time.CLOCK_REALTIME)))
watcher.send_signal(signal.SIGTERM)
times = pacing.stamps(b"watching\\n" + watcher.stdout.read())
assert watcher.wait() == 0 and len(times) == 50, len(times)
outside = [(call, t) for call, t in zip(calls, times) if not call[0] <= t <= call[1]]
assert len(outside) <= 2, outside  # the clock may be set meanwhile
"""


def namespace_command():
    kinds = ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
    command = ["unshare", *kinds]
    works = shutil.which("unshare") and shutil.which("ip") and subprocess.run(
        [*command, "true"], capture_output=True, timeout=20, check=False).returncode == 0
    return command if works else None


@pytest.mark.skipif(not namespace_command(), reason="no network namespaces here")
def test_departures_are_seen():
    """Those of the port and size, with times of the kernel, whoever listens."""
    path = os.pathsep.join(sys.path[:2])
    done = subprocess.run([*namespace_command(), sys.executable, "-B", "-c", WATCH, DEPARTURES],
                          capture_output=True, text=True, timeout=60, check=False,
                          env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr


def test_departures_refuse_nonsense():
    for arguments in ([], ["0", "64"], ["9", "x"], ["9", "70000"]):
        done = subprocess.run([DEPARTURES, *arguments], capture_output=True, text=True, timeout=10,
                              check=False)
        assert done.returncode == 2 and done.stderr.startswith("usage: "), arguments


# ---- what is written about it

def last_part():
    """Of the table of the committed result."""
    found = table.groups(table.load(ROOT / "bench" / "peers" / "results" / "peers.csv"))
    return "\n".join(table.summary([group for group in found if group.best_peer and group.ours]))


def test_the_table_of_the_readme():
    (shown,) = SHOWN.findall(README.read_text(encoding="utf-8"))
    assert shown == last_part() + "\n"


if __name__ == "__main__":
    README.write_text(SHOWN.sub(lambda _: last_part() + "\n", README.read_text(encoding="utf-8")),
                      encoding="utf-8")
