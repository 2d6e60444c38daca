"""Letters through an SMTP server that is not ours: aiosmtpd with STARTTLS and a login, present, absent, back again."""

import email
import email.policy
import json
import logging
import ssl
import tempfile
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from desk import Desk, certificate, check, free_port, until

USER, PASSWORD = "desk", "s3cret-of-the-relay"
SENDER = "Acme Desk <no-reply@acme.example>"


class Inbox:
    """What the server was handed, and how."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, _server, session, envelope):
        self.envelopes.append((session.ssl is not None, session.authenticated, envelope))
        return "250 taken"

    def to(self, address):
        return [row for row in self.envelopes if row[2].rcpt_tos == [address]]


def authenticate(_server, _session, _envelope, _mechanism, given):
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right)


def smtp_server(inbox, context, port):
    """Listens; takes nothing before STARTTLS and login."""
    controller = Controller(
        inbox, hostname="localhost", port=port, tls_context=context, require_starttls=True, auth_required=True,
        auth_require_tls=True, authenticator=authenticate,
    )  # fmt: skip
    controller.start()
    return controller


def sign_up(desk, address):
    order = desk.example("FlashbackRegisterRequest") | {"email": address, "firstName": "Jörg", "lastName": "Doe"}
    answer = desk.call("POST", "/user/register", order)
    check(answer.status == 201, f"{address} signs up", answer)


def arrives_once(desk, inbox, address):
    check(until(lambda: inbox.to(address)), f"the letter to {address} arrives", desk.log.read_text()[-2000:])
    listed = lambda: [row for row in waiting(desk) if row["to"] == address]
    check(until(lambda: not listed()), "and waits no longer", listed())
    check(len(inbox.to(address)) == 1, "once", len(inbox.to(address)))
    return inbox.to(address)[0]


def waiting(desk):
    return json.loads(desk.command("letters", "list", "--state", "waiting", "--json").stdout)


def inspect(row, address):
    encrypted, authenticated, envelope = row
    check(encrypted and authenticated, "over TLS, after a login")
    check(envelope.mail_from == "no-reply@acme.example", "from the sender that is set", envelope.mail_from)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    check(not message.defects, "Python's parser finds no defect", message.defects)
    kinds = sorted(part.get_content_type() for part in message.walk() if not part.is_multipart())
    check(kinds == ["text/html", "text/plain"], "it has a text and an HTML part", kinds)
    for name in ("Message-ID", "Date", "From", "To", "Subject", "MIME-Version"):
        check(len(message.get_all(name, [])) == 1, f"it has one {name}", message.get_all(name))
    check(message["Auto-Submitted"] == "auto-generated", "it is Auto-Submitted", message["Auto-Submitted"])
    check(message["Date"].datetime is not None and message["Date"].datetime.tzinfo is not None, "its Date parses")
    check(message["To"].addresses[0].addr_spec == address, "it names whom it is for", message["To"])
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    check("Jörg" in text and "Jörg" in html, "names outside ASCII arrive whole", text)
    check("/verify-email?token=" in text, "the text holds the link", text)
    check(not envelope.content.replace(b"\r\n", b"").count(b"\n"), "every line ends in CRLF")


def outage(desk, inbox, context, controller):
    address = "patient@example.com"
    port = controller.port
    controller.stop()
    sign_up(desk, address)
    tried = lambda: [row for row in waiting(desk) if row["to"] == address and row["attempts"] > 0]
    check(until(lambda: bool(tried())), "without the mail server its letter is tried and waits", waiting(desk))
    health = desk.call("GET", "/health")
    check(health.status == 200 and health.json["courier"]["waiting"] == 1, "/health counts it", health)
    again = smtp_server(inbox, context, port)
    try:
        letter = tried()[0]["id"]
        done = desk.command("letters", "retry", letter)
        check(done.returncode == 0, "`latchkey letters retry` makes it due", done.stdout + done.stderr)
        inspect(arrives_once(desk, inbox, address), address)
    finally:
        again.stop()


def main():
    # It warns of a field of its own that it sets itself.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    inbox = Inbox()
    with tempfile.TemporaryDirectory() as folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(Path(folder)))
        controller = smtp_server(inbox, context, free_port())
        url = f"smtp://{USER}:{PASSWORD}@localhost:{controller.port}"
        settings = {"LATCHKEY_LISTEN": "127.0.0.1:0", "LATCHKEY_SMTP_URL": url, "LATCHKEY_MAIL_FROM": SENDER}
        with Desk(folder, settings) as desk:
            sign_up(desk, "prompt@example.com")
            inspect(arrives_once(desk, inbox, "prompt@example.com"), "prompt@example.com")
            check(desk.call("GET", "/mailbox/letters").status == 404, "the mailbox is closed meanwhile")
            outage(desk, inbox, context, controller)
            desk.ask_to_stop()
            check(desk.exit_status() == 0, "the server ends in order")
            check(len(inbox.envelopes) == 2, "two letters in all", len(inbox.envelopes))
            check(PASSWORD not in desk.log.read_text(), "the log holds no password of the mail server")


if __name__ == "__main__":
    main()
