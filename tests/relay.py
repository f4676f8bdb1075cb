# SPDX-License-Identifier: MIT
"""A relay that misplaces what it is told to: the far end of a run, one loopback address further on.

It listens on 127.0.0.2 on the ports of a server on 127.0.0.1: control and data over TCP pass through
untouched; datagrams of the data port are dropped, doubled, held back or damaged by the sequence
number in their header, and the order in which they left is written down.
"""

import selectors
import socket
import struct
import threading
from dataclasses import dataclass, field

HOST = "127.0.0.2"
HEADER = struct.Struct("<HBBHHIIQ")  # magic, version, type, flags, flow, length, run tag, seq
DATA, REQUEST, REPLY, HELLO, HELLO_ACK = range(1, 6)
UP, DOWN = "up", "down"


@dataclass
class Header:
    """The part of a datagram's header that decides what becomes of it."""

    type: int
    flow: int
    run_tag: int
    seq: int

    @classmethod
    def of(cls, datagram):
        _magic, _version, type_, _flags, flow, _length, run_tag, seq = HEADER.unpack_from(datagram)
        return cls(type_, flow, run_tag, seq)


@dataclass
class Faults:
    """What happens to the messages of one direction, by sequence number."""

    drop: set = field(default_factory=set)
    double: set = field(default_factory=set)
    hold: dict = field(default_factory=dict)  # seq: how many later ones pass before it
    damage: dict = field(default_factory=dict)  # seq: what takes the datagram and gives another
    hellos: int = 0  # hellos (up) or their answers (down) to lose before one passes, each flow


class _Lane:
    """One direction of one flow: datagrams in, datagrams out."""

    def __init__(self, faults, log):
        self.faults = faults
        self.log = log
        self.held = []  # [datagrams still to pass, datagram]
        self.hellos = faults.hellos

    def _leave(self, datagram, send):
        self.log.append(Header.of(datagram))
        send(datagram)

    def _release(self, send):
        for entry in self.held:
            entry[0] -= 1
        for entry in [entry for entry in self.held if entry[0] == 0]:
            self.held.remove(entry)
            self._leave(entry[1], send)

    def take(self, datagram, send):
        header = Header.of(datagram)
        if header.type in (HELLO, HELLO_ACK):
            self.hellos -= 1
            if self.hellos < 0:
                send(datagram)
        elif header.seq in self.faults.hold:
            self.held.append([self.faults.hold[header.seq], datagram])
        elif header.seq not in self.faults.drop:
            if header.seq in self.faults.damage:
                send(self.faults.damage[header.seq](datagram))
            else:
                for _copy in range(2 if header.seq in self.faults.double else 1):
                    self._leave(datagram, send)
            self._release(send)


class Relay:
    """Use as a context manager; `address` is what `run --server` is given."""

    def __init__(self, port, up=None, down=None, udp=True):
        self.port = port
        self.faults = {UP: up or Faults(), DOWN: down or Faults()}
        self.log = {UP: [], DOWN: []}  # headers of the messages that left, in order
        self.hellos = 0
        self.udp = udp
        self.error = None
        self._selector = selectors.DefaultSelector()
        self._lanes = {}
        self._upstreams = {}  # client address: socket towards the server
        self._sockets = []
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._wake, self._waker = socket.socketpair()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def seqs(self, direction, flow=0):
        """Sequence numbers in the order in which they left towards their receiver."""
        return [header.seq for header in self.log[direction] if header.flow == flow]

    def __enter__(self):
        for port in (self.port, self.port + 1):
            listener = self._own(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen(64)
            self._watch(listener, lambda s, port=port: self._accept(s, port))
        self._front = self._own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if self.udp:
            self._front.bind((HOST, self.port + 1))
            self._watch(self._front, self._from_client)
        self._watch(self._wake, None)
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._waker.send(b"x")
        self._thread.join()
        for each in self._sockets + [self._wake, self._waker]:
            each.close()
        self._selector.close()
        if self.error and not _exception[0]:
            raise self.error

    def _own(self, new):
        self._sockets.append(new)
        return new

    def _watch(self, watched, ready):
        self._selector.register(watched, selectors.EVENT_READ, ready)

    def _loop(self):
        try:
            while True:
                for key, _events in self._selector.select():
                    if key.data is None:
                        return
                    key.data(key.fileobj)
        except Exception as error:  # shown by the test's own thread
            self.error = error

    def _accept(self, listener, port):
        client = self._own(listener.accept()[0])
        server = self._own(socket.create_connection(("127.0.0.1", port)))
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch(one, lambda s, other=other: self._pass_on(s, other))

    def _pass_on(self, one, other):
        try:
            data = one.recv(65536)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(one)
            try:
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it went first

    def _lane(self, direction, client):
        key = direction, client
        if key not in self._lanes:
            self._lanes[key] = _Lane(self.faults[direction], self.log[direction])
        return self._lanes[key]

    def _from_client(self, front):
        datagram, client = front.recvfrom(65536)
        if client not in self._upstreams:
            upstream = self._own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            upstream.connect(("127.0.0.1", self.port + 1))
            self._upstreams[client] = upstream
            self._watch(upstream, lambda s: self._from_server(s, client))
        self.hellos += Header.of(datagram).type == HELLO
        self._lane(UP, client).take(datagram, self._quietly(self._upstreams[client].send))

    def _from_server(self, upstream, client):
        try:
            datagram = upstream.recv(65536)
        except ConnectionRefusedError:
            return
        self._lane(DOWN, client).take(
            datagram, self._quietly(lambda data: self._front.sendto(data, client)))

    @staticmethod
    def _quietly(send):
        def sender(datagram):
            try:
                send(datagram)
            except ConnectionRefusedError:
                pass  # an end that has closed its socket: the datagram is lost, as on any path
        return sender
