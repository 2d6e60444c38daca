"""Debian's Postfix, an instance of its own below a folder: a relay that asks for STARTTLS and a login, and the mail
exchanger of a domain. What it takes lies in a Maildir."""

import os
import shutil
import subprocess
from pathlib import Path

from desk import certificate, check, free_port, until

# No other program of the machine listens at port 25 of this address.
EXCHANGER = "127.0.0.25"
DOMAIN = "customers.example"
USER, PASSWORD = "desk", "s3cret-of-the-relay"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.{domain}
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_delay_reject = no
smtpd_helo_required = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_sasl_local_domain = {domain}
smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""

MASTER = """
{exchanger}:25 inet n - n - - smtpd -o smtpd_sasl_auth_enable=no
127.0.0.1:{relay} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
    -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/etc/sasl/users
mech_list: PLAIN LOGIN
"""


class Postfix:
    """Runs while it is entered."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.relay_port = free_port()
        self.settings = self.folder / "etc"

    def __enter__(self):
        # Its daemons run as a user of their own, and walk through here.
        self.folder.chmod(0o755)
        for name in ("etc", "etc/sasl", "queue", "data", "mail"):
            (self.folder / name).mkdir(mode=0o755)
        owner = shutil._get_uid("postfix"), shutil._get_gid("postfix")
        for name in ("data", "mail"):
            os.chown(self.folder / name, *owner)
        cert, key = certificate(self.folder)
        words = {
            "folder": self.folder, "domain": DOMAIN, "exchanger": EXCHANGER, "certificate": cert, "key": key,
            "uid": owner[0], "gid": owner[1], "relay": self.relay_port,
        }  # fmt: skip
        (self.settings / "main.cf").write_text(MAIN.format(**words).lstrip())
        (self.settings / "master.cf").write_text(MASTER.format(**words).lstrip())
        (self.settings / "sasl" / "smtpd.conf").write_text(SASL.format(**words).lstrip())
        subprocess.run(
            ["saslpasswd2", "-c", "-p", "-f", self.settings / "sasl" / "users", "-u", DOMAIN, USER],
            input=PASSWORD.encode(), check=True,
        )  # fmt: skip
        os.chown(self.settings / "sasl" / "users", *owner)
        started = self.command("start")
        check(started.returncode == 0, "Postfix starts", started.stdout + started.stderr + self.log())
        return self

    def __exit__(self, *_):
        self.command("stop")

    def command(self, word):
        command = ["/usr/sbin/postfix", "-c", str(self.settings), word]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def log(self):
        file = self.folder / "mail.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def received(self):
        """The bytes of every message that was taken, the oldest first."""
        files = sorted((self.folder / "mail").rglob("new/*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_bytes() for file in files]

    def waits_for(self, address):
        """The one message to an address, once it is there."""
        def found():
            return [message for message in self.received() if f"\nX-Original-To: {address}\n".encode() in message]

        check(until(found), f"Postfix takes the letter to {address}", self.log()[-3000:])
        check(len(found()) == 1, "once", len(found()))
        return found()[0]
