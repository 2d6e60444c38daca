//! The nouns and their rules: pure values, no I/O. Nothing here imports anything else of Latchkey.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod contract;
pub mod device;
pub mod domain;
pub mod email;
pub mod fault;
pub mod id;
pub mod invite_code;
pub mod language;
pub mod ledger;
pub mod letter;
pub mod name;
pub mod network;
pub mod notification;
pub mod organization;
pub mod password;
pub mod permission;
pub mod plan;
pub mod proof;
pub mod session;
pub mod settings;
pub mod subscription;
pub mod time;
pub mod two_factor;
