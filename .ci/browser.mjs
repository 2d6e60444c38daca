// What a person does in a browser: the example of /docs, the letter in /mailbox, its link, and the write that it unlocks.
// Then every page in two sizes and two color schemes, as pictures for whoever wants to look.

import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const { chromium } = createRequire(join(process.env.LATCHKEY_CI_NODE ?? ".", "x.js"))("playwright-core");

const BINARY = resolve(process.env.LATCHKEY_BINARY ?? "target/release/latchkey");
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const SCHEMES = ["light", "dark"];

function check(holds, sentence, seen = "") {
  const tally = process.env.LATCHKEY_CI_TALLY;
  if (tally) appendFileSync(tally, holds ? "passed\n" : "failed\n");
  console.log(`  ${holds ? "ok  " : "FAIL"} ${sentence}`);
  if (!holds) throw new Error(`seen: ${typeof seen === "string" ? seen : JSON.stringify(seen, null, 2)}`);
}

/** A server in a folder of its own; its mailbox is this run's. */
async function serve(folder) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("LATCHKEY_"));
  const env = { ...Object.fromEntries(kept), LATCHKEY_LISTEN: "127.0.0.1:0" };
  const log = openSync(join(folder, "server.log"), "a");
  const child = spawn(BINARY, { cwd: folder, env, stdio: ["ignore", "pipe", log] });
  const line = await new Promise((tell, fail) => {
    createInterface(child.stdout).once("line", tell);
    child.once("error", fail).once("exit", () => fail(new Error(readFileSync(join(folder, "server.log"), "utf8"))));
  });
  child.removeAllListeners("exit");
  return { child, url: line.replace("listening on ", "") };
}

