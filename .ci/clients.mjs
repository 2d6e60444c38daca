// Runs the compiled clients.ts: node clients.mjs COMPILED SERVER DOOR CODE.

import dns from "node:dns";
import { pathToFileURL } from "node:url";

const [compiled, ...given] = process.argv.slice(2);

// Names below localhost are this machine (RFC 6761, section 6.3), also where its resolver does not know them.
const lookup = dns.lookup;
dns.lookup = (name, options, done) => lookup(name.endsWith(".localhost") ? "127.0.0.1" : name, options, done);

const { main } = await import(pathToFileURL(compiled).href);
await main(...given);
