"""A milter of our own that does whatever a test wants: the other side of common/milter, written
from the public description of the protocol. A test gives it a function that is called for each
thing it hears, and returns the frames to answer with."""
import os
import socket
import struct
import threading

ACTIONS, STEPS, SKIP, LEADING_SPACE = 0x1ff, 0, 0x400, 0x100000
NO_BODY, MUTE_HEADER, MUTE_BODY = 0x10, 0x80, 0x80000


def frame(letter, *fields):
    """Numbers become four bytes, texts end in NUL, bytes stay."""
    data = letter.encode()
    for f in fields:
        data += struct.pack("!I", f) if isinstance(f, int) else f if isinstance(f, bytes) else f.encode() + b"\0"
    return struct.pack("!I", len(data)) + data


CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, PROGRESS, SKIP_BODY = (frame(c) for c in "cartdps")


class Milter:
    """answer(letter, fields) -> frame or frames; None is CONTINUE. Runs until close()."""

    def __init__(self, where, answer=None, version=6, actions=ACTIONS & ~2, steps=0, lists=b""):
        self.heard, self.macros, self.answer = [], {}, answer or (lambda letter, fields: None)
        self.terms = frame("O", version, actions, steps, lists)
        self.offered = None
        if isinstance(where, str):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(where)
            os.chmod(where, 0o666)
            self.setting = "unix:" + where
        else:
            self.listener = socket.create_server(where)
            self.setting = "inet:%s:%d" % self.listener.getsockname()[:2]
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                while self.one(connection, stream):
                    pass
        except (OSError, struct.error):
            pass

    def one(self, connection, stream):
        head = stream.read(4)
        if len(head) < 4:
            return False
        data = stream.read(struct.unpack("!I", head)[0])
        letter, rest = chr(data[0]), data[1:]
        if letter == "O":
            self.offered = struct.unpack("!III", rest)
            connection.sendall(self.terms)
        elif letter == "D":
            words = rest[1:].decode().split("\0")[:-1]
            self.macros.setdefault(chr(rest[0]), {}).update(zip(words[::2], words[1::2]))
        elif letter == "Q":
            self.heard.append(("Q", []))
            return False
        elif letter == "A":
            self.heard.append(("A", []))
        else:
            fields = [rest] if letter in "BC" else rest.split(b"\0")[:-1]
            self.heard.append((letter, fields))
            got = self.answer(letter, fields)
            if got is False:
                return False            # hang up
            connection.sendall(CONTINUE if got is None else got if isinstance(got, bytes) else b"".join(got))
        return True

    def letters(self):
        return "".join(letter for letter, _ in self.heard)

    def of(self, letter):
        return [fields for heard, fields in self.heard if heard == letter]

    def body(self):
        return b"".join(fields[0] for fields in self.of("B"))
