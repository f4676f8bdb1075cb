# SPDX-License-Identifier: MIT
"""The tools: how each is started at both ends, and where in its words the receiver's figure is.

A tool is one class and one row of TOOLS. What none of them has is left empty, never 0.
"""

import csv
import json
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cases import Case

HOST = "127.0.0.1"
PACING_LEAD_S = 1  # runs of a pacing case are so much longer than what is looked at


class ReadError(Exception):
    """A tool did not say what was looked for."""


@dataclass(frozen=True)
class Job:
    """One measurement, as the tools see it."""

    case: Case
    port: int  # this and the next are free
    seconds: int
    buffer_bytes: int  # to ask for in UDP cases, by those that can
    directory: Path  # of this measurement alone

    @property
    def span(self):
        return self.seconds + (PACING_LEAD_S if self.case.kind == "pacing" else 0)


@dataclass(frozen=True)
class Figure:
    """value: in the unit of the case's kind; None where a tool tells a mean alone."""

    value: float = None
    p99: float = None
    mean: float = None
    loss: float = None
    drift_ppm: float = None
    note: str = ""


def found(pattern, text):
    """The groups of the last match, as numbers."""
    matches = re.findall(pattern, text, re.MULTILINE)
    if not matches:
        raise ReadError(f"nothing in its output is like {pattern}")
    last = matches[-1]
    return [float(group) for group in (last if isinstance(last, tuple) else (last,))]


def lost(arrived, sent):
    return max(0.0, 1 - arrived / sent) if sent else None


class Tool:
    """What most have in common. kinds: of cases, each with the transports it can do them over."""

    name = ""
    engine = ""
    wait = "block"
    kinds = {}
    version_of = ("--version",)
    stop = signal.SIGTERM

    def __init__(self, program=None):
        self.program = program or shutil.which(self.name)

    @property
    def label(self):
        return " ".join(part for part in (self.name, self.engine, self.wait) if part
                        and part != "block")

    def version(self):
        """Of the program, or "" when it does not say."""
        done = subprocess.run([self.program, *self.version_of], capture_output=True, text=True,
                              timeout=10, check=False)
        match = re.search(r"\d+\.\d+[\w.]*", done.stdout + done.stderr)
        return match.group() if match else ""

    def can(self, case):
        return case.transport in self.kinds.get(case.kind, ())

    def listens(self, job):
        """What is open when the server is ready."""
        return "tcp", job.port

    def data_port(self, job):
        """Where the datagrams of a pacing case go."""
        return job.port

    def server(self, job):
        raise NotImplementedError

    def client(self, job):
        raise NotImplementedError

    def read(self, job, server, client):
        """The Figure, from what both ends printed. Not asked in pacing cases."""
        raise NotImplementedError


class Iperf3(Tool):
    name = "iperf3"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "pacing": ("udp",)}
    extra = ()

    def server(self, job):
        return [self.program, "-s", "-1", "-4", "-p", job.port, "-J"]

    def client(self, job):
        case = job.case
        command = [self.program, "-c", HOST, "-p", job.port, "-t", job.span, "-l", case.size, "-J"]
        if case.transport == "udp":
            command += ["-u", "-b", case.rate * case.size * 8, "-w", job.buffer_bytes]
        return command + list(self.extra)

    def read(self, job, server, client):
        try:
            here, there = json.loads(client)["end"], json.loads(server)["end"]["sum_received"]
        except (ValueError, KeyError) as error:
            raise ReadError(f"no JSON with the receiver's sum: {error}") from error
        if job.case.transport == "tcp":
            return Figure(there["bits_per_second"])
        arrived = there["bytes"] / job.case.size
        return Figure(arrived / there["seconds"], loss=lost(arrived, here["sum_sent"]["packets"]))


class Iperf3Timer(Iperf3):
    engine = "pacing-timer"
    kinds = {"pacing": ("udp",)}
    extra = ("--pacing-timer", 1)


