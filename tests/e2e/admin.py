#!/usr/bin/env python3
"""The admin's hand on a living queue: many messages at once, chosen by what they are; another way
for what is stuck; parts of one message that meet again."""
import json
import os
import smtplib
import subprocess
import time

from e2e import build, expect, hosts, journey, main


def letter(subject, to="bob@beta.test", sender="alice@alpha.test"):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nwords\r\n".encode()


def queue(host, *args, check=True):
    return host.command("queue", *args, check=check)


def listed(host, *args):
    return json.loads(queue(host, "list", *args, "--json"))


def submit_many(host, recipients, sender="alice@alpha.test"):
    """One message for each, over one connection."""
    with smtplib.SMTP(host.address, host.port("submission"), timeout=30) as s:
        s.starttls(context=host.tls())
        s.ehlo()
        s.login(sender, host.passwords[sender])
        for r in recipients:
            s.sendmail(sender, [r], letter("many", r, sender))


def stuck(net):
    """alpha with a queue of mail for three domains that cannot be reached."""
    alpha = net["alpha"]
    net.zone += [f"{d}.test. 300 IN MX 10 mx.none.test." for d in ("one", "two", "three")]
    net.zone += ["mx.none.test. 300 IN A 127.0.0.3"]
    alpha.start()
    submit_many(alpha, ["a@one.test", "b@one.test", "a@two.test"])
    submit_many(alpha, ["a@two.test", "c@three.test"], "carol@alpha.test")
    hosts.wait_for(lambda: sum(r["tries"] for m in listed(alpha, "out") for r in m["recipients"]) >= 5, 20, "five tries")
    return alpha


def test_messages_are_chosen_by_what_they_are(net):
    alpha = stuck(net)
    expect(len(listed(alpha)) == 5, queue(alpha))
    expect(len(listed(alpha, "--sender", "CAROL@alpha.test")) == 2, "by sender")
    expect(len(listed(alpha, "--sender", "@alpha.test")) == 5, "by the sender's domain")
    expect(listed(alpha, "--sender", "<>") == [], "by null sender")
    expect(len(listed(alpha, "--recipient", "a@two.test")) == 2, "by recipient")
    expect(len(listed(alpha, "--destination", "One.test")) == 2, "by destination")
    expect(len(listed(alpha, "--destination", "two.test", "--login", "alice@alpha.test")) == 1, "by both")
    expect(listed(alpha, "--older", "1h") == [] and len(listed(alpha, "--older", "0")) == 5, "by age")
    expect(len(listed(alpha, "--station", "out")) == 5 and listed(alpha, "--station", "local") == [], "by station")
    expect("no such message" in queue(alpha, "list", "--sender", "x@y.test"), "none is said to be none")

    expect(queue(alpha, "hold", "--destination", "two.test") == "2 messages\n", "hold says how many")
    expect(len(alpha.station("hold")) == 2 and len(alpha.station("out")) == 3, str(alpha.queued()))
    expect(queue(alpha, "delete", "--sender", "carol@alpha.test", "--station", "hold") == "1 message\n", "delete")
    expect(json.loads(queue(alpha, "--json", "release", "--all")) == {"messages": 1}, "release")
    hosts.wait_for(lambda: len(alpha.station("out")) == 4, 10, "the released one in out/")
    expect(queue(alpha, "bounce", "--destination", "one.test") == "2 messages\n", "bounce")
    alpha.wait_inbox("alice", 2)
    expect(len(alpha.station("out")) == 2, str(alpha.queued()))
    expect(queue(alpha, "retry", "--destination", "three.test") == "1 message\n", "retry")
    hosts.wait_for(lambda: listed(alpha, "--destination", "three.test")[0]["recipients"][0]["tries"] > 1, 10, "another try")
    for words in (("delete",), ("hold", "--older", "soon"), ("delete", "--station", "in"), ("release", "--all", "x"),
                  ("delete", "--sender"), ("count", "--by", "size"), ("requeue", "--via", "x:0", "--all"),
                  ("requeue", "--via", "x tls=none", "--all"), ("requeue", "--via", "x.test,y.test", "--all")):
        code, text = queue(alpha, *words, check=False)
        expect(code == 64, f"{words}: exit {code}: {text}")


def test_count_is_a_table(net):
    alpha = stuck(net)
    lines = [line.split() for line in queue(alpha, "count").splitlines()]
    expect(lines[0][:3] == ["destination", "all", "5m"] and lines[1][:3] == ["all", "5", "5"], str(lines[:2]))
    expect([row[:2] for row in lines[2:]] == [["one.test", "2"], ["two.test", "2"], ["three.test", "1"]], str(lines))
    got = json.loads(queue(alpha, "--json", "count", "--by", "sender", "--destination", "two.test"))
    expect(got["messages"] == 2 and len(got["minutes"]) + 1 == len(got["rows"][0]["ages"]), str(got))
    expect({r["sender"]: r["messages"] for r in got["rows"]} ==
           {"alice@alpha.test": 1, "carol@alpha.test": 1}, str(got))
    expect("out" in queue(alpha, "count", "--by", "station"), "by station")


