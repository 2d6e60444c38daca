//! What sign-ups that ask for a captcha have to bring, and who judges it.

use super::arguments::Arguments;
use super::origin::{host_name, service_url};
use super::reading::{Reading, items, named, quoted};
use crate::captcha::{Difficulty, Mode, ServiceSecret, Setup, SiteVerify, TIME_LIMIT};

const KIND: &str = "LATCHKEY_CAPTCHA";
const SECRET: &str = "LATCHKEY_CAPTCHA_SECRET";
const URL: &str = "LATCHKEY_CAPTCHA_URL";
const HOSTNAMES: &str = "LATCHKEY_CAPTCHA_HOSTNAMES";
const DIFFICULTY: &str = "LATCHKEY_CAPTCHA_DIFFICULTY";

/// What the setting names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Off,
    Work,
    /// A service, and where it is asked unless another URL is set.
    Service(&'static str),
}

/// Reads the settings of captchas. A service needs its secret and the hosts of its widget's pages.
pub(super) fn read(reading: &mut Reading, given: &Arguments) -> Setup {
    let kind = reading.value(KIND, &given.captcha, kind);
    let secret = reading.value(SECRET, &given.captcha_secret, secret);
    let url = reading.value(URL, &given.captcha_url, service_url);
    let hostnames = reading.value(HOSTNAMES, &given.captcha_hostnames, hostnames);
    let difficulty = reading.value(DIFFICULTY, &given.captcha_difficulty, difficulty);
    let mode = match kind.unwrap_or(Kind::Off) {
        Kind::Off => Mode::Off,
        Kind::Work => Mode::Work,
        Kind::Service(usual_url) => {
            let missing = |variable, what| {
                format!("{} names a service, but {} is not set: {what}", named(KIND), named(variable))
            };
            if secret.is_none() {
                reading.check(&[KIND, SECRET], Some(missing(SECRET, "the secret that the service gave out")));
            }
            if hostnames.is_none() {
                let what = "the hosts on whose pages its widget stands, such as app.example.com";
                reading.check(&[KIND, HOSTNAMES], Some(missing(HOSTNAMES, what)));
            }
            Mode::Service(SiteVerify {
                url: url.unwrap_or_else(|| usual_url.to_owned()),
                secret: secret.unwrap_or_else(|| ServiceSecret::new("")),
                hostnames: hostnames.unwrap_or_default(),
                time_limit: TIME_LIMIT,
            })
        }
    };
    Setup { mode, difficulty: difficulty.unwrap_or_default() }
}

/// Settings that have no effect beside the others: whoever set them means something else.
pub(super) fn warnings(given: &Arguments, setup: &Setup) -> Vec<String> {
    let is_set = |raw: &Option<String>| raw.as_deref().is_some_and(|text| !text.trim().is_empty());
    let (of_services, of_work) = match setup.mode {
        Mode::Off => (true, true),
        Mode::Work => (true, false),
        // Our own pages ask for work all the same.
        Mode::Service(_) => (false, false),
    };
    let rows = [
        (SECRET, &given.captcha_secret, of_services),
        (URL, &given.captcha_url, of_services),
        (HOSTNAMES, &given.captcha_hostnames, of_services),
        (DIFFICULTY, &given.captcha_difficulty, of_work),
    ];
    let idle = rows.into_iter().filter(|(_, raw, without_effect)| *without_effect && is_set(raw));
    idle.map(|(variable, ..)| {
        let kind = if of_work { "off" } else { "pow" };
        format!("{} has no effect: {} is {kind}", named(variable), named(KIND))
    })
    .collect()
}

/// Where the services are asked, by their own documentation.
fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "off" | "false" => Ok(Kind::Off),
        "pow" => Ok(Kind::Work),
        "recaptcha" => Ok(Kind::Service("https://www.google.com/recaptcha/api/siteverify")),
        "hcaptcha" => Ok(Kind::Service("https://api.hcaptcha.com/siteverify")),
        "turnstile" => Ok(Kind::Service("https://challenges.cloudflare.com/turnstile/v0/siteverify")),
        _ => Err(format!("is {}, but must be off, pow, recaptcha, hcaptcha or turnstile", quoted(text))),
    }
}

fn secret(text: &str) -> Result<ServiceSecret, String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be ASCII without spaces, as the service gave it out".to_owned());
    }
    Ok(ServiceSecret::new(text))
}

fn hostnames(text: &str) -> Result<Vec<String>, String> {
    let mut hostnames = Vec::new();
    for item in items(text) {
        let host = host_name(item).ok_or_else(|| {
            format!(
                "holds {}, but each item must be a host without scheme, port and path, such as app.example.com",
                quoted(item)
            )
        })?;
        if !hostnames.contains(&host) {
            hostnames.push(host);
        }
    }
    if hostnames.is_empty() {
        return Err("must name at least one host, such as app.example.com".to_owned());
    }
    Ok(hostnames)
}

fn difficulty(text: &str) -> Result<Difficulty, String> {
    text.parse().ok().and_then(Difficulty::new).ok_or_else(|| {
        format!(
            "is {}, but must be a number from {} to {}",
            quoted(text),
            Difficulty::LEAST,
            Difficulty::MOST
        )
    })
}
