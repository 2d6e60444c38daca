"""README's lines for nginx, run by Debian's nginx before a small API: who passes, who pays, what a client can forge."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desk import Desk, check, token_of, until
from nginx import Api, Gateway

SETTINGS = {"LATCHKEY_LISTEN": "127.0.0.1:0", "LATCHKEY_TRUSTED_PROXIES": "127.0.0.1"}
GRANT = 2000
IDENTITY = ("X-Account-Id", "X-Org-Id", "X-Plan", "X-Balance")


class Customer:
    """Somebody with a session, and with tokens to spend."""

    def __init__(self, desk, email):
        self.desk = desk
        entered = desk.call("POST", "/user/register", desk.example("FlashbackRegisterRequest") | {"email": email}).json
        mine = lambda: [letter for letter in desk.call("GET", "/mailbox/letters").json if letter["to"] == email]
        check(until(lambda: bool(mine())), f"the letter to {email} comes")
        verified = desk.call("POST", "/user/verify-email", {"token": token_of(mine()[0])})
        check(verified.status == 200, f"{email} is a customer", verified)
        self.token = verified.json["accessToken"]
        self.id, self.organization = entered["user"]["id"], entered["user"]["orgId"]

    def key(self, path="/user/api-keys", **wishes):
        made = self.desk.call("POST", path, {"name": "gateway"} | wishes, self.token)
        check(made.status == 201, f"{path} makes a key {wishes or ''}".rstrip(), made)
        return made.json

    def balance(self):
        """Asked for with the session, which does not pay and is not counted."""
        return int(self.desk.call("GET", "/forward-auth", token=self.token).headers["X-Balance"])


def shown(key):
    return ("X-API-Key", key["key"])


def told(api):
    """Who the API was told it is: of the last request."""
    return {name: api.arrived[-1][2].get_all(name, []) for name in IDENTITY}


def passes(gateway, api, customer):
    key = customer.key()
    answer = gateway.call("/search?q=rust", shown(key))
    check((answer.status, answer.text) == (200, "found"), "a key lets a request through", answer)
    check(api.arrived[-1][1] == "/search?q=rust", "the API sees the path and query as they were", api.arrived[-1][1])
    right = {"X-Account-Id": [customer.id], "X-Org-Id": [customer.organization], "X-Plan": ["trial"],
             "X-Balance": [str(GRANT - 1)]}  # fmt: skip
    check(told(api) == right, "and is told who pays, of which plan, and what is left", told(api))
    check(customer.balance() == GRANT - 1, "one token is debited", customer.balance())
    answer = gateway.call("/search", ("Authorization", f"Bearer {key['key']}"), method="POST", body=b"x" * 100_000)
    whole = answer.status == 200 and api.arrived[-1][0] == "POST" and api.arrived[-1][3] == b"x" * 100_000
    check(whole, "a POST with the key as a bearer token passes with its body", answer)
    check(customer.balance() == GRANT - 2, "and costs a token", customer.balance())
    answer = gateway.call("/search", ("Authorization", f"Bearer {customer.token}"))
    free = answer.status == 200 and told(api)["X-Balance"] == [str(GRANT - 2)] and customer.balance() == GRANT - 2
    check(free, "a session passes and pays nothing", answer)
    return key


def forged(gateway, api, customer, key):
    """What a client says of itself changes neither what it pays nor who it is."""
    header = lambda *pairs: ("/search", pairs)
    rows = {
        "an account and an organization of its choice": header(("X-Account-Id", "f" * 24), ("X-Org-Id", "f" * 24)),
        "a balance and a plan of its choice": header(("X-Balance", "999999"), ("X-Plan", "enterprise")),
        "an account twice, and in small letters": header(("x-account-id", "a"), ("X-ACCOUNT-ID", "b")),
        "an account with underscores, which CGI would take for the same": header(("X_Account_Id", "f" * 24)),
        "that its account is a header of this hop": header(("Connection", "close, X-Account-Id, X-Org-Id")),
        "a cost in the query": ("/search?cost=0&endpoint=free&deny=200", ()),
        "a cost in headers": header(("cost", "0"), ("X-Cost", "0"), ("X-Latchkey-Cost", "0"), ("endpoint", "free")),
        "another path in headers": header(*((name, "/forward-auth?cost=0") for name in (
            "X-Original-URI", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri"))),
        "another method, and that it is sent by somebody near": header(
            ("X-HTTP-Method-Override", "HEAD"), ("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")),
        "that it was let through already": header(("X-Latchkey-Status", "200"), ("X-Accel-Redirect", "/")),
    }  # fmt: skip
    for what, (path, headers) in rows.items():
        before = customer.balance()
        answer = gateway.call(path, shown(key), *headers)
        right = [[customer.id], [customer.organization], ["trial"], [str(before - 1)]]
        truth = answer.status == 200 and list(told(api).values()) == right
        check(truth, f"a client claims {what}: the API hears the truth", (str(answer), told(api)))
        check("X_Account_Id" not in api.arrived[-1][2], "under no other spelling either", api.arrived[-1][2])
        check(customer.balance() == before - 1, "and it paid one token", customer.balance())
    of_all = customer.key("/organization/api-keys")
    answer = gateway.call("/search", shown(of_all), ("X-Account-Id", customer.id))
    nobody = told(api)["X-Account-Id"] == [] and told(api)["X-Org-Id"] == [customer.organization]
    sentence = "an organization's key stands for no account, whichever its bearer claims"
    check(answer.status == 200 and nobody, sentence, told(api))


def refused(gateway, api, customer, key):
    """Refusals reach the client, and nothing reaches the API nor is debited."""
    limited = customer.key(endpoints=["reports"])
    rows = [
        ("no key", 401, "/search", ()),
        ("a wrong key", 401, "/search", (("X-API-Key", "lk_" + "0" * 40),)),
        ("two keys", 401, "/search", (shown(key), shown(key))),
        ("the account's name alone", 401, "/search", (("X-Account-Id", customer.id),)),
        ("a key in the query alone", 401, f"/search?apiKey={key['key']}", ()),
        ("a key for another endpoint", 403, "/search", (shown(limited),)),
        ("that, and the endpoint in its own query", 403, "/search?endpoint=reports", (shown(limited),)),
        ("a good key at the place where nginx asks", 404, "/meter/search?cost=0", (shown(key),)),
    ]
    arrived, balance = len(api.arrived), customer.balance()
    for what, status, path, headers in rows:
        answer = gateway.call(path, *headers)
        check(answer.status == status, f"{what}: {status}", answer)
        check("X-Latchkey-Status" not in answer.headers, "which stands for no other refusal", answer.headers)
    check(gateway.call("/search").headers["WWW-Authenticate"] == "Bearer", "401 names the scheme")
    check(len(api.arrived) == arrived, "nothing of it reached the API", api.arrived[arrived:])
    check(customer.balance() == balance, "and nothing was debited", customer.balance())


def counted(gateway, api, customer, key):
    before, arrived = customer.balance(), len(api.arrived)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: gateway.call("/search", shown(key)), range(20)))
    check(all(answer.status == 200 for answer in answers), "20 requests, 10 at a time, pass", answers)
    check(customer.balance() == before - 20, "and cost 20 tokens", customer.balance())
    left = sorted(int(headers["X-Balance"]) for *_, headers, _ in api.arrived[arrived:])
    check(left == list(range(before - 20, before)), "each was told another balance", left)
    used = customer.desk.call("GET", f"/finradar/api/v1/account/usage?apiKey={key['key']}").json
    paid = GRANT - customer.balance()
    right = [{"endpoint": "search", "calls": paid, "tokens": paid}]
    check(used["top_endpoints"] == right, "the ledger has a debit for each request, under README's endpoint", used)


def spent(gateway, api, customer, key):
    rest = customer.desk.call("POST", "/keys/verify", {"key": key["key"], "cost": customer.balance() - 1})
    check(rest.status == 200 and customer.balance() == 1, "one token is left", rest)
    check(gateway.call("/search", shown(key)).status == 200, "which lets one more request through")
    arrived = len(api.arrived)
    answer = gateway.call("/search", shown(key))
    told_402 = (answer.status, answer.headers["X-Latchkey-Status"]) == (403, "402")
    check(told_402, "the next is refused: 403 that tells of 402", f"{answer} {answer.headers}")
    check(customer.balance() == 0 and len(api.arrived) == arrived, "nothing is owed, and nothing reached the API")


def too_fast(gateway, api, customer):
    key = customer.key()
    for _ in range(500):
        answer = gateway.call("/search", shown(key))
        if answer.status != 200:
            break
    told_429 = (answer.status, answer.headers["X-Latchkey-Status"]) == (403, "429")
    check(told_429, "who calls too fast is refused: 403 that tells of 429", f"{answer} {answer.headers}")
    check(int(answer.headers["Retry-After"]) >= 1, "and of when to come again", answer.headers)
    return key


def guessing(gateway):
    """Wrong keys are counted for the client, not for nginx, and under no name of the client's choice."""
    wrong = ("X-API-Key", "lk_" + "0" * 40)
    for number in range(500):
        answer = gateway.call("/search", wrong, ("X-Forwarded-For", f"192.0.2.{number % 250}"), sender="127.0.0.2")
        if answer.status != 401:
            break
    told_429 = (answer.status, answer.headers["X-Latchkey-Status"]) == (403, "429")
    check(told_429, "who guesses keys is slowed down, whatever network it names", f"{answer} {answer.headers}")
    check(gateway.call("/search", wrong).status == 401, "and nobody else is")


