"""Letters through Debian's Postfix: handed to it as a relay, and brought to it as the mail exchanger that DNS names. dkimpy
checks the signatures of what it took."""

import json
import subprocess
import tempfile
from pathlib import Path

import dkim

from desk import BINARY, Desk, check, clean_environment, until
from name_server import NameServer
from postfix_server import DOMAIN, EXCHANGER, PASSWORD, USER, Postfix

SENDER = "Acme Desk <no-reply@acme.example>"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
ZONE = [
    f"{DOMAIN}. 60 IN MX 20 mx.{DOMAIN}.",
    # The first choice is down, as it may be.
    f"{DOMAIN}. 60 IN MX 10 down.{DOMAIN}.",
    f"mx.{DOMAIN}. 60 IN A {EXCHANGER}",
    f"down.{DOMAIN}. 60 IN A 127.0.0.24",
    "closed.example. 60 IN MX 0 .",
]


def make_key(folder, names, selector, *options):
    """A key by command, its record in DNS; the settings that name it."""
    file = folder / f"{selector}.pem"
    words = ["mail", "dkim", "--domain", "acme.example", "--selector", selector, "--out", file, *options, "--json"]
    done = subprocess.run(
        [BINARY, *words], cwd=folder, env=clean_environment({}), capture_output=True, text=True, timeout=60
    )
    check(done.returncode == 0, f"`latchkey mail dkim {' '.join(options)}` makes a key", done.stdout + done.stderr)
    check(file.stat().st_mode & 0o077 == 0, "that its owner alone can read", oct(file.stat().st_mode))
    made = json.loads(done.stdout)
    strings = " ".join(f'"{made["value"][at:at + 255]}"' for at in range(0, len(made["value"]), 255))
    names.add(f"{made['name']}. 60 IN TXT {strings}")
    return dict(line.split("=", 1) for line in made["settings"])


def sign_up(desk, address):
    order = desk.example("FlashbackRegisterRequest") | {"email": address, "firstName": "Jörg", "lastName": "Doe"}
    answer = desk.call("POST", "/user/register", order)
    check(answer.status == 201, f"{address} signs up", answer)


def delivered(message):
    """The message as it was sent: Postfix puts lines of its own before it, and keeps lines as this system does."""
    head, body = message.split(b"\n\n", 1)
    lines = head.split(b"\n")
    own = next(at for at, line in enumerate(lines) if line.startswith(b"DKIM-Signature:"))
    return b"\r\n".join([*lines[own:], b"", *body.split(b"\n")])


def signed(names, message, algorithm):
    sent = delivered(message)
    seen = dkim.DKIM(sent)
    check(seen.verify(dnsfunc=lambda name, **_: names.text(name)), f"dkimpy finds the {algorithm} signature good", sent)
    tags = signature_tags(sent)
    check(tags["a"] == algorithm, f"made by {algorithm}", tags)
    covered = [name.strip().lower() for name in tags["h"].split(":")]
    check(all(name.lower() in covered for name in HEADERS), "it covers every header that a reader is shown", covered)
    other = dkim.DKIM(sent.replace(b"Subject: ", b"Subject: Re: ", 1))
    check(not other.verify(dnsfunc=lambda name, **_: names.text(name)), "and none other fits it")


def signature_tags(sent):
    head = sent.split(b"\r\n\r\n", 1)[0].decode()
    field = head.replace("\r\n\t", " ").replace("\r\n ", " ").split("DKIM-Signature:", 1)[1].split("\r\n", 1)[0]
    return dict(tag.strip().split("=", 1) for tag in field.split(";") if "=" in tag)


def as_relay(folder, postfix, names, key):
    url = f"smtp://{USER}:{PASSWORD}@localhost:{postfix.relay_port}"
    settings = {"LATCHKEY_LISTEN": "127.0.0.1:0", "LATCHKEY_SMTP_URL": url, "LATCHKEY_MAIL_FROM": SENDER, **key}
    with Desk(folder / "relay", settings) as desk:
        address = f"relayed@{DOMAIN}"
        sign_up(desk, address)
        message = postfix.waits_for(address)
        check(b"with ESMTPSA" in message, "over TLS, after a login", message)
        signed(names, message, "rsa-sha256")
    wrong = settings | {"LATCHKEY_SMTP_URL": url.replace(PASSWORD, "wrong")}
    with Desk(folder / "locked", wrong) as desk:
        sign_up(desk, f"locked@{DOMAIN}")
        check(until(lambda: "535" in desk.call("GET", "/health").text), "a refused login is shown at /health",
              desk.call("GET", "/health").text)  # fmt: skip


def directly(folder, postfix, names, key):
    settings = {
        "LATCHKEY_LISTEN": "127.0.0.1:0", "LATCHKEY_SMTP_URL": "direct:", "LATCHKEY_MAIL_FROM": SENDER,
        "LATCHKEY_MAIL_RESOLVER": names.address, "LATCHKEY_MAIL_ALLOW_PRIVATE": "on",
        "LATCHKEY_MAIL_EHLO_NAME": "desk.acme.example", **key,
    }  # fmt: skip
    with Desk(folder / "direct", settings) as desk:
        address = f"direct@{DOMAIN}"
        sign_up(desk, address)
        message = postfix.waits_for(address)
        check(b"from desk.acme.example" in message, "which named itself as set", message)
        check(b"using TLSv1.3" in message, "over TLS, which the exchanger offered", message)
        signed(names, message, "ed25519-sha256")
        sign_up(desk, "nobody@closed.example")
        failed = lambda: json.loads(desk.command("letters", "list", "--state", "failed", "--json").stdout)
        check(until(failed), "a domain that takes no mail (RFC 7505) ends the letter", desk.log.read_text()[-1500:])


def main():
    with tempfile.TemporaryDirectory() as folder, NameServer(ZONE) as names:
        folder = Path(folder)
        folder.chmod(0o711)
        for name in ("postfix", "relay", "locked", "direct"):
            (folder / name).mkdir()
        with Postfix(folder / "postfix") as postfix:
            rsa, ed25519 = make_key(folder, names, "rsa", "--rsa"), make_key(folder, names, "ed25519")
            as_relay(folder, postfix, names, rsa)
            directly(folder, postfix, names, ed25519)
            check(len(postfix.received()) == 2, "two letters in all", len(postfix.received()))


if __name__ == "__main__":
    main()
