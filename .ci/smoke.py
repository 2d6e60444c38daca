"""The release binary without any settings: one sign-up from end to end, the operator's commands, an orderly end."""

import base64
import json
import socket
import tempfile
from pathlib import Path

from desk import Desk, check, token_of, until, usual_port

NEW_PASSWORD = "Changed-Secret-42"


def sign_up(desk):
    example = desk.example("FlashbackRegisterRequest")
    answer = desk.call("POST", "/user/register", example)
    check(answer.status == 201, "the example signs up as it stands", answer)
    entered = answer.json
    promised = {"success", "accessToken", "refreshToken", "tokenId", "expiresAt", "user"}
    check(promised <= entered.keys(), "the answer has every field of the contract", sorted(entered))
    promised = {"id", "email", "name", "orgId", "image_url"}
    check(promised <= entered["user"].keys(), "so has its user", sorted(entered["user"]))
    again = desk.call("POST", "/user/register", example)
    refused = again.status == 400 and again.json["error_code"] == "EMAIL_EXISTS_INACTIVE"
    check(refused, "the same address again is refused", again)
    return example, entered


def prove_address(desk, entered):
    token, change = entered["accessToken"], {"name": "Johnny"}
    path = f"/user/{entered['user']['id']}"
    letters = desk.letters(at_least=1)
    right = [letter["kind"] for letter in letters] == ["verify"] and letters[0]["to"] == entered["user"]["email"]
    check(right, "one letter, the verification, is in the mailbox", letters)
    before = desk.call("PUT", path, change, token)
    blocked = before.status == 403 and before.json["error_code"] == "EMAIL_NOT_VERIFIED"
    check(blocked, "a write is blocked before the address is proved", before)
    page = desk.call("GET", letters[0]["links"][0].removeprefix(desk.url))
    check(page.status == 200 and "<form" in page.text, "the mailed link leads to a page with a button", page)
    verified = desk.call("POST", "/user/verify-email", {"token": token_of(letters[0])})
    check(verified.status == 200, "the link's token, which looking has not used up, proves the address", verified)
    second = desk.call("POST", "/user/verify-email", {"token": token_of(letters[0])})
    check(second.status == 400, "and proves nothing a second time", second)
    after = desk.call("PUT", path, change, token)
    check(after.status == 200, "the same write is let through", after)
    profile = desk.call("GET", "/user/profile", token=token).json["data"]
    check(profile["validated"] and profile["name"] == "Johnny", "the profile shows both", profile)


def session_life(desk, example, entered):
    refreshed = desk.call("POST", "/user/refresh", {"refreshToken": entered["refreshToken"]})
    check(refreshed.status == 200, "a refresh token is exchanged", refreshed)
    access = refreshed.json["accessToken"]
    check(desk.call("GET", "/user/profile", token=access).status == 200, "the new access token is good")
    asked = desk.call("POST", "/user/request-reset-password", {"email": example["email"]})
    check(asked.status == 200, "a reset letter is asked for", asked)
    letters = desk.letters(at_least=2)
    check([letter["kind"] for letter in letters] == ["reset", "verify"], "it is the newest of two", letters)
    reset = desk.call("POST", "/user/reset-password", {"token": token_of(letters[0]), "newPassword": NEW_PASSWORD})
    check(reset.status == 200, "its token changes the password", reset)
    check(desk.call("GET", "/user/profile", token=access).status == 401, "every session has ended")
    old = desk.call("POST", "/user/login", {"email": example["email"], "password": example["password"]})
    check(old.status == 401, "the old password lets nobody in", old)
    entered = log_in(desk, example["email"], "the new one does")
    out = desk.call("POST", "/user/logout", {"refreshToken": entered["refreshToken"]})
    check(out.status == 200, "logging out", out)
    gone = desk.call("GET", "/user/profile", token=entered["accessToken"])
    check(gone.status == 401, "cuts the access token at once", gone)


def log_in(desk, email, sentence):
    answer = desk.call("POST", "/user/login", {"email": email, "password": NEW_PASSWORD})
    check(answer.status == 200, sentence, answer)
    return answer.json