def revoked(gateway, api, customer):
    key = customer.key()
    check(gateway.call("/search", shown(key)).status == 200, "another key lets a request through")
    ended = customer.desk.call("DELETE", f"/user/api-keys/{key['apiKey']['id']}", token=customer.token)
    check(ended.status == 200, "it is revoked", ended)
    arrived = len(api.arrived)
    check(gateway.call("/search", shown(key)).status == 401, "and refused at the very next request")
    check(len(api.arrived) == arrived, "which did not reach the API")


def closed(gateway, api, desk, key):
    arrived = len(api.arrived)
    desk.ask_to_stop()
    check(desk.exit_status() == 0, "the server ends in order")
    answer = gateway.call("/search", shown(key))
    check(answer.status == 500 and len(api.arrived) == arrived, "without it nobody is let through", answer)


def main():
    with tempfile.TemporaryDirectory() as folder, Desk(folder, SETTINGS) as desk:
        api = Api()
        with Gateway(Path(folder), desk, api) as gateway:
            ann, bob, dan, eve = (Customer(desk, f"{name}@example.com") for name in ("ann", "bob", "dan", "eve"))
            key = passes(gateway, api, ann)
            forged(gateway, api, ann, key)
            # Somebody whose minute is still whole.
            counted(gateway, api, dan, dan.key())
            guessing(gateway)
            revoked(gateway, api, bob)
            key = bob.key()
            refused(gateway, api, bob, key)
            spent(gateway, api, bob, key)
            closed(gateway, api, desk, too_fast(gateway, api, eve))


if __name__ == "__main__":
    main()
