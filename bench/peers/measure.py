# SPDX-License-Identifier: MIT
"""One measurement: both ends as child processes, pinned, watched, ended; one row of peers.csv."""

import contextlib
import resource
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pacing
from cases import KINDS
from pair import ROOT, pinned
from tools import Figure, Job, ReadError

READY_S = 10
GRACE_S = 20  # for a client, beyond the time it was asked to take
LINGER_S = 0.3  # for a server to end by itself, or to print its report
STOP_S = 3
PORTS = range(20000, 32000)  # below those that the kernel gives to clients
COLUMNS = ("round", "position", "case", "kind", "transport", "size_bytes", "cores", "rate_per_s",
           "tool", "version", "engine", "wait", "value", "unit", "p99", "mean", "loss_ratio",
           "drift_ppm", "cpu_s", "duration_s", "udp_buffer_bytes", "congestion_control",
           "started_utc", "machine", "command_server", "command_client", "note")


class Child:
    """A process on one core, its output in files; gone when the with block ends."""

    def __init__(self, command, core, directory, name):
        self.command = [str(part) for part in command]
        self.core = core
        self.directory = directory
        self.paths = Path(directory) / f"{name}.out", Path(directory) / f"{name}.err"

    @property
    def shown(self):
        """As a line for a shell that does the same at the project's root: no path of this machine
        is in it that another does not have."""
        parts = (part.removeprefix(f"{ROOT}/").removeprefix(f"{self.directory}/")
                 for part in self.command)
        return f"taskset -c {self.core} {shlex.join(parts)}"

    def __enter__(self):
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, preexec_fn=pinned(self.core))
        return self

    def __exit__(self, kind, value, trace):
        self.end(signal.SIGKILL)

    def wait(self, seconds):
        """Its exit status, or None when it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None

    def end(self, number):
        """Asks it to end by a signal, and makes it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            if self.wait(STOP_S) is None:
                self.process.kill()
                self.process.wait()

    def printed(self):
        return self.paths[0].read_bytes()

    @property
    def text(self):
        return self.printed().decode("utf-8", "replace")

    @property
    def last_words(self):
        lines = (self.paths[1].read_text("utf-8", "replace") or self.text).strip().splitlines()
        return lines[-1].strip() if lines else "no word"


def listening(transport, port):
    """Whether a socket of this network namespace is bound to the port (listens, if it is TCP)."""
    for name in (transport, f"{transport}6"):
        with contextlib.suppress(FileNotFoundError):
            lines = Path(f"/proc/self/net/{name}").read_text("ascii").splitlines()[1:]
            for local, state in ((line.split()[1], line.split()[3]) for line in lines):
                if int(local.rpartition(":")[2], 16) == port and (
                        state == "0A" or transport == "udp"):
                    return True
    return False


def free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True


@dataclass
class Bench:
    """What all measurements of a run share."""

    cores: tuple
    departures: str
    seconds: int
    buffer_bytes: int
    facts: dict  # columns that are the same in every row
    versions: dict = field(default_factory=dict)
    next_port: int = PORTS.start

    def ports(self):
        """Two free ports in a row, other ones than the last time."""
        for _ in PORTS:
            port = self.next_port
            self.next_port = port + 2 if port + 4 < PORTS.stop else PORTS.start
            if free(port) and free(port + 1):
                return port
        raise ReadError("no two free ports in a row")

    def placement(self, case):
        return self.cores if case.cores > 1 else (self.cores[0], self.cores[0])

    def measure(self, tool, case):
        """One row, whatever happens: what went wrong is in its note."""
        ends = {}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryDirectory() as directory:
            job = Job(case, self.ports(), self.seconds, self.buffer_bytes, Path(directory))
            try:
                figure = self.run(tool, job, ends)
            except (ReadError, OSError) as error:
                figure = Figure(note=f"failed: {' '.join(str(error).split())}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return self.row(tool, case, figure) | {
            "cpu_s": f"{cpu_s:.3f}", "command_server": ends.get("server", ""),
            "command_client": ends.get("client", "")}

    def run(self, tool, job, ends):
        server_core, client_core = self.placement(job.case)
        server = Child(tool.server(job), server_core, job.directory, "server")
        client = Child(tool.client(job), client_core, job.directory, "client")
        ends.update(server=server.shown, client=client.shown)
        with server:
            self.await_server(tool, job, server)
            if job.case.kind == "pacing":
                return self.watch(tool, job, client)
            self.run_client(job, client)
            if server.wait(LINGER_S) is None:
                server.end(tool.stop)
        return tool.read(job, server.text, client.text)

    @staticmethod
    def await_server(tool, job, server):
        deadline = time.monotonic() + READY_S
        while not listening(*tool.listens(job)):
            if server.wait(0.02) is not None:
                raise ReadError(f"its server ended at once: {server.last_words}")
            if time.monotonic() > deadline:
                raise ReadError("its server did not listen")

    @staticmethod
    def run_client(job, client):
        with client:
            status = client.wait(job.span + GRACE_S)
        if status is None:
            raise ReadError(f"its client did not end within {job.span + GRACE_S} s")
        if status:
            raise ReadError(f"exit status {status}: {client.last_words}")

    def watch(self, tool, job, client):
        """The watcher is beside the server, so that the sender has its core for itself."""
        command = [self.departures, tool.data_port(job), job.case.size]
        watcher = Child(command, self.placement(job.case)[0], job.directory, "departures")
        with watcher:
            deadline = time.monotonic() + READY_S
            while not watcher.printed():
                if watcher.wait(0.02) is not None or time.monotonic() > deadline:
                    raise ReadError(watcher.last_words)
            self.run_client(job, client)
            watcher.end(signal.SIGTERM)
            if watcher.process.returncode:
                raise ReadError(watcher.last_words)
        return pacing.figure(watcher.printed(), job.case.rate, job.seconds)

    def row(self, tool, case, figure):
        def shown(value, digits):
            return "" if value is None else f"{value:.{digits}f}"

        return dict.fromkeys(COLUMNS, "") | self.facts | {
            "case": case.name, "kind": case.kind, "transport": case.transport,
            "size_bytes": case.size, "cores": case.cores, "rate_per_s": case.rate or "max",
            "tool": tool.name, "version": self.versions.get(tool.program, ""),
            "engine": tool.engine, "wait": tool.wait, "value": shown(figure.value, 3),
            "unit": KINDS[case.kind].unit, "p99": shown(figure.p99, 3),
            "mean": shown(figure.mean, 3), "loss_ratio": shown(figure.loss, 6),
            "drift_ppm": shown(figure.drift_ppm, 1), "duration_s": self.seconds,
            "udp_buffer_bytes": self.buffer_bytes,
            "note": figure.note}


def complain(row):
    if row["note"].startswith("failed: "):
        who = " ".join(part for part in (row["tool"], row["engine"], row["wait"]) if part)
        print(f"\n{row['case']}, {who} {row['note']}", file=sys.stderr)
