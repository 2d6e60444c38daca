//! Latchkey, the sign-up desk of a self-hosted product: one binary, one SQLite file.
//!
//! Imports point down the list, never up; `tests/house.rs` enforces it:
//!
//! ```text
//! main -> cli -> app -> api, pages, housekeeping -> service -> mail -> { captcha, hashing, tokens, secrets, store } -> model
//! ```
//!
//! `api` and `pages` never touch SQL, `store` never hears of the use cases, `model` knows nobody. `clock`, `metrics`,
//! `config` and `client` serve those above them.

/// HTTP with JSON: the contracts and Latchkey's own routes, one tree and one document.
pub mod api;
/// The composition root: from settings to a running server, and its orderly end.
pub mod app;
/// Whether a person is at the other end, or somebody who has worked for it.
pub mod captcha;
/// The operator's commands, a file a noun.
pub mod cli;
/// What a request tells of its sender: address, device, language.
pub mod client;
/// Time and chance as values.
pub mod clock;
/// Settings: every flag and variable, every fault at once, secrets redacted.
pub mod config;
/// Argon2id behind a bounded pool.
pub mod hashing;
/// The worker that removes what time has ended.
pub mod housekeeping;
/// Letters: composed, kept in the outbox, carried by the courier.
pub mod mail;
/// What is counted, in one table.
pub mod metrics;
/// The nouns and their rules, pure.
pub mod model;
/// What a person sees in a browser.
pub mod pages;
/// The secret key: seals, digests.
pub mod secrets;
/// The use cases, a file a verb.
pub mod service;
/// The database: transactions as closures over portable SQL.
pub mod store;
/// Signed tokens and the keys that sign them.
pub mod tokens;
