# SPDX-License-Identifier: MIT
"""What is measured: kinds of work, and the cases of each."""

from dataclasses import dataclass

RTT_SIZES = (64, 1024)
PACES = (1000, 10000, 100000)
THROUGHPUT_SIZES = (64, 1024, 16384, 131072)
DATAGRAM_SIZES = (64, 512, 1400, 8192)
CORES = {1: "one core", 2: "two cores"}


@dataclass(frozen=True)
class Kind:
    unit: str  # of the figures in peers.csv
    shown: str  # unit in the table and the chart
    scale: float  # from the one to the other: a divisor
    more_is_better: bool
    what: str  # the figure in words


KINDS = {
    "throughput": Kind("bit/s", "Gbit/s", 1e9, True, "TCP, what the receiver got"),
    "datagrams": Kind("messages/s", "M messages/s", 1e6, True, "UDP, what the receiver got"),
    "roundtrip": Kind("us", "us", 1, False, "round trip, p50"),
    "pacing": Kind("us", "us", 1, False, "UDP sends, how late, p50"),
    "connect": Kind("connections/s", "k connections/s", 1e3, True,
                    "connect, request, reply, close"),
}


@dataclass(frozen=True)
class Case:
    kind: str
    transport: str
    size: int  # bytes of a message
    cores: int = 2
    rate: int = 0  # messages a second; 0: as fast as it goes

    @property
    def name(self):
        """As --cases takes it."""
        part = {"roundtrip": f"-{self.transport}-{self.size}-{self.cores}core",
                "pacing": f"-{self.rate}", "connect": f"-{self.cores}core"}
        return self.kind + part.get(self.kind, f"-{self.size}")

    @property
    def title(self):
        work = f"{self.size} B" + (f", {self.rate} a second" if self.rate else "")
        what = KINDS[self.kind].what
        if self.kind in ("roundtrip", "connect"):
            what = f"{self.transport.upper()} {what}"
        return f"{what}: {work}, {CORES[self.cores]}"


def cases(placements, workloads):
    """All of them. placements: numbers of cores that can be used; workloads: of netversus."""
    found = [Case("throughput", "tcp", size, max(placements)) for size in THROUGHPUT_SIZES]
    found += [Case("datagrams", "udp", size, max(placements)) for size in DATAGRAM_SIZES]
    found += [Case("roundtrip", transport, size, cores) for transport in ("tcp", "udp")
              for size in RTT_SIZES for cores in placements]
    found += [Case("pacing", "udp", 64, max(placements), rate) for rate in PACES]
    if "crr" in workloads:
        found += [Case("connect", "tcp", 64, cores) for cores in placements]
    return found