def command(desk, *words):
    done = desk.command(*words)
    line = " ".join(str(word) for word in words)
    check(done.returncode == 0, f"`latchkey {line}` beside the running server", done.stdout + done.stderr)
    return done.stdout


def operator(desk, email):
    command(desk, "check")
    accounts = json.loads(command(desk, "account", "list", "--json"))
    check([account["email"] for account in accounts] == [email], "the list names the one account", accounts)
    command(desk, "backup", "copy.db")
    mode = (desk.folder / "copy.db").stat().st_mode & 0o777
    check(mode == 0o600, "the copy is the operator's alone", oct(mode))
    refused = desk.command("restore", "copy.db")
    sentence = refused.returncode == 1 and "stop the server" in refused.stderr
    check(sentence, "a restore under a running server is refused with a sentence", refused)
    entered = log_in(desk, email, "a login before the keys are rotated")
    named = json.loads(command(desk, "keys", "rotate", "--json"))["done"].split("key ")[1].split()[0]
    forged = desk.call("GET", "/user/profile", token=token_naming(named))
    check(forged.status == 401, "a forged token that names it is refused, and makes the server look for it", forged)
    keys = [key["kid"] for key in desk.call("GET", "/.well-known/jwks.json").json["keys"]]
    check(named in keys and len(keys) == 2, "the server publishes the new key beside the old", (named, keys))
    fresh = log_in(desk, email, "a login after it")
    check(kid_of(fresh["accessToken"]) == named, "is signed with the new key", named)
    older = desk.call("GET", "/user/profile", token=entered["accessToken"])
    check(older.status == 200, "a token of the old key stays good", older)


def token_naming(kid):
    """A token whose header is right and whose signature is none."""
    parts = [{"alg": "ES256", "typ": "JWT", "kid": kid}, {"exp": 4102444800}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "AAAA"])


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def drain(desk, example):
    body = json.dumps(example | {"email": "last@example.com"}).encode()
    with socket.create_connection((desk.host, desk.port), timeout=60) as connection:
        head = f"POST /user/register HTTP/1.1\r\nHost: {desk.host}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        # From this answer on the request is in flight: the server has begun to read its body.
        check(connection.recv(64).startswith(b"HTTP/1.1 100"), "a sign-up is in flight")
        desk.ask_to_stop()
        check(until(lambda: "stopping" in desk.log.read_text()), "the server says that it stops")
        connection.sendall(body)
        answer = connection.recv(65536)
    check(answer.startswith(b"HTTP/1.1 201"), "SIGTERM lets the sign-up in flight finish", answer[:200])
    status = desk.exit_status()
    check(status == 0, "and the server ends with exit status 0", status)


def restore(folder, settings, email):
    with Desk(folder, settings) as desk:
        kept = json.loads(command(desk, "account", "list", "--json"))
        check(len(kept) == 2, "the next start finds the account of the last moment", kept)
        desk.ask_to_stop()
        check(desk.exit_status() == 0, "an idle server stops with exit status 0")
        done = desk.command("restore", "copy.db")
        check(done.returncode == 0, "`latchkey restore copy.db` on a stopped server", done.stdout + done.stderr)
    with Desk(folder, settings) as desk:
        kept = json.loads(command(desk, "account", "list", "--json"))
        check([account["email"] for account in kept] == [email], "the file is as it was at the backup", kept)
        log_in(desk, email, "and its account logs in")


def main():
    port = usual_port()
    settings = {} if port else {"LATCHKEY_LISTEN": "127.0.0.1:0"}
    with tempfile.TemporaryDirectory() as folder:
        with Desk(folder, settings) as desk:
            check(bool(desk.port), f"without settings: {desk.first_line}")
            example, entered = sign_up(desk)
            prove_address(desk, entered)
            session_life(desk, example, entered)
            operator(desk, example["email"])
            drain(desk, example)
            log = desk.log.read_text()
            secrets = [example["password"], NEW_PASSWORD, entered["accessToken"], entered["refreshToken"]]
            check(not any(secret in log for secret in secrets), "the log holds no password and no token")
            mode = (Path(folder) / "latchkey.db").stat().st_mode & 0o777
            check(mode == 0o600, "the database is the operator's alone", oct(mode))
        restore(folder, settings, example["email"])


if __name__ == "__main__":
    main()
