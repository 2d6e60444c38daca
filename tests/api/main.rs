//! Latchkey from the street: a real server on a port of its own, real HTTP, its own temporary file. Every answer is held
//! against the document.

mod app;
mod contract;
mod crowd;
mod jwt;
mod smtp_sink;

mod address;
mod company;
mod letters;
mod login;
mod proof;
mod purpose;
mod register;
mod reset;
mod session;
mod sign_up;
mod tokens;