class Iperf3Gsro(Iperf3):
    """Newer ones let the kernel cut and put together datagrams."""

    engine = "gsro"
    kinds = {"datagrams": ("udp",)}
    extra = ("--gsro",)

    def can(self, case):
        if not super().can(case):
            return False
        done = subprocess.run([self.program, "--help"], capture_output=True, text=True, timeout=10,
                              check=False)
        return "--gsro" in done.stdout + done.stderr


class Iperf2(Tool):
    name = "iperf"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "roundtrip": ("tcp",),
             "pacing": ("udp",)}
    UNLIMITED = "1000g"

    def listens(self, job):
        return job.case.transport, job.port

    def server(self, job):
        command = [self.program, "-s", "-p", job.port, "-y", "C"]
        if job.case.transport == "udp":
            command += ["-u", "-l", job.case.size, "-w", job.buffer_bytes]
        return command

    def client(self, job):
        case = job.case
        command = [self.program, "-c", HOST, "-p", job.port, "-t", job.span, "-l", case.size]
        if case.kind == "roundtrip":
            return command + ["-e", "--bounceback=1", "--bounceback-period", "0",
                              "--bounceback-no-quickack"]
        if case.transport == "udp":
            command += ["-u", "-w", job.buffer_bytes, "-b",
                        f"{case.rate}pps" if case.rate else self.UNLIMITED]
        return command + ["-y", "C"]

    def read(self, job, server, client):
        if job.case.kind == "roundtrip":
            (per_second,) = found(r"(\d+) rps$", client)
            return Figure(mean=1e6 / per_second)
        rows = [row for row in csv.reader(server.splitlines()) if len(row) >= 9]
        if not rows:
            raise ReadError("the server reported nothing")
        bits_per_s = float(rows[-1][8])
        if job.case.transport == "tcp":
            return Figure(bits_per_s)
        missing, total = float(rows[-1][10]), float(rows[-1][11])
        return Figure(bits_per_s / 8 / job.case.size, loss=missing / total if total > 0 else None)


class Sockperf(Tool):
    name = "sockperf"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "roundtrip": ("tcp", "udp"),
             "pacing": ("udp",)}
    stop = signal.SIGINT  # says then what it received
    SIZE_MAX = 65506
    MODES = {"roundtrip": "ping-pong", "pacing": "under-load"}

    def can(self, case):
        return super().can(case) and case.size <= self.SIZE_MAX

    def listens(self, job):
        return job.case.transport, job.port

    def both(self, job):
        options = ["-i", HOST, "-p", job.port]
        if job.case.transport == "tcp":
            return options + ["--tcp"]
        return options + ["--buffer-size", job.buffer_bytes]

    def server(self, job):
        return [self.program, "server", *self.both(job)]

    def client(self, job):
        case = job.case
        command = [self.program, self.MODES.get(case.kind, "throughput"), *self.both(job),
                   "-t", job.span, "-m", case.size]
        if case.kind == "roundtrip":
            command.append("--full-rtt")
        if case.kind == "pacing":
            command += ["--mps", case.rate, "--reply-every", case.rate]
        return command

    def read(self, job, server, client):
        if job.case.kind == "roundtrip":
            return Figure(*(found(rf"percentile {p} = +([\d.]+)", client)[0]
                            for p in ("50.000", "99.000")), found(r"avg-rtt=([\d.]+)", client)[0])
        sent, seconds = found(r"Total of (\d+) messages sent in ([\d.]+) sec", client)
        (arrived,) = found(r"Total (\d+) messages received", server)
        if job.case.transport == "tcp":
            return Figure(arrived * job.case.size * 8 / seconds)
        return Figure(arrived / seconds, loss=lost(arrived, sent))


class SockperfSpin(Sockperf):
    wait = "spin"
    kinds = {"roundtrip": ("tcp", "udp")}

    def can(self, case):
        return super().can(case) and case.cores > 1

    def both(self, job):
        return super().both(job) + ["--nonblocked"]


