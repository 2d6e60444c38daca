"""Clients generated from the documents that the server serves, in TypeScript and in Python: each compiles, signs up,
proves its address, logs in, and reads what its contract keeps of one."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from desk import Desk, check, clean_environment, token_of, until

DOCUMENTS = {"whole": "/openapi.json", "flashback": "/openapi/flashback.json", "finradar": "/openapi/finradar.json",
             "orbai": "/openapi/orbai.json", "appmaker": "/openapi/appmaker.json"}  # fmt: skip
HERE = Path(__file__).parent
NODE = Path(os.environ["LATCHKEY_CI_NODE"]).resolve()
PASSWORD = "Generated-Secret-7"
# More sign-ups from one address than a minute allows.
SETTINGS = {"LATCHKEY_LISTEN": "127.0.0.1:0", "LATCHKEY_RATE_LIMITS": "off"}
# The generator knows no OpenMetrics; tidying what it wrote is of no use here.
GENERATOR = {
    "post_hooks": [],
    "content_type_overrides": {"application/openmetrics-text; version=1.0.0; charset=utf-8": "text/plain"},
}
# Beside --strict, the checks of indexes and absent fields.
COMPILER = {
    "strict": True, "noUncheckedIndexedAccess": True, "exactOptionalPropertyTypes": True, "noEmitOnError": True,
    "target": "es2022", "module": "nodenext", "types": [],
}  # fmt: skip


def tool(sentence, *command, cwd):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean_environment({}), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    check(done.returncode == 0, sentence, done.stdout[-6000:] + done.stderr[-6000:])
    return done.stdout


def fetch_documents(desk, folder):
    for name, path in DOCUMENTS.items():
        answer = desk.call("GET", path)
        check(answer.status == 200, f"the document of {name} is served", answer)
        (folder / f"{name}.json").write_text(answer.text, encoding="utf-8")


def invite(desk):
    done = desk.command("invite", "create", "--uses", "10", "--json")
    check(done.returncode == 0, "`latchkey invite create` makes a code for ten", done.stdout + done.stderr)
    return json.loads(done.stdout)["code"]


def typescript(desk, folder, code):
    # Beside the packages, so that compiler and program find them.
    with tempfile.TemporaryDirectory(dir=NODE) as sources:
        compile_typescript(folder, Path(sources))
        run_typescript(desk, Path(sources) / "clients.js", code)


def compile_typescript(folder, sources):
    (sources / "package.json").write_text('{"type": "module"}')
    (sources / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "files": ["clients.ts"]}))
    (sources / "clients.ts").write_bytes((HERE / "clients.ts").read_bytes())
    bin_folder = NODE / "node_modules" / ".bin"
    for name in DOCUMENTS:
        command = [bin_folder / "openapi-typescript", folder / f"{name}.json", "--output", sources / f"{name}.ts"]
        tool(f"openapi-typescript generates a client of {name}", *command, cwd=sources)
    sentence = "tsc --strict compiles the clients, and a program that uses them"
    tool(sentence, bin_folder / "tsc", cwd=sources)


def run_typescript(desk, compiled, code):
    door = f"http://finradar.localhost:{desk.port}"
    done = subprocess.run(
        ["node", HERE / "clients.mjs", compiled, desk.url, door, code], env=clean_environment({}),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        check(**json.loads(line))
    check(done.returncode == 0, "the TypeScript program ends in order", done.stderr[-3000:])


class Generated:
    """A Python client's package, imported whole: its operations by their ids, its models by their names."""

    def __init__(self, package):
        self.client = importlib.import_module(f"{package}.client")
        self.models = importlib.import_module(f"{package}.models")
        api = importlib.import_module(f"{package}.api")
        found = pkgutil.walk_packages(api.__path__, f"{package}.api.")
        modules = [importlib.import_module(module.name) for module in found if not module.ispkg]
        self.operations = {module.__name__.rsplit(".", 1)[1]: module for module in modules}

    def given(self, sentence, operation, client, **arguments):
        """What a successful call answers, as the type that the document names."""
        answer = self.operations[operation].sync_detailed(client=client, **arguments)
        check(answer.status_code < 300 and answer.parsed is not None, f"Python, {sentence}", answer)
        return answer.parsed


