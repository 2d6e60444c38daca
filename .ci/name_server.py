"""A name server on this machine that knows a few names, and says of all others that they do not exist."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """Answers over UDP while it is entered. `records` are lines such as `acme.example. 60 IN MX 10 mx.acme.example.`"""

    def __init__(self, records):
        self.sets = {}
        for line in records:
            self.add(line)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def add(self, line):
        name, ttl, kind, of, words = line.split(maxsplit=4)
        self.sets.setdefault(name.lower(), {}).setdefault(of, []).append((int(ttl), kind, words))

    def text(self, name):
        """What dkimpy asks for: the text of a name, its strings joined."""
        name = name.decode() if isinstance(name, bytes) else name
        found = self.sets.get(name.lower().rstrip(".") + ".", {}).get("TXT", [])
        return b"".join(b"".join(self.rdata(row, "TXT").strings) for row in found[:1]) or None

    def rdata(self, row, of):
        return dns.rrset.from_text("x.", row[0], row[1], of, row[2])[0]

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        while True:
            try:
                wire, asker = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self.answer(dns.message.from_wire(wire)).to_wire(), asker)

    def answer(self, query):
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name = question.name.to_text()
        known = self.sets.get(name.lower())
        if known is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return response
        of = dns.rdatatype.to_text(question.rdtype)
        for ttl, kind, words in known.get(of, []):
            response.answer.append(dns.rrset.from_text(name, ttl, kind, of, words))
        return response