class Nuttcp(Tool):
    name = "nuttcp"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "pacing": ("udp",)}
    version_of = ("-V",)

    def data_port(self, job):
        return job.port + 1

    def server(self, job):
        return [self.program, "-1", "--nofork", "-P", job.port, "-p", job.port + 1]

    def client(self, job):
        case = job.case
        command = [self.program, "-fparse", "-P", job.port, "-p", job.port + 1, "-T", job.span,
                   f"-l{case.size}"]
        if case.transport == "udp":
            command += ["-u", f"-R{case.rate}p" if case.rate else "-Ru",
                        f"-w{job.buffer_bytes // 1024}"]
        return command + [HOST]

    def read(self, job, server, client):
        (mbit_per_s,) = found(r"rate_Mbps=([\d.]+)", client)
        if job.case.transport == "tcp":
            return Figure(mbit_per_s * 1e6)
        dropped, packets = found(r"drop=(\d+) pkt=(\d+)", client)
        return Figure(mbit_per_s * 1e6 / 8 / job.case.size, loss=lost(packets - dropped, packets))


class Qperf(Tool):
    name = "qperf"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "roundtrip": ("tcp", "udp")}
    TESTS = {"throughput": "tcp_bw", "datagrams": "udp_bw"}

    def server(self, job):
        return [self.program, "-lp", job.port]

    def client(self, job):
        case = job.case
        command = [self.program, HOST, "-lp", job.port, "-ip", job.port + 1, "-t", job.span,
                   "-m", case.size, "-uu", "-vv"]
        if case.transport == "udp":
            command += ["-sb", job.buffer_bytes]
        return command + [self.TESTS.get(case.kind, f"{case.transport}_lat")]

    def read(self, job, server, client):
        if job.case.kind == "roundtrip":
            (one_way_ns,) = found(r"latency += +(\d+) ns", client)
            return Figure(mean=2 * one_way_ns / 1000)
        if job.case.transport == "tcp":
            (bytes_per_s,) = found(r"\bbw += +(\d+) bytes/sec", client)
            return Figure(bytes_per_s * 8)
        sent, arrived = (found(rf"{end}_msgs += +(\d+)", client)[0] for end in ("send", "recv"))
        (bytes_per_s,) = found(r"recv_bw += +(\d+) bytes/sec", client)
        return Figure(bytes_per_s / job.case.size, loss=lost(arrived, sent))


class Netperf(Tool):
    name = "netperf"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "roundtrip": ("tcp", "udp"),
             "connect": ("tcp",)}
    version_of = ("-V",)
    TESTS = {"throughput": "STREAM", "datagrams": "STREAM", "roundtrip": "RR", "connect": "CRR"}
    KEYS = "THROUGHPUT,REMOTE_RECV_CALLS,LOCAL_SEND_CALLS,P50_LATENCY,P99_LATENCY,MEAN_LATENCY"

    def server(self, job):
        return [shutil.which("netserver") or "netserver", "-D", "-4", "-L", HOST, "-p", job.port]

    def client(self, job):
        case = job.case
        command = [self.program, "-H", HOST, "-4", "-p", job.port, "-l", job.span, "-P", "0", "-t",
                   f"{case.transport.upper()}_{self.TESTS[case.kind]}", "--", "-k", self.KEYS]
        if case.kind in ("roundtrip", "connect"):
            command += ["-r", f"{case.size},{case.size}"]
        else:
            command += ["-m", case.size]
        if case.kind == "roundtrip" and case.transport == "tcp":
            command.append("-D")
        if case.transport == "udp":
            command += ["-s", job.buffer_bytes, "-S", job.buffer_bytes]
        return command

    def read(self, job, server, client):
        def value(key):
            return found(rf"^{key}=([\d.]+)$", client)[0]

        if job.case.kind == "roundtrip":
            return Figure(value("P50_LATENCY"), value("P99_LATENCY"), value("MEAN_LATENCY"))
        if job.case.kind == "connect":
            return Figure(value("THROUGHPUT"))
        if job.case.transport == "tcp":
            return Figure(value("THROUGHPUT") * 1e6)
        return Figure(value("THROUGHPUT") * 1e6 / 8 / job.case.size,
                      loss=lost(value("REMOTE_RECV_CALLS"), value("LOCAL_SEND_CALLS")))


PEERS = (Iperf3, Iperf3Timer, Iperf3Gsro, Iperf2, Sockperf, SockperfSpin, Nuttcp, Qperf, Netperf)
