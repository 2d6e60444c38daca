"""The second factor with an authenticator app that is not ours: Debian's oathtool, by the machine's clock."""

import subprocess
import tempfile
import time

from desk import Desk, check, token_of

STEP = 30


def shown(secret):
    """What the app shows, with enough of the step left to send it."""
    if time.time() % STEP > STEP - 5:
        time.sleep(STEP - time.time() % STEP)
    done = subprocess.run(["oathtool", "--totp", "--base32", secret], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def next_step():
    """Waits for a step that no code was used of yet: each is good once."""
    time.sleep(STEP - time.time() % STEP + 0.5)


def enrol(desk):
    example = desk.example("FlashbackRegisterRequest")
    entered = desk.call("POST", "/user/register", example).json
    token = token_of(desk.letters(at_least=1)[0])
    access = desk.call("POST", "/user/verify-email", {"token": token}).json["accessToken"]
    check(access != entered["accessToken"], "somebody signs up and proves the address")
    setup = desk.call("POST", "/mfa/setup", {"mfaType": "GOOGLE_AUTH"}, access)
    check(setup.status == 200, "a setup gives what an app needs", setup)
    data = setup.json["data"]
    confirmed = desk.call(
        "POST", "/mfa/verify-setup", {"mfaType": "GOOGLE_AUTH", "code": shown(data["secret"])}, access
    )
    check(confirmed.status == 200, "oathtool's code confirms it", confirmed)
    return example, data


def log_in(desk, example, code):
    ticket = desk.call("POST", "/user/login", {"email": example["email"], "password": example["password"]})
    check(ticket.json.get("mfaRequired") is True, "a login asks for a code", ticket)
    body = {"mfaType": "GOOGLE_AUTH", "code": code}
    return desk.call("POST", "/mfa/verify-login", body, ticket.json["accessToken"])


def main():
    with tempfile.TemporaryDirectory() as folder, Desk(folder, {"LATCHKEY_LISTEN": "127.0.0.1:0"}) as desk:
        example, data = enrol(desk)
        next_step()
        code = shown(data["secret"])
        entered = log_in(desk, example, code)
        check(entered.status == 200, "and lets in with oathtool's", entered)
        profile = desk.call("GET", "/user/profile", token=entered.json["fullAccessToken"])
        check(profile.status == 200, "the full token is good", profile)
        check(log_in(desk, example, code).status == 401, "the same code again is refused")
        spare = log_in(desk, example, data["backupCodes"][0])
        check(spare.status == 200, "a recovery code lets in", spare)
        check(log_in(desk, example, data["backupCodes"][0]).status == 401, "once")
        helped = desk.command("account", "reset-2fa", example["email"])
        check(helped.returncode == 0, "the operator takes the factor away", helped.stderr)
        entered = desk.call("POST", "/user/login", {"email": example["email"], "password": example["password"]})
        check("mfaRequired" not in entered.json, "and the password alone lets in", entered)


if __name__ == "__main__":
    main()
