//! Latchkey from the street: a real server on a port of its own, real HTTP, its own temporary file. Every answer is held
//! against the document.

mod app;
mod colleague;
mod contract;
mod crowd;
mod jwt;
mod process;
mod raw;
mod smtp_sink;

mod abuse;
mod address;
mod audit;
mod command_line;
mod company;
mod device;
mod documents;
mod finradar_account;
mod front_door;
mod invites;
mod keeping;
mod keys;
mod letters;
mod limits;
mod links;
mod locks;
mod login;
mod mail;
mod mailbox;
mod metering;
mod privacy;
mod proof;
mod purpose;
mod quota;
mod register;
mod reset;
mod robust;
mod secrecy;
mod session;
mod settings;
mod sign_up;
mod storm;
mod subscription;
mod team;
mod tokens;
