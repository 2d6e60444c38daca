// What somebody writes who has generated a TypeScript client from a contract's document: sign up, prove the address, log
// in, and read what the contract keeps of one. Each check goes to standard output as a line of JSON for clients.py.

import createClient, { type Client } from "openapi-fetch";
import type { paths as FinRadar } from "./finradar.js";
import type { paths as Flashback } from "./flashback.js";
import type { paths as OrbAi } from "./orbai.js";
import type { paths as Whole } from "./whole.js";

/** The operations below a prefix, by the paths that are left without it. */
type Below<Prefix extends string, Paths> = {
  [Path in keyof Paths as Path extends `${Prefix}${infer Rest}` ? Rest : never]: Paths[Path];
};

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

const PASSWORD = "Generated-Secret-7";

function check(holds: boolean, sentence: string, seen: unknown = ""): asserts holds {
  console.log(JSON.stringify({ holds, sentence: `TypeScript, ${sentence}`, seen }));
  if (!holds) throw new Error(sentence);
}

/** The body of a success. */
function given<Data>({ data, error, response }: Answer<Data>, sentence: string): Data {
  check(data !== undefined, sentence, { status: response.status, error });
  return data;
}

function bearer(client: Client<any>, token: string): void {
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token}`);
    },
  });
}

/** The link of the verification letter to an address. The time only bounds the wait for one that never comes. */
async function link(server: string, email: string): Promise<URL> {
  const whole = createClient<Whole>({ baseUrl: server });
  const end = Date.now() + 30_000;
  for (;;) {
    const { data: letters = [] } = await whole.GET("/mailbox/letters");
    const found = letters.find((letter) => letter.to === email && letter.kind === "verify")?.links[0];
    if (found !== undefined) return new URL(found);
    check(Date.now() < end, `the verification letter to ${email} comes`, letters);
    await new Promise((go) => setTimeout(go, 50));
  }
}

/** The button of the page that the letter leads to. */
async function confirm(server: string, email: string, client: string): Promise<void> {
  const { href, pathname, searchParams } = await link(server, email);
  const pressed = await fetch(new URL(pathname, href), { method: "POST", body: searchParams });
  check(pressed.status === 200, `${client}: the letter's page proves the address`, pressed.status);
}

async function finradar(client: Client<FinRadar>, name: string, server: string, code: string): Promise<void> {
  const email = `${name.replaceAll(" ", ".").toLowerCase()}@ts.example`;
  const redeemed = await client.POST("/api/v1/auth/redeem-invite", { body: { code } });
  const { invite_token } = given(redeemed, `${name}: an invite code is redeemed`);
  const order = { email, password: PASSWORD, invite_token };
  given(await client.POST("/api/v1/auth/register", { body: order }), `${name}: a sign-up`);
  const again = await client.POST("/api/v1/auth/register", { body: order });
  const refused = again.response.status === 400 && again.error?.message === "Email already exists";
  check(refused, `${name}: the same address again is refused in the type that the document names`, again.error);
  await confirm(server, email, name);
  const entered = await client.POST("/api/v1/auth/login", { body: { email, password: PASSWORD } });
  const { token, user } = given(entered, `${name}: a login`);
  check(user.email === email && user.verify_email, `${name}: it tells who came in`, user);
  bearer(client, token);
  const read = await client.GET("/api/v1/account/balance");
  const { current_balance, plan } = given(read, `${name}: the balance is read`);
  check(current_balance === 2000 && plan === "free", `${name}: it is the free tier's`, { current_balance, plan });
  const own = await client.GET("/api/v1/user/");
  check(given(own, `${name}: the user is read`).user.uuid === user.uuid, `${name}: and is the same`, own.data);
}

async function flashback(client: Client<Flashback>, server: string): Promise<void> {
  const email = "flashback@ts.example";
  const order = { email, password: PASSWORD, firstName: "Ann", lastName: "Lee", companyName: "Generated", isBusiness: false };
  const { user } = given(await client.POST("/user/register", { body: order }), "Flashback: a sign-up");
  const token = (await link(server, email)).searchParams.get("token") ?? "";
  given(await client.POST("/user/verify-email", { body: { token } }), "Flashback: the address is proved");
  const entered = await client.POST("/user/login", { body: { email, password: PASSWORD } });
  bearer(client, given(entered, "Flashback: a login").accessToken);
  const profile = given(await client.GET("/user/profile"), "Flashback: the profile is read");
  check(profile.data.id === user.id && profile.data.validated, "Flashback: it is the one who signed up", profile);
}

async function orbai(client: Client<OrbAi>, server: string): Promise<void> {
  const email = "orbai@ts.example";
  const order = { email, password: PASSWORD, device_id: "desk", device_name: "Desk" };
  const joined = given(await client.POST("/api/v1/auth/register", { body: order }), "OrbAI: a sign-up");
  await confirm(server, email, "OrbAI");
  const login = { email, password: PASSWORD, device_id: "phone" };
  const entered = given(await client.POST("/api/v1/auth/login", { body: login }), "OrbAI: a login");
  bearer(client, entered.data.tokens?.access_token ?? "");
  const me = given(await client.GET("/api/v1/users/me"), "OrbAI: the user is read");
  check(me.data.user.uuid === joined.data.user.uuid, "OrbAI: it is the one who signed up", me);
  const devices = given(await client.GET("/api/v1/auth/devices"), "OrbAI: the devices are listed").data.devices;
  const names = devices.map((device) => device.device_id).sort();
  check(names.join() === "desk,phone", "OrbAI: both devices are there", names);
}

/** All journeys: by the contract's name, by the prefix, and by the document of the whole server. */
export async function main(server: string, door: string, code: string): Promise<void> {
  await finradar(createClient<FinRadar>({ baseUrl: door }), "FinRadar by its name", server, code);
  const prefixed = `${server}/finradar`;
  await finradar(createClient<FinRadar>({ baseUrl: prefixed }), "FinRadar by its prefix", server, code);
  // That this compiles shows besides that both documents say the same of FinRadar.
  const whole: Client<FinRadar> = createClient<Below<"/finradar", Whole>>({ baseUrl: prefixed });
  await finradar(whole, "FinRadar in the whole", server, code);
  await flashback(createClient<Flashback>({ baseUrl: server }), server);
  await orbai(createClient<OrbAi>({ baseUrl: `${server}/orbai` }), server);
}
