"""Signatures checked by a verifier that is not ours: dkimpy, with the records that `latchkey mail dkim` prints."""

import json
import subprocess
import tempfile
from pathlib import Path

import dkim
from aiosmtpd.controller import Controller

from desk import BINARY, Desk, check, clean_environment, free_port, until

DOMAIN = "acme.example"
SENDER = f"Jörgs Läden <no-reply@mail.{DOMAIN}>"
KEYS = {"first": ["--rsa"], "second": []}


class Inbox:
    """What the server was handed."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, _server, _session, envelope):
        self.letters.append(envelope.content)
        return "250 taken"


def make_key(folder, selector, kind):
    """Makes a key and returns its record: the name and the text, joined from the strings of the line for a zone."""
    words = ["mail", "dkim", "--domain", DOMAIN, "--selector", selector, "--out", f"{selector}.pem", *kind, "--json"]
    made = subprocess.run(
        [BINARY, *words], cwd=folder, env=clean_environment({}), capture_output=True, text=True, timeout=60
    )  # fmt: skip
    check(made.returncode == 0, f"a key is made {' '.join(kind)}", made.stderr)
    record = json.loads(made.stdout)
    strings = record["zone"].split('"')[1::2]
    check("".join(strings) == record["value"] and max(map(len, strings)) <= 255, "its record fits a zone", strings)
    key = subprocess.run(
        ["openssl", "pkey", "-in", f"{selector}.pem", "-noout"], cwd=folder, capture_output=True, text=True
    )  # fmt: skip
    check(key.returncode == 0, "OpenSSL reads the key", key.stderr)
    return record["name"], record["value"]


def verify(letter, records):
    """What dkimpy makes of each signature."""

    def look_up(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    def is_good(place):
        try:
            return dkim.DKIM(letter).verify(idx=place, dnsfunc=look_up)
        except dkim.ValidationError:
            return False

    return [is_good(place) for place in range(letter.count(b"DKIM-Signature:"))]


def main():
    inbox = Inbox()
    with tempfile.TemporaryDirectory() as folder:
        records = dict(make_key(folder, selector, kind) for selector, kind in KEYS.items())
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
        controller.start()
        settings = {
            "LATCHKEY_LISTEN": "127.0.0.1:0",
            "LATCHKEY_SMTP_URL": f"smtp://127.0.0.1:{controller.port}",
            "LATCHKEY_MAIL_FROM": SENDER,
            "LATCHKEY_DKIM_DOMAIN": DOMAIN,
            "LATCHKEY_DKIM_SELECTOR": ",".join(KEYS),
            "LATCHKEY_DKIM_KEY_FILE": ",".join(str(Path(folder) / f"{selector}.pem") for selector in KEYS),
        }
        try:
            with Desk(folder, settings) as desk:
                order = desk.example("FlashbackRegisterRequest")
                for number, name in enumerate(("Ann", "Jörg", ". dots .", "x" * 50)):
                    person = order | {"email": f"n{number}@example.com", "firstName": name}
                    answer = desk.call("POST", "/user/register", person)
                    check(answer.status == 201, f"{person['email']} signs up", answer)
                check(until(lambda: len(inbox.letters) == 4), "the letters arrive", len(inbox.letters))
                for letter in inbox.letters:
                    check(verify(letter, records) == [True, True], "both signatures of a letter are good", letter)
                letter = inbox.letters[0]
                forged = letter.replace(b"\r\nSubject: ", b"\r\nSubject: You won. ", 1)
                check(verify(forged, records) == [False, False], "with another subject neither is")
                added = b"From: eve@evil.example\r\n" + letter
                check(verify(added, records) == [False, False], "nor with a second sender")
                changed = letter.replace(b"/verify-email", b"/verify_email", 1)
                check(changed != letter and verify(changed, records) == [False, False], "nor with another link")
                said = desk.command("check")
                check("signed by DKIM" in said.stdout, "`latchkey check` tells of it", said.stdout + said.stderr)
        finally:
            controller.stop()


if __name__ == "__main__":
    main()
