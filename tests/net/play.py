"""What tests of single roles share: packets of common/io/packet.h, and starting a role."""
import array, os, socket, struct, subprocess, sys, tempfile

def pack(verb, *fields):
    out = verb.encode()
    for f in fields:
        if isinstance(f, int):
            f = struct.pack("=Q", f)
        elif isinstance(f, str):
            f = f.encode()
        out += struct.pack("=I", len(f)) + f
    return out

def unpack(packet):
    verb, fields, at = packet[:1].decode(), [], 1
    while at < len(packet):
        n, = struct.unpack_from("=I", packet, at)
        fields.append(packet[at + 4:at + 4 + n])
        at += 4 + n
    return verb, fields

def number(field):
    return struct.unpack("=Q", field)[0]

def send_fds(sock, packet, *fds):
    sock.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

class Role:
    """One process of ours, with the test as its keeper."""
    def __init__(self, run_role, program, name, settings, work=False):
        self.dir = tempfile.mkdtemp(prefix="posthorn-role-")
        os.chmod(self.dir, 0o755)
        os.mkdir(self.dir + "/empty")
        conf = self.dir + "/posthorn.conf"
        with open(conf, "w") as f:
            f.write(settings.replace("@DIR@", self.dir))
        self.keeper, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.keeper.settimeout(20)
        self.log = open(self.dir + "/log", "w+")
        self.work, job = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) if work else (None, None)
        def give():
            os.dup2(theirs.fileno(), 3)
            if job:
                os.dup2(job.fileno(), 5)
        self.process = subprocess.Popen([run_role, conf, program, name], close_fds=False,
                                        preexec_fn=give, stdin=subprocess.DEVNULL, stderr=self.log)
        theirs.close()
        if job:
            job.close()
            self.work.settimeout(30)

    def told(self):
        return open(self.dir + "/log").read()

    def stop(self):
        self.keeper.close()
        code = self.process.wait(20)
        subprocess.run(["rm", "-rf", self.dir])
        return code