/** Notes whatever a page should not do: errors on the console, violated policies, requests to anybody else. */
function watch(page, url) {
  const wrongs = [];
  const refused = [];
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // Chromium reports each answer of 400 and above as an error; which of them are right is checked by status.
    if (message.text().startsWith("Failed to load resource")) return;
    wrongs.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrongs.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => wrongs.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    const own = request.url().startsWith(`${url}/`) || /^(data|blob|about):/.test(request.url());
    if (!own) wrongs.push(`foreign: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) refused.push(`${response.status()} ${response.request().method()}`);
  });
  return { wrongs, refused };
}

/** One operation of Swagger UI. */
class Operation {
  constructor(page, id) {
    this.block = page.locator(`.opblock[id$="-${id}"]`);
  }

  async open() {
    await this.block.locator(".opblock-summary-control").click();
    await this.block.locator(".try-out__btn").click();
  }

  async fill(name, value) {
    await this.block.locator(`tr[data-param-name="${name}"] input`).fill(value);
  }

  /** Presses Execute; what the page then shows as status and body. */
  async execute() {
    const answered = this.block.page().waitForResponse((response) => response.request().resourceType() === "fetch");
    await this.block.locator(".execute").click();
    const status = (await answered).status();
    const shown = this.block.locator(".live-responses-table tbody tr.response");
    await shown.locator(".response-col_status", { hasText: String(status) }).waitFor();
    return { status, body: await shown.locator(".highlight-code code, pre.microlight").first().innerText() };
  }
}

async function authorize(page, token) {
  await page.locator(".auth-wrapper .btn.authorize").first().click();
  const dialog = page.locator(".dialog-ux");
  // One form a scheme: every contract has its own.
  const form = dialog.locator("form", { hasText: "FlashbackBearer" });
  await form.locator("input").fill(token);
  await form.locator(".btn.authorize").click();
  await dialog.locator(".btn-done").first().click();
}

async function followTheDocs(page, url) {
  await page.goto(`${url}/docs`);
  const register = new Operation(page, "flashbackRegister");
  await register.open();
  const made = await register.execute();
  check(made.status === 201, "/docs: the example of POST /user/register, unedited, answers 201", made);
  const { accessToken, user } = JSON.parse(made.body);
  await authorize(page, accessToken);
  const profile = new Operation(page, "flashbackProfile");
  await profile.open();
  const read = await profile.execute();
  check(read.status === 200, "/docs: Authorize with its accessToken, then GET /user/profile answers 200", read);
  const change = new Operation(page, "flashbackChangeProfile");
  await change.open();
  await change.fill("userId", user.id);
  const before = await change.execute();
  check(before.status === 403, "/docs: PUT /user/{userId} answers 403 before the address is proved", before);
  return { change, user };
}

async function followTheLetter(page, url, user) {
  await page.goto(`${url}/`);
  await page.getByRole("link", { name: "Mailbox" }).click();
  await page.getByRole("link", { name: user.email }).click();
  const letter = page.url();
  const framed = page.frameLocator("iframe").getByRole("link").first();
  await framed.waitFor();
  check((await framed.getAttribute("href")).startsWith(`${url}/verify-email`), "/mailbox: the HTML part is shown, with its link");
  await page.locator(".links a").first().click();
  await page.waitForURL(/\/verify-email/);
  const link = page.url();
  check((await page.locator(".address").innerText()) === user.email, "its link leads to a page that names the address");
  return { letter, link };
}

/** The mailbox shows what has come without being asked, copies, finds, and is emptied by its button. */
async function useTheMailbox(browser, shots) {
  const { url, folder } = shots;
  const context = await browser.newContext({ viewport: SIZES.desktop, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const seen = watch(page, url);
  await page.goto(`${url}/mailbox`);
  const email = "nina@company.com";
  const before = await page.locator(".letters li").count();
  await signUp(url, email);
  const row = page.getByRole("link", { name: email });
  await row.waitFor({ timeout: 20_000 });
  check((await page.locator(".letters li").count()) === before + 1, "/mailbox: a new letter appears without reloading");
  await page.getByLabel("Address").fill("NINA@");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/[?]q=NINA/);
  check((await page.locator(".letters li").count()) === 1, "/mailbox: an address finds its letter alone");
  await row.click();
  const link = await page.locator(".links a").first().getAttribute("href");
  const code = await page.locator("p.code").innerText();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  check((await clipboard()) === link, "the letter's page: “Copy link” copies the link", await clipboard());
  await page.getByRole("button", { name: "Copy code" }).click();
  await page.waitForFunction((code) => navigator.clipboard.readText().then((text) => text === code), code);
  check((await clipboard()) === code, "the letter's page: “Copy code” copies the code", await clipboard());
  await page.getByRole("link", { name: "Text" }).click();
  check((await page.locator("pre").innerText()).includes(link), "the letter's page: the text view holds the link");
  await page.getByRole("link", { name: "Raw" }).click();
  const raw = await page.locator("pre").innerText();
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download .eml" }).click()]);
  const file = readFileSync(await saved.path(), "utf8").replaceAll("\r\n", "\n");
  check(file.trim() === raw.trim() && raw.includes("Auto-Submitted"), "the letter's page: the download is what the raw view shows", raw);
  await page.goto(`${url}/mailbox`);
  await page.getByRole("button", { name: "Delete all letters" }).click();
  await page.getByRole("heading", { name: "No letters yet" }).waitFor();
  check(page.url() === `${url}/mailbox`, "/mailbox: its button deletes all letters");
  await page.screenshot({ path: join(folder, "mailbox-empty.png") });
  check(seen.wrongs.length === 0 && seen.refused.length === 0, "and no policy was violated", seen);
  await context.close();
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const still = await plain.newPage();
  await signUp(url, "olaf@company.com");
  await still.goto(`${url}/mailbox?q=olaf`);
  await still.getByRole("link", { name: "olaf@company.com" }).click();
  check((await still.getByRole("button", { name: "Copy link" }).count()) === 0, "without JavaScript no button promises anything");
  await still.goto(`${url}/mailbox`);
  await still.getByRole("button", { name: "Delete all letters" }).click();
  await still.getByRole("heading", { name: "No letters yet" }).waitFor();
  check(true, "without JavaScript the list is found, read and emptied");
  await plain.close();
}

async function signUp(url, email) {
  const body = { email, password: "SecurePass123", firstName: "Nina", lastName: "Lee", companyName: "Company", isBusiness: false };
  const made = await fetch(`${url}/user/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  check(made.status === 201, `${email} signs up`, String(made.status));
}

async function confirm(page) {
  await page.getByRole("button", { name: "Confirm address" }).click();
  const heading = await page.getByRole("heading", { level: 1 }).innerText();
  check(heading === "Address confirmed", "its button proves the address", heading);
}

/** A page in all sizes and schemes. `visit` brings a fresh browser page there. */
async function picture(browser, { url, folder }, name, visit, refusals = []) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport, colorScheme, isMobile: size === "phone" });
      const page = await context.newPage();
      const seen = watch(page, url);
      await visit(page);
      await page.waitForLoadState("networkidle");
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      await context.close();
      if (wide > 0 && name !== "docs") check(false, `${name} fits a ${size}'s width`, `${wide} px too wide`);
      const clean = seen.wrongs.length === 0 && String(seen.refused) === String(refusals);
      if (!clean) check(false, `${name} is shown without a fault`, seen);
    }
  }
  check(true, `${name}: shown on desktop and phone, light and dark, without a fault`);
}

