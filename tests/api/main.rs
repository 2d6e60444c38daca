//! Latchkey from the street: a real server on a port of its own, real HTTP, its own temporary file. Every answer is held
//! against the document.

mod app;
mod contract;
mod smtp_sink;

mod letters;
mod sign_up;
