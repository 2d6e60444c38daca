// The worker that browsers get, run without a browser: it finds what Node's own SHA-256 confirms.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createContext, runInContext } from "node:vm";

const BINARY = resolve(process.env.LATCHKEY_BINARY ?? "target/release/latchkey");

function check(holds, sentence, seen = "") {
  const tally = process.env.LATCHKEY_CI_TALLY;
  if (tally) appendFileSync(tally, holds ? "passed\n" : "failed\n");
  console.log(`  ${holds ? "ok  " : "FAIL"} ${sentence}`);
  if (!holds) throw new Error(`seen: ${JSON.stringify(seen, null, 2)}`);
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A worker as a function from a message to the first message back. */
function worker(script) {
  const messages = [];
  const inside = createContext({ TextEncoder, postMessage: (message) => messages.push(message) });
  runInContext(script, inside);
  return (data) => {
    inside.data = data;
    runInContext("onmessage({ data })", inside);
    return messages.pop();
  };
}

async function solveChallenges(url) {
  const solve = worker(await (await fetch(`${url}/captcha-worker.js`)).text());
  const asked = await (await fetch(`${url}/captcha/challenge`)).json();
  const number = solve(asked);
  check(sha256(asked.salt + number) === asked.challenge, "the worker solves the server's challenge", { asked, number });
  // Lengths around the ends of SHA-256's blocks, and numbers around another digit.
  const wrong = [];
  for (const length of [0, 1, 44, 53, 54, 55, 56, 62, 63, 64, 118, 119, 120, 200]) {
    for (const wanted of [0, 9, 10, 99, 100]) {
      const salt = "s".repeat(length);
      const found = solve({ salt, challenge: sha256(salt + wanted), maxnumber: 100 });
      if (found !== wanted) wrong.push({ length, wanted, found });
    }
  }
  check(wrong.length === 0, "salts of any length are digested as by Node", wrong);
  const none = solve({ salt: "s", challenge: sha256("s101"), maxnumber: 100 });
  check(none === null, "it gives up after the last number", none);
}

const folder = mkdtempSync(join(tmpdir(), "latchkey-captcha."));
const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("LATCHKEY_"));
const env = { ...Object.fromEntries(kept), LATCHKEY_LISTEN: "127.0.0.1:0", LATCHKEY_CAPTCHA: "pow" };
const child = spawn(BINARY, { cwd: folder, env, stdio: ["ignore", "pipe", "ignore"] });
try {
  const line = await new Promise((tell, fail) => {
    createInterface(child.stdout).once("line", tell);
    child.once("error", fail).once("exit", () => fail(new Error("the server ended")));
  });
  child.removeAllListeners("exit");
  await solveChallenges(line.replace("listening on ", ""));
} finally {
  child.kill();
  rmSync(folder, { recursive: true, force: true });
}
