#!/usr/bin/env python3
"""The resolver against a real name server: nsd as Debian packages it, on a loopback address."""
import os
import subprocess

from e2e import expect, hosts, journey, main, need


class Nsd:
    """Serves the zone test. with the hosts of a network, and no local data in their settings."""

    def __init__(self, net):
        self.net = net
        self.address = net["alpha"].address.rsplit(".", 1)[0] + ".53"
        d = self.directory = os.path.join(net.directory, "nsd")
        os.makedirs(d, exist_ok=True)
        with open(f"{d}/zone", "w", encoding="ascii") as f:
            f.write(f"$TTL 60\n@ IN SOA ns.test. admin.test. 1 3600 600 86400 60\n@ IN NS ns.test.\nns.test. IN A {self.address}\n"
                    + "\n".join(net.zone) + "\nalias.test. IN CNAME beta.test.\nbare.test. IN A " + net["beta"].address + "\n")
        with open(f"{d}/conf", "w", encoding="ascii") as f:
            f.write(f'server:\n ip-address: {self.address}@5353\n zonesdir: "{d}"\n pidfile: "{d}/pid"\n xfrdfile: "{d}/xfrd"\n'
                    f' zonelistfile: "{d}/zonelist"\n database: ""\n username: ""\n do-ip6: no\n'
                    'remote-control:\n control-enable: no\nzone:\n name: "test."\n zonefile: "zone"\n')

    def __enter__(self):
        self.process = subprocess.Popen([need("nsd"), "-d", "-c", f"{self.directory}/conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def test_mx_from_a_real_server(net):
    need("nsd")
    with Nsd(net) as nsd:
        for h in net.hosts.values():
            h.settings["dns"] = {"local-data": "", "forward": f"{nsd.address}@5353"}
            h.write_settings()
        net["beta"].add_domain("bare.test")
        net["beta"].add_user("eve@bare.test")
        for h in net.hosts.values():
            h.start()
        journey.submit(net["alpha"], journey.a_message().as_bytes())
        net["beta"].wait_inbox("bob")
        journey.submit(net["alpha"], journey.a_message(recipient="eve@bare.test").as_bytes(), recipients=("eve@bare.test",))
        net["beta"].wait_inbox("eve@bare.test")
        journey.submit(net["alpha"], journey.a_message(recipient="x@no-such.test").as_bytes(), recipients=("x@no-such.test",))
        with open(net["alpha"].wait_inbox("alice")[0], "rb") as f:
            text = f.read()
        expect(b"Status: 5.1.2" in text, text[-1500:].decode("utf-8", "replace"))


def test_a_dead_name_server_defers(net):
    alpha = net["alpha"]
    alpha.settings["dns"] = {"local-data": "", "forward": alpha.address.rsplit(".", 1)[0] + ".54@5353", "timeout": "2s"}
    alpha.write_settings()
    alpha.start()
    journey.submit(alpha, journey.a_message().as_bytes())
    line = alpha.wait_log("deferred", "bob@beta.test", seconds=30)
    expect("4.4.3" in line, line)
    expect(alpha.station("out"), "the message is not in out/")


if __name__ == "__main__":
    main()
