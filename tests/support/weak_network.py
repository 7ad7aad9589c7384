"""Network namespaces that are joined by a switch in user space, which loses and delays packets.

Each namespace has a TUN device, whose packets are read and written here: so pairs can be split
silently, as by a broken switch, and links be slow, which this machine's kernel may not offer
(`tc netem`). The namespace of the test itself is a member, too. Needs root.
"""

import contextlib
import heapq
import itertools
import os
import random
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

_TUNSETIFF = 0x400454CA
_IFF_TUN_WITHOUT_HEAD = 0x0001 | 0x1000
_MOST_WAITING = 1000  # packets of a link, as a router's queue

# Opens a TUN device in the namespace that it runs in, and gives it away.
_OPENER = f"""
import fcntl, os, socket, struct, sys
device = os.open("/dev/net/tun", os.O_RDWR)
name = struct.pack("16sH", sys.argv[1].encode(), {_IFF_TUN_WITHOUT_HEAD})
fcntl.ioctl(device, {_TUNSETIFF}, name)
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"."], [device])
"""

TEST = "test"
"""The member that the test itself is."""


def why_not() -> str:
    """Return why there can be no namespaces here, "" if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    try:
        tried = subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True, text=True)
    except FileNotFoundError as error:
        return f"there is no `{error.filename}`"
    return "" if tried.returncode == 0 else f"`unshare -n ip link` failed: {tried.stderr}"


@dataclass
class Weakness:
    """Of a link, in each direction: `is_cut` loses everything, `loss` that share of packets."""

    is_cut: bool = False
    delay_s: float = 0.0
    loss: float = 0.0
    bits_per_s: float = 0.0


@dataclass
class WeakNetwork:
    """The members by name, with their addresses, and what is wrong between each two of them."""

    addresses: dict[str, str]
    chance: random.Random
    weak: dict[frozenset[str], Weakness] = field(default_factory=dict)
    _free_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _waiting: dict[tuple[str, str], int] = field(default_factory=dict)

    def split(self, one: str, other: str) -> None:
        """Lose every packet between two members; neither is told."""
        self.weak[frozenset((one, other))] = Weakness(is_cut=True)

    def slow_down(self, weakness: Weakness) -> None:
        """Make every link between members weak, but for those to the test."""
        for pair in itertools.combinations(set(self.addresses) - {TEST}, 2):
            self.weak[frozenset(pair)] = weakness

    def heal(self) -> None:
        """Pass everything at once."""
        self.weak.clear()

    def command(self, member: str) -> tuple[str, ...]:
        """Return how a command line begins that runs as a member."""
        return ("ip", "netns", "exec", self._namespace(member))

    def _namespace(self, member: str) -> str:
        return f"weak-{os.getpid()}-{member}"

    def _due(self, source: str, target: str, size: int, now: float) -> float | None:
        """Return when a packet arrives, None if it is lost."""
        weakness = self.weak.get(frozenset((source, target)))
        if weakness is None:
            return now
        way = (source, target)
        if (
            weakness.is_cut
            or self._waiting.get(way, 0) >= _MOST_WAITING
            or self.chance.random() < weakness.loss
        ):
            return None
        begins = max(now, self._free_at.get(way, 0.0))
        if weakness.bits_per_s:
            begins += 8 * size / weakness.bits_per_s
        self._free_at[way] = begins
        return begins + weakness.delay_s

    def switch(self, devices: dict[str, int], stop: int) -> None:
        """Pass packets on until something can be read from `stop`."""
        members = {socket.inet_aton(address): name for name, address in self.addresses.items()}
        names = {device: name for name, device in devices.items()}
        queue: list[tuple[float, int, tuple[str, str], bytes]] = []
        numbers = itertools.count()
        while True:
            wait_s = max(0.0, queue[0][0] - monotonic()) if queue else None
            readable, _, _ = select.select([*names, stop], [], [], wait_s)
            if stop in readable:
                return
            now = monotonic()
            for device in readable:
                packet = os.read(device, 65536)
                way = (names[device], members.get(packet[16:20], ""))
                if packet[0] >> 4 != 4 or not way[1]:
                    continue  # not IPv4, or to nobody
                due = self._due(*way, len(packet), now)
                if due is not None:
                    self._waiting[way] = self._waiting.get(way, 0) + 1
                    heapq.heappush(queue, (due, next(numbers), way, packet))
            while queue and queue[0][0] <= now:
                _, _, way, packet = heapq.heappop(queue)
                self._waiting[way] -= 1
                with contextlib.suppress(OSError):
                    os.write(devices[way[1]], packet)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _device(name: str, inside: Sequence[str]) -> int:
    """Open a TUN device in a namespace, and return its descriptor."""
    here, there = socket.socketpair()
    with here, there:
        command = [*inside, sys.executable, "-c", _OPENER, name, str(there.fileno())]
        subprocess.run(command, check=True, pass_fds=[there.fileno()])
        _, (device,), _, _ = socket.recv_fds(here, 1, 1)
    return int(device)


@contextlib.contextmanager
def weak_network(members: Sequence[str], seed: int) -> Iterator[WeakNetwork]:
    """Join namespaces of these names, and the test's own, for the length of a block."""
    # One that no other test run has, as long as that has not as many processes between.
    subnet = f"10.{64 + os.getpid() // 250 % 128}.{os.getpid() % 250}"
    addresses = {name: f"{subnet}.{1 + index}" for index, name in enumerate((TEST, *members))}
    network = WeakNetwork(addresses, random.Random(f"network/{seed}"))
    with contextlib.ExitStack() as stack:
        devices: dict[str, int] = {}
        for index, (name, address) in enumerate(addresses.items()):
            inside: Sequence[str] = ()
            if name != TEST:
                inside = network.command(name)
                _run("ip", "netns", "add", inside[-1])
                stack.callback(_run, "ip", "netns", "delete", inside[-1])
            link = f"weak{index}-{os.getpid()}"[:15]
            devices[name] = _device(link, inside)
            stack.callback(os.close, devices[name])
            _run(*inside, "ip", "address", "add", f"{address}/24", "dev", link)
            _run(*inside, "ip", "link", "set", link, "up")
            if inside:
                _run(*inside, "ip", "link", "set", "lo", "up")
        stop_read, stop = os.pipe()
        stack.callback(os.close, stop_read)
        stack.callback(os.close, stop)
        thread = threading.Thread(target=network.switch, args=(devices, stop_read))
        thread.start()
        stack.callback(thread.join)
        stack.callback(os.write, stop, b".")
        yield network
