"""A running latchkey as CI's scripts see it: started, called over HTTP, commanded beside, and stopped again."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

BINARY = Path(os.environ.get("LATCHKEY_BINARY", "target/release/latchkey")).resolve()
USUAL_PORT = 8080


def check(holds, sentence, seen=""):
    """Counts one check, and ends the script at the first that does not hold."""
    tally = os.environ.get("LATCHKEY_CI_TALLY")
    if tally:
        with open(tally, "a", encoding="utf-8") as file:
            file.write("passed\n" if holds else "failed\n")
    print(f"  {'ok  ' if holds else 'FAIL'} {sentence}", flush=True)
    if not holds:
        raise SystemExit(f"       seen: {seen}" if seen != "" else "       nothing more is known")


def usual_port():
    """The port of a server without settings, or 0 (any) where another program of this machine holds it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder):
    """The files of a certificate for localhost that nobody vouches for, and of its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def clean_environment(settings):
    """The environment without settings that lie around in it, and with the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LATCHKEY_")}
    return kept | settings


def until(holds, seconds=30):
    """Whether it came to hold. The time only bounds the wait for something that never comes."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Answer:
    """An HTTP answer, its body read."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)

    def __str__(self):
        return f"{self.status} {self.text[:600]}"


class Desk:
    """A server in a folder of its own. As a context it is stopped at the end, whatever happened."""

    def __init__(self, folder, settings=None):
        self.folder = Path(folder)
        self.settings = dict(settings or {})
        self.log = self.folder / "server.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY],
                cwd=self.folder,
                env=clean_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.first_line = self.process.stdout.readline().decode().strip()
        if not self.first_line.startswith("listening on http://"):
            self.kill()
            raise SystemExit(f"the server did not start: {self.first_line}\n{self.log.read_text()}")
        self.url = self.first_line.removeprefix("listening on ")
        self.host, port = urllib.parse.urlsplit(self.url).netloc.rsplit(":", 1)
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def call(self, method, path, body=None, token=None):
        """One request on a connection of its own; a body is sent as JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def command(self, *words):
        """One command of the operator on this server's file."""
        return subprocess.run(
            [BINARY, *words],
            cwd=self.folder,
            env=clean_environment(self.settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def example(self, schema):
        """The example of a schema, out of the document that the server serves."""
        return self.call("GET", "/openapi.json").json["components"]["schemas"][schema]["example"]

    def letters(self, at_least):
        """The mailbox, newest first, as soon as it holds so many letters: the courier brings them."""
        def mailbox():
            return self.call("GET", "/mailbox/letters")

        brought = until(lambda: len(mailbox().json) >= at_least)
        answer = mailbox()
        check(brought, f"the mailbox, read as JSON, holds {at_least} or more letters", answer)
        return answer.json

    def ask_to_stop(self):
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self):
        """How the server ended; waits for it."""
        return self.process.wait(timeout=90)

    def kill(self):
        """Ends the server if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def token_of(letter):
    """The secret of a letter's first link."""
    query = urllib.parse.urlsplit(letter["links"][0]).query
    return urllib.parse.parse_qs(query)["token"][0]