def test_thousand_messages_do_not_take_long(net):
    alpha = stuck(net)
    many = [f"u{i}@one.test" for i in range(1000)]
    submit_many(alpha, many)
    hosts.wait_for(lambda: len(alpha.station("out")) == 1005, 60, "1005 messages in out/")
    start = time.monotonic()
    queue(alpha, "hold", "--destination", "one.test")
    expect(len(alpha.station("hold")) == 1002, f"{len(alpha.station('hold'))} on hold")
    queue(alpha, "delete", "--all", "--station", "hold")
    expect(not alpha.station("hold"), "hold/ is empty")
    took = time.monotonic() - start
    print(f"# held and deleted 1002 messages in {took:.1f} s", flush=True)
    expect(took < 20, f"it took {took:.1f} s")


def test_requeue_takes_another_way(net):
    """beta.test's MX leads nowhere; the admin knows better."""
    alpha, beta = net["alpha"], net["beta"]
    net.zone[:] = [line.replace(beta.address, "127.0.0.3") for line in net.zone]
    alpha.start()
    beta.start("mta", "mda")
    journey.submit(alpha, letter("stuck"))
    alpha.wait_log("deferred")
    (qid,) = alpha.station("out")
    queue(alpha, "requeue", "--via", f"[{beta.address}]:{hosts.PORTS['smtp']}", qid)
    beta.wait_inbox("bob")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")
    text = queue(alpha, "trace", qid)
    expect("put on hold: asked for" in text and f"let go by way of [{beta.address}]" in text, text)
    # And back: what was sent another way is routed by the settings once more.
    beta.stop()
    journey.submit(alpha, letter("again"))
    hosts.wait_for(lambda: len(alpha.log_lines("deferred")) > 1, 20, "the second to be deferred")
    queue(alpha, "requeue", "--via", "[127.0.0.4]:2525", "--destination", "beta.test")
    hosts.wait_for(lambda: listed(alpha)[0]["via"] == "[127.0.0.4]:2525", 10, "the way in the list")
    expect("via        [127.0.0.4]:2525" in queue(alpha, "show", alpha.station("out")[0]), "show")
    queue(alpha, "requeue", "--all")
    hosts.wait_for(lambda: alpha.station("out") and listed(alpha)[0]["via"] == "", 10, "no way of its own")


def test_parts_meet_again_on_hold(net):
    """A message on two ways is held and released whole: nobody is lost, nobody gets it twice."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start("msa", "mta")
    journey.submit(alpha, letter("both"), recipients=("carol@alpha.test", "bob@beta.test"))
    alpha.wait_log("deferred")
    hosts.wait_for(lambda: alpha.station("local") == alpha.station("out") != [], 10, "the message on two ways")
    (qid,) = alpha.station("out")
    queue(alpha, "hold", "--station", "out", "--all")
    code, text = queue(alpha, "release", qid, check=False)
    expect(code and "not on hold" in text and "still on its way" in text, text)
    queue(alpha, "hold", qid)
    (held,) = listed(alpha)
    expect({r["address"] for r in held["recipients"]} == {"carol@alpha.test", "bob@beta.test"}, str(held))
    beta.start()
    queue(alpha, "release", qid)
    hosts.wait_for(lambda: not alpha.station("hold") and not alpha.station("in/own"), 10, "the parts to go")
    queue(alpha, "retry", "all")
    alpha.start("mda")
    alpha.wait_inbox("carol")
    beta.wait_inbox("bob")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")
    expect(len(alpha.inbox("carol")) == len(beta.inbox("bob")) == 1, "doubles")


def test_who_comes_second_finds_nothing(net):
    """Several at the same messages on hold: none is doubled, none is there without its text."""
    alpha = net["alpha"]
    alpha.start("msa")
    submit_many(alpha, [f"bob@three{i}.test" for i in range(50)])
    alpha.stop("msa")
    ids = alpha.station("in/sub")
    queue(alpha, "hold", "--all")
    words = [os.path.join(build(), "posthorn"), "queue", "-c", alpha.conf, "release", "--station", "hold"]
    several = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    said = [(p.communicate()[0], p.returncode) for p in several]
    expect(alpha.queued() == {"in/own": ids}, f"{alpha.queued()} {said}")
    expect(not [code for _, code in said if code], said)


def test_without_daemons_the_command_does_it(net):
    alpha = net["alpha"]
    alpha.start()
    alpha.stop("mta")
    submit_many(alpha, ["a@one.test", "b@two.test"])
    expect(len(alpha.station("in/sub")) == 2, str(alpha.queued()))
    queue(alpha, "hold", "--recipient", "a@one.test")
    expect(len(alpha.station("hold")) == 1 and len(alpha.station("in/sub")) == 1, str(alpha.queued()))
    queue(alpha, "delete", "--station", "in/sub")
    queue(alpha, "bounce", "--all")
    expect(len(alpha.station("in/own")) == 1, str(alpha.queued()))
    alpha.start("mta")
    alpha.wait_inbox("alice")


if __name__ == "__main__":
    main()
