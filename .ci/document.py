"""The OpenAPI document against the running server: schemathesis calls every operation, as a stranger and as a member."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from openapi_spec_validator import validate

from desk import Desk, check, clean_environment, token_of, until

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Hashing at its usual cost would spend the time on passwords; limits would answer 429 to nearly everything.
SETTINGS = {
    "LATCHKEY_LISTEN": "127.0.0.1:0",
    "LATCHKEY_RATE_LIMITS": "off",
    "LATCHKEY_ARGON2": "m=64,t=1,p=1",
    "LATCHKEY_LOG_FORMAT": "json",
}
# They can end the very session that the other calls need, or what it may do.
LEAVING = [
    "/user/logout", "/user/deactivate", "/token/{tokenId}", "/sessions/{id}/revoke", "/devices/{id}",
    "/orbai/api/v1/auth/logout", "/mfa/organization/enforce", "/organization/{orgId}",
    "/orbai/api/v1/auth/devices/{device_id}", "/orbai/api/v1/users/me/account",
]  # fmt: skip
METERED = "^/(forward-auth|finradar/api/v1/account/)"


def member(desk, email):
    """Somebody with a proved address: an access token, the account's id, and the id of another session."""
    order = desk.example("FlashbackRegisterRequest") | {"email": email}
    entered = desk.call("POST", "/user/register", order).json
    def letters():
        return [letter for letter in desk.call("GET", "/mailbox/letters").json if letter["to"] == email]

    check(until(letters), f"a letter to {email} comes")
    verified = desk.call("POST", "/user/verify-email", {"token": token_of(letters()[0])})
    check(verified.status == 200, f"{email} is a member", verified)
    return verified.json["accessToken"], entered["user"]["id"], entered["tokenId"]


def finradar_token(desk):
    """Somebody's with a proved address."""
    member(desk, "user@example.org")
    password = desk.example("FlashbackRegisterRequest")["password"]
    order = {"email": "user@example.org", "password": password}
    entered = desk.call("POST", "/finradar/api/v1/auth/login", order)
    check(entered.status == 200, "user@example.org logs in through FinRadar", entered)
    return entered.json["token"]


def orbai_token(desk):
    """Somebody's who has just signed up: the contract lets them in at once."""
    order = desk.example("OrbAiRegisterRequest") | {"email": "app@example.net"}
    entered = desk.call("POST", "/orbai/api/v1/auth/register", order)
    check(entered.status == 200, "app@example.net signs up through OrbAI", entered)
    return entered.json["data"]["tokens"]["access_token"]


def appmaker_token(desk):
    """An owner's with a proved address."""
    member(desk, "owner@example.info")
    password = desk.example("FlashbackRegisterRequest")["password"]
    order = {"username": "owner@example.info", "password": password}
    entered = desk.call("POST", "/appmaker/api/v1/auth/login", order)
    check(entered.status == 200, "owner@example.info logs in through AppMaker", entered)
    return entered.json["accessToken"]


def appmaker(desk):
    entered = appmaker_token(desk)
    # schemathesis would register by itself, and knows no value for the invitation: strangers have tried that call.
    here = ["--include-path-regex", "^/appmaker/", "--exclude-path", "/appmaker/api/v1/auth/register/{token}"]
    me = desk.call("GET", "/appmaker/api/v1/me", token=entered).json
    place = {f"{call} /appmaker/api/v1/organizations/{{id}}/{what}": {"id": me["organization"]}
             for call, what in (("GET", "users"), ("GET", "roles"), ("GET", "invitations"), ("POST", "invitations"))}
    run(desk, "an AppMaker user", 25, ["--header", f"Authorization: Bearer {entered}", *here], place)
    order = {"name": "fuzzer", "lifetime": "one-day", "privileges": ["list-users", "manage-invitations"]}
    made = desk.call("POST", "/appmaker/api/v1/me/tokens", order, entered)
    check(made.status == 201, "who makes a personal access token", made)
    run(desk, "a program with that token", 20, ["--header", f"x-access-token: {made.json['token']}", *here], place)
    still = desk.call("GET", "/appmaker/api/v1/me", token=entered)
    check(still.status == 200, "the AppMaker user's session has lived through all of it", still)


