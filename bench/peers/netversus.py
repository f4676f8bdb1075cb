# SPDX-License-Identifier: MIT
"""netversus as one of the tools: a row for each engine, and one that spins."""

import re
import subprocess

from pair import rows
from tools import HOST, PACING_LEAD_S, Figure, ReadError, Tool

WORKLOADS = {"throughput": "stream", "datagrams": "stream", "pacing": "stream", "roundtrip": "rr",
             "connect": "crr"}
LEADS = {"pacing": f"{PACING_LEAD_S}s"}
LEAD = "200ms"


class Netversus(Tool):
    name = "netversus"
    engine = "poll"
    kinds = {"throughput": ("tcp",), "datagrams": ("udp",), "roundtrip": ("tcp", "udp"),
             "pacing": ("udp",), "connect": ("tcp",)}

    def data_port(self, job):
        return job.port + 1

    def server(self, job):
        return [self.program, "serve", "--port", job.port]

    def client(self, job):
        case = job.case
        command = [
            self.program, "run", "--quiet", "--server", f"{HOST}:{job.port}", "--ipv4",
            "--output", job.directory / "result", "--workload", WORKLOADS[case.kind],
            "--transport", case.transport, "--engine", self.engine, "--wait", self.wait,
            "--size", case.size, "--rate", f"{case.rate}/s" if case.rate else "max",
            "--arrival", "constant", "--window", 1, "--blocks", 1, "--no-warmup-round",
            "--reruns", 0, "--settle", 0, "--warmup", LEADS.get(case.kind, LEAD),
            "--duration", f"{job.seconds}s", "--cooldown", 0]
        if case.kind == "throughput":
            command.append("--no-nodelay")
            if self.engine != "batch":
                command += ["--read-size", case.size]
        if case.transport == "udp":
            command += ["--sndbuf", job.buffer_bytes, "--rcvbuf", job.buffer_bytes]
        if self.wait == "spin":
            command.append("--force")
        return command

    def read(self, job, server, client):
        result = job.directory / "result"
        try:
            (row,) = [row for row in rows(result, "runs.csv") if row["flow"] == "all"]
        except (OSError, ValueError) as error:
            raise ReadError(f"no result: {error}") from error
        note = f"flags {row['flags']}" if row["flags"] else ""
        if job.case.kind == "roundtrip":
            return self.read_round_trips(result, row, note)
        if job.case.kind == "connect":
            return Figure(float(row["msg_rate_per_s"]), note=note)
        if job.case.transport == "tcp":
            return Figure(float(row["goodput_bps"]), note=note)
        return Figure(float(row["goodput_bps"]) / 8 / job.case.size,
                      loss=float(row["loss_ratio"] or 0), note=note)

    @staticmethod
    def read_round_trips(result, run, note):
        """One request is in flight, so that the mean is the time of all by their number."""
        at = {row["p"]: row["value_ns"] for row in rows(result, "quantiles.csv")
              if (row["metric"], row["population"], row["flow"]) == ("serv", "delivered", "all")}
        if not at.get("0.5"):
            raise ReadError("no p50 of the service time")
        return Figure(float(at["0.5"]) / 1000, float(at["0.99"]) / 1000 if at["0.99"] else None,
                      1e6 / float(run["msg_rate_per_s"]), note=note)


class NetversusBlocking(Netversus):
    engine = "blocking"
    kinds = {kind: over for kind, over in Netversus.kinds.items() if kind != "pacing"}


class NetversusBatch(Netversus):
    engine = "batch"
    kinds = NetversusBlocking.kinds


class NetversusSpin(Netversus):
    wait = "spin"
    kinds = {kind: Netversus.kinds[kind] for kind in ("roundtrip", "pacing")}

    def can(self, case):
        return super().can(case) and case.cores > 1


ENGINES = (Netversus, NetversusBlocking, NetversusBatch, NetversusSpin)


def workloads(program):
    """Names of the workloads that a build has."""
    done = subprocess.run([program, "list", "workloads"], capture_output=True, text=True,
                          timeout=10, check=True)
    return re.findall(r"^(\w+)", done.stdout, re.MULTILINE)
