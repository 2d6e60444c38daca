"""Debian's nginx with README's lines, before a small API that notes what reaches it."""

import http.client
import http.server
import os
import re
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from desk import Answer, certificate, check, free_port, until

NGINX = "/usr/sbin/nginx"
FENCE = re.compile(r"^```nginx\n(.*?)^```$", re.M | re.S)
# What stands in README for the reader's own places.
API, CERTIFICATE = "api.example.com", "/etc/letsencrypt/live/api.example.com"
AROUND = """
daemon off;
{user}
pid nginx.pid;
error_log stderr notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {lines}
}}
"""


class Api(http.server.ThreadingHTTPServer):
    """The reader's own API: notes what reaches it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Arrival)
        self.arrived = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Arrival(http.server.BaseHTTPRequestHandler):
    """One request as the API sees it."""

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.arrived.append((self.command, self.path, self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"found")

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Gateway:
    """nginx with README's lines. As a context it is stopped at the end."""

    def __init__(self, folder, desk, api):
        self.port = free_port()
        cert, key = certificate(folder)
        self.trust = ssl.create_default_context(cafile=cert)
        places = {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            f"{CERTIFICATE}/fullchain.pem": str(cert),
            f"{CERTIFICATE}/privkey.pem": str(key),
            "http://127.0.0.1:8080/": f"{desk.url}/",
            "http://127.0.0.1:9000": f"http://127.0.0.1:{api.server_port}",
        }
        lines = printed()
        for place, here in places.items():
            check(place in lines, f"README's lines name {place}", lines)
            lines = lines.replace(place, here)
        # The workers of a root's nginx are somebody else's, who may not enter the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(user=user, lines=lines))
        self.log = folder / "nginx.log"
        with open(self.log, "wb") as log:
            command = [NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: self.process.poll() is not None or self.listens())
        runs = self.process.poll() is None and self.listens()
        check(runs, "nginx takes README's lines as they stand", self.log.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def call(self, path, *headers, method="GET", body=b"", sender="127.0.0.1"):
        """One request, with the headers as they are given: also twice the same."""
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=60, context=self.trust, source_address=(sender, 0)
        )
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in [("Host", API), *headers]:
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()


def printed():
    """README's lines that ask before they let through."""
    blocks = FENCE.findall(Path("README.md").read_text(encoding="utf-8"))
    asking = [block for block in blocks if "auth_request " in block]
    check(len(asking) == 1, "README has one block of nginx's lines with auth_request", asking)
    return asking[0]
