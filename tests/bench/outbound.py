"""The part outbound of tests/bench/bench: mail that waits in a queue, carried to other servers. Those are
Postfix's smtp-sink, one for each destination, without TLS. Both servers begin with all of it on their
disk: Posthorn where msa leaves it (in/sub), so that it also has to find, route and ask about each
message; Postfix where its queue manager would have put it off (deferred)."""
import os
import random
import shutil
import subprocess
import tempfile
import time

from servers import hosts, machine_cpu_ms, device_flushes

DESTINATIONS = 50
PORT = 2526
BYTES = 4096


class Sinks:
    """d0.test, d1.test ... each on a loopback address of its own."""

    def __init__(self, count=DESTINATIONS):
        self.directory = tempfile.mkdtemp(prefix="posthorn-sinks-")
        net = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        self.addresses = [f"{net}.{i + 1}" for i in range(count)]
        self.running = []

    def zone(self):
        rows = []
        for i, address in enumerate(self.addresses):
            rows += [f"d{i}.test. 300 IN MX 10 mx.d{i}.test.", f"mx.d{i}.test. 300 IN A {address}"]
        return rows

    def start(self, count):
        for i in range(count):
            with open(f"{self.directory}/{i}", "wb") as out:
                self.running.append(subprocess.Popen(
                    ("smtp-sink", "-c", "-u", "nobody", f"{self.addresses[i]}:{PORT}", "1000"), stdout=out))

    def counts(self):
        """(sessions that ended, messages) so far."""
        sums = {"sess": 0, "mesg": 0}
        for i in range(len(self.running)):
            with open(f"{self.directory}/{i}", "rb") as f:
                f.seek(max(0, os.fstat(f.fileno()).st_size - 200))
                lines = f.read().decode("ascii", "replace").split("\r")
            for word in (lines[-2] if len(lines) > 1 else "").split():
                key, _, value = word.partition("=")
                if key in sums and value.isdigit():
                    sums[key] += int(value)
        return sums["sess"], sums["mesg"]

    def stop(self):
        for p in self.running:
            p.terminate()
            p.wait()
        self.running = []

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def measure(server, args, load, sinks, destinations):
    total = args.messages
    sinks.start(destinations)
    try:
        server.fill(args.build, load, total, BYTES, destinations)
        before = (server.cpu_ms(), machine_cpu_ms(), device_flushes(server.directory))
        begun = time.monotonic()
        server.release()
        hosts.wait_for(lambda: sinks.counts()[1] >= total, 300, f"{total} messages at their destinations")
        wall = time.monotonic() - begun
        time.sleep(0.5)
        after = (server.cpu_ms(), machine_cpu_ms(), device_flushes(server.directory))
        hosts.wait_for(lambda: server.connections_gone(PORT), 60, "connections to end")
        time.sleep(0.2)
        sessions = sinks.counts()[0]
    finally:
        sinks.stop()
    flushes = None if before[2] is None else (after[2] - before[2]) / total
    return {"total": total, "through": total / wall, "own": (after[0] - before[0]) / total,
            "machine": (after[1] - before[1]) / total, "flushes": flushes, "connections": sessions}


def run(server, args, load):
    figures = []
    sinks = server.sinks
    for destinations in 1, DESTINATIONS:
        m = measure(server, args, load, sinks, destinations)
        flushes = "-" if m["flushes"] is None else f"{m['flushes']:.2f}"
        print(f"{server.name:9} {'outbound':9} {destinations:8} {m['total']:8} {m['own']:10.2f} {m['machine']:12.2f} "
              f"{flushes:>9} {m['through']:9.0f} {'-':>9}  {m['connections']} connections", flush=True)
        what = f"outbound, {destinations} destination{'s' if destinations > 1 else ''}: "
        figures += [(what + "messages/s", m["through"]), (what + "CPU ms/message", m["own"]),
                    (what + "connections", m["connections"])]
    return figures