def python(desk, folder, code):
    config = folder / "generator.json"
    config.write_text(json.dumps(GENERATOR))
    generator = Path(sys.executable).with_name("openapi-python-client")
    for name in DOCUMENTS:
        command = [generator, "generate", "--path", folder / f"{name}.json", "--output-path", folder / f"{name}_client",
                   "--config", config, "--meta", "none", "--fail-on-warning"]  # fmt: skip
        tool(f"openapi-python-client generates a client of {name}, without a warning", *command, cwd=folder)
        tool("which compiles", sys.executable, "-m", "compileall", "-q", f"{name}_client", cwd=folder)
    sys.path.insert(0, str(folder))
    generated = {name: Generated(f"{name}_client") for name in DOCUMENTS}
    for name, api in generated.items():
        paths = json.loads((folder / f"{name}.json").read_text())["paths"].values()
        operations = sum("operationId" in operation for path in paths for operation in path.values())
        check(len(api.operations) == operations, f"the client of {name} is imported, all {operations} operations")
    door = {"Host": f"finradar.localhost:{desk.port}"}
    finradar(desk, generated["finradar"], ("by its name", desk.url, door), code)
    finradar(desk, generated["finradar"], ("by its prefix", f"{desk.url}/finradar", {}), code)
    finradar(desk, generated["whole"], ("in the whole", desk.url, {}), code)
    flashback(desk, generated["flashback"])
    orbai(desk, generated["orbai"])
    appmaker(desk, generated["appmaker"])
    whole = generated["whole"]
    letters = whole.given("the whole: the mailbox is read", "mailbox_letters", stranger(whole, desk.url))
    check(len(letters) >= 8, "and holds a letter of every sign-up", len(letters))


def stranger(api, url, headers=None):
    return api.client.Client(base_url=url, headers=headers or {})


def letter_to(desk, email):
    """The verification letter, once the courier has brought it."""
    def found():
        letters = desk.call("GET", "/mailbox/letters").json
        return [letter for letter in letters if (letter["to"], letter["kind"]) == (email, "verify")]

    check(until(found), f"the verification letter to {email} comes")
    return found()[0]


def press(desk, email):
    """The button of the page that the letter leads to."""
    link = urllib.parse.urlsplit(letter_to(desk, email)["links"][0])
    with urllib.request.urlopen(f"{desk.url}{link.path}", link.query.encode(), timeout=60) as answer:
        return answer.status


def finradar(desk, api, way, code):
    name, url, headers = way
    at, email = f"FinRadar {name}:", f"{name.replace(' ', '.').lower()}@py.example"
    client, models = stranger(api, url, headers), api.models
    body = models.FinRadarRedeemRequest(code=code)
    redeemed = api.given(f"{at} an invite code is redeemed", "finradar_redeem_invite", client, body=body)
    order = models.FinRadarRegisterRequest(email=email, password=PASSWORD, invite_token=redeemed.invite_token)
    api.given(f"{at} a sign-up", "finradar_register", client, body=order)
    again = api.operations["finradar_register"].sync_detailed(client=client, body=order)
    refused = again.status_code == 400 and again.parsed.message == "Email already exists"
    check(refused, f"Python, {at} the same address again is refused in the type that the document names", again)
    check(press(desk, email) == 200, f"Python, {at} the letter's page proves the address")
    body = models.FinRadarLoginRequest(email=email, password=PASSWORD)
    entered = api.given(f"{at} a login", "finradar_login", client, body=body)
    check(entered.user.email == email and entered.user.verify_email, f"Python, {at} it tells who came in", entered)
    member = api.client.AuthenticatedClient(base_url=url, headers=headers, token=entered.token)
    balance = api.given(f"{at} the balance is read", "finradar_balance", member)
    free = (balance.current_balance, balance.plan) == (2000, "free")
    check(free, f"Python, {at} it is the free tier's", balance)
    key = api.given(f"{at} the API key is rotated", "finradar_rotate_key", member).api_key
    holder = api.client.AuthenticatedClient(
        base_url=url, headers=headers, token=key, prefix="", auth_header_name="X-API-Key"
    )
    by_key = api.given(f"{at} the balance is read by API key", "finradar_balance", holder)
    check(by_key == balance, f"Python, {at} and is the same", by_key)