async function resetLink(url, email) {
  const asked = await fetch(`${url}/user/request-reset-password`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email }),
  });
  check(asked.status === 200, "a reset letter is asked for", String(asked.status));
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const letters = await (await fetch(`${url}/mailbox/letters`)).json();
    const letter = letters.find((one) => one.kind === "reset");
    if (letter) return letter.links[0];
  }
  throw new Error("no reset letter within 30 seconds");
}

async function journey(browser, shots) {
  const { url } = shots;
  const goto = (address) => (page) => page.goto(address);
  const docs = await browser.newPage({ viewport: SIZES.desktop });
  const docsSeen = watch(docs, url);
  const { change, user } = await followTheDocs(docs, url);
  await docs.screenshot({ path: join(shots.folder, "docs-executed.png"), fullPage: true });
  const mail = await browser.newPage({ viewport: SIZES.desktop });
  const mailSeen = watch(mail, url);
  const { letter, link } = await followTheLetter(mail, url, user);
  await picture(browser, shots, "home", goto(`${url}/`));
  await picture(browser, shots, "docs", goto(`${url}/docs`));
  await picture(browser, shots, "mailbox", goto(`${url}/mailbox`));
  await picture(browser, shots, "letter", goto(letter));
  await picture(browser, shots, "letter-raw", goto(`${letter}?view=raw`));
  // A frame that is out of sight is not painted, so the HTML part has a picture of its own.
  await picture(browser, shots, "letter-html", goto(`${letter}/html`));
  await picture(browser, shots, "verify", goto(link));
  await confirm(mail);
  const after = await change.execute();
  check(after.status === 200, "/docs: the same PUT answers 200 now", after);
  check(String(docsSeen.refused) === "403 PUT", "/docs was refused nothing else", docsSeen.refused);
  check(mailSeen.refused.length === 0, "the pages were refused nothing", mailSeen.refused);
  const wrongs = [...docsSeen.wrongs, ...mailSeen.wrongs];
  check(wrongs.length === 0, "no console error, no violated policy, no request to anybody else", wrongs);
  // The page that a pressed button leads to has no address of its own: its markup is shown again.
  const success = await mail.content();
  await picture(browser, shots, "success", async (page) => {
    await page.goto(`${url}/`);
    await page.setContent(success);
  });
  await picture(browser, shots, "reset", goto(await resetLink(url, user.email)));
  // The link that has done its work says so; one that nobody mailed is refused.
  await picture(browser, shots, "followed", goto(link));
  await picture(browser, shots, "expired", goto(link.replace(/token=.*/, "token=none")), ["400 GET"]);
  // Last, because it empties the mailbox.
  await useTheMailbox(browser, shots);
}

async function main() {
  const home = mkdtempSync(join(tmpdir(), "latchkey-browser-"));
  const folder = resolve(process.env.LATCHKEY_SCREENSHOTS ?? join(home, "screenshots"));
  mkdirSync(folder, { recursive: true });
  const { child, url } = await serve(home);
  let browser;
  try {
    const executablePath = process.env.LATCHKEY_CHROMIUM ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
    await journey(browser, { url, folder });
    if (process.env.LATCHKEY_SCREENSHOTS) console.log(`       screenshots: ${folder}`);
  } finally {
    await browser?.close();
    child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(`       ${error.stack ?? error}`);
  process.exit(1);
});