def run(desk, name, seconds, options, parameters=None):
    folder = desk.folder / "schemathesis"
    folder.mkdir(exist_ok=True)
    config = folder / f"{name}.toml"
    config.write_text(settings_file(parameters or {}))
    log = folder / f"{name}.log"
    command = [
        Path(sys.executable).with_name("st"), "--config-file", config, "run", Path("openapi.yaml").resolve(),
        "--url", desk.url, "--checks", CHECKS, "--max-time", str(seconds), "--seed", "20", "--no-color",
        "--generation-database", "none", "--continue-on-failure", "--max-redirects", "0",
        "--suppress-health-check", "all", *options,
    ]  # fmt: skip
    with open(log, "wb") as file:
        done = subprocess.run(
            command, cwd=folder, env=clean_environment({}), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            timeout=seconds * 4 + 120,
        )  # fmt: skip
    words = log.read_text(errors="replace")
    check(done.returncode == 0, f"schemathesis finds no failure as {name}", words[-12000:])
    cases = next(line for line in words.splitlines() if line.endswith(" passed") and " generated, " in line)
    print(f"       {cases.strip()}")


def settings_file(parameters):
    """Path parameters that name something that exists, so that more than 404 is seen."""
    lines = []
    for operation, values in parameters.items():
        lines += ["[[operations]]", f'include-name = "{operation}"', "[operations.parameters]"]
        lines += [f'{name} = "{value}"' for name, value in values.items()]
    return "\n".join(lines) + "\n"


def main():
    with tempfile.TemporaryDirectory() as folder, Desk(folder, SETTINGS) as desk:
        run(desk, "a stranger", 60, [])
        token, account, session = member(desk, "fuzzed@example.com")
        bearer = ["--header", f"Authorization: Bearer {token}"]
        staying = [*bearer, *(word for path in LEAVING for word in ("--exclude-path", path))]
        leaving = [*bearer, *(word for path in LEAVING for word in ("--include-path", path))]
        run(desk, "a member, with an id that exists", 45, staying, {"PUT /user/{userId}": {"userId": account}})
        run(desk, "a member", 40, staying)
        still = desk.call("GET", "/user/profile", token=token)
        check(still.status == 200, "the member's session has lived through all of it", still)
        run(desk, "a member who leaves", 15, leaving, {"DELETE /token/{tokenId}": {"tokenId": session}})
        entered = finradar_token(desk)
        user = ["--header", f"Authorization: Bearer {entered}", "--include-path-regex", "^/finradar/"]
        run(desk, "a FinRadar user", 30, user)
        key = desk.call("POST", "/user/api-keys", {"name": "fuzzer"}, entered)
        check(key.status == 201, "who came in by FinRadar makes an API key", key)
        program = ["--header", f"X-API-Key: {key.json['key']}", "--include-path-regex", METERED]
        run(desk, "a program with an API key", 20, program)
        left = desk.call("GET", "/finradar/api/v1/account/balance", token=entered)
        check(left.json["current_balance"] < 2000, "which has paid for calls that were let through", left)
        entered = orbai_token(desk)
        user = ["--header", f"Authorization: Bearer {entered}", "--include-path-regex", "^/orbai/"]
        user += [word for path in LEAVING for word in ("--exclude-path", path)]
        run(desk, "an OrbAI user", 30, user)
        still = desk.call("GET", "/orbai/api/v1/users/me", token=entered)
        check(still.status == 200, "the OrbAI user's session has lived through all of it", still)
        appmaker(desk)
        for contract in ("flashback", "finradar", "orbai", "appmaker"):
            validate(desk.call("GET", f"/openapi/{contract}.json").json)
            check(True, f"openapi-spec-validator finds the document of {contract} valid")
        faults = [line for line in desk.log.read_text().splitlines() if '"level":"ERROR"' in line]
        check(not faults, "the server's log holds no error", "\n".join(faults[:10]))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    main()