def flashback(desk, api):
    email, models = "flashback@py.example", api.models
    client = stranger(api, desk.url)
    example = desk.example("FlashbackRegisterRequest") | {"email": email, "password": PASSWORD}
    order = models.FlashbackRegisterRequest.from_dict(example)
    user = api.given("Flashback: a sign-up", "flashback_register", client, body=order).user
    proof = models.FlashbackVerifyRequest(token=token_of(letter_to(desk, email)))
    api.given("Flashback: the address is proved", "flashback_verify", client, body=proof)
    body = models.FlashbackLoginRequest(email=email, password=PASSWORD)
    entered = api.given("Flashback: a login", "flashback_login", client, body=body)
    member = api.client.AuthenticatedClient(base_url=desk.url, token=entered.access_token)
    profile = api.given("Flashback: the profile is read", "flashback_profile", member).data
    check(profile.id == user.id and profile.validated, "Python, Flashback: it is the one who signed up", profile)


def orbai(desk, api):
    email, models = "orbai@py.example", api.models
    door = {"Host": f"orbai.localhost:{desk.port}"}
    client = stranger(api, desk.url, door)
    order = models.OrbAiRegisterRequest(email=email, password=PASSWORD, device_id="desk", device_name="Desk")
    user = api.given("OrbAI: a sign-up", "orbai_register", client, body=order).data.user
    check(press(desk, email) == 200, "Python, OrbAI: the letter's page proves the address")
    body = models.OrbAiLoginRequest(email=email, password=PASSWORD, device_id="phone")
    entered = api.given("OrbAI: a login", "orbai_login", client, body=body).data
    token = entered.tokens.access_token
    member = api.client.AuthenticatedClient(base_url=desk.url, headers=door, token=token)
    me = api.given("OrbAI: the user is read", "orbai_me", member).data.user
    check(me.uuid == user.uuid, "Python, OrbAI: it is the one who signed up", me)
    devices = api.given("OrbAI: the devices are listed", "orbai_devices", member).data.devices
    names = sorted(device.device_id for device in devices)
    check(names == ["desk", "phone"], "Python, OrbAI: both devices are there", names)


def appmaker(desk, api):
    email, models = "appmaker@py.example", api.models
    done = desk.command("invitation", "create", "--organization", "Generated Py", "--email", email, "--role", "OWNER")
    check(done.returncode == 0, "`latchkey invitation create` invites an owner", done.stdout + done.stderr)
    def invitation():
        letters = desk.call("GET", "/mailbox/letters").json
        return [letter for letter in letters if (letter["to"], letter["kind"]) == (email, "invitation")]

    check(until(invitation), "Python, AppMaker: the invitation comes")
    url = f"{desk.url}/appmaker/api/v1"
    client = stranger(api, url)
    order = models.AppMakerRegisterRequest(
        username=email, password=PASSWORD, first_name="Ann", last_name="Lee", token="any answer while captchas are off"
    )
    user = api.given("AppMaker: a registration", "appmaker_register", client, token=token_of(invitation()[0]), body=order)
    body = models.AppMakerLoginRequest(username=email, password=PASSWORD)
    entered = api.given("AppMaker: a login", "appmaker_login", client, body=body)
    member = api.client.AuthenticatedClient(base_url=url, token=entered.access_token)
    me = api.given("AppMaker: the user is read", "appmaker_me", member)
    check(me.field_id == user.field_id, "Python, AppMaker: it is the one who registered", me)


def main():
    with tempfile.TemporaryDirectory() as folder, Desk(folder, SETTINGS) as desk:
        fetch_documents(desk, desk.folder)
        code = invite(desk)
        typescript(desk, desk.folder, code)
        python(desk, desk.folder, code)
        faults = [line for line in desk.log.read_text().splitlines() if " ERROR " in line]
        check(not faults, "the server's log holds no error", "\n".join(faults[:10]))


if __name__ == "__main__":
    main()
