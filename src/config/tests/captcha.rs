//! Captchas: what a service needs, and what has no effect.

use super::*;
use crate::captcha::Mode;

fn given(settings: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    with(|arguments| settings.iter().for_each(|(variable, value)| set(arguments, variable, value)))
}

#[test]
fn a_service_has_its_own_address_unless_another_is_set() {
    for (kind, url) in [
        ("recaptcha", "https://www.google.com/recaptcha/api/siteverify"),
        ("hcaptcha", "https://api.hcaptcha.com/siteverify"),
        ("turnstile", "https://challenges.cloudflare.com/turnstile/v0/siteverify"),
    ] {
        let usual = [
            ("LATCHKEY_CAPTCHA", kind),
            ("LATCHKEY_CAPTCHA_SECRET", "s"),
            ("LATCHKEY_CAPTCHA_HOSTNAMES", "App.Example.com, localhost,app.example.com"),
        ];
        let own = [&usual[..], &[("LATCHKEY_CAPTCHA_URL", "http://[::1]:8081/check?x=1")]].concat();
        for (settings, url) in [(&usual[..], url), (&own[..], "http://[::1]:8081/check?x=1")] {
            let settings = given(settings).expect("right");
            let Mode::Service(service) = &settings.captcha.mode else { panic!("{kind} is a service") };
            assert_eq!(service.url, url);
            assert_eq!(service.hostnames, ["app.example.com", "localhost"]);
            assert_eq!(service.time_limit.as_secs(), 5);
            assert_eq!(settings.warnings, [""; 0]);
        }
    }
}

#[test]
fn what_a_service_lacks_is_told_all_at_once() {
    let faults = given(&[("LATCHKEY_CAPTCHA", "hcaptcha")]).expect_err("it lacks two");
    assert_eq!(faults.len(), 2, "{faults:?}");
    for (fault, variable) in faults.iter().zip(["LATCHKEY_CAPTCHA_SECRET", "LATCHKEY_CAPTCHA_HOSTNAMES"]) {
        assert!(fault.contains("LATCHKEY_CAPTCHA (--captcha)"), "{fault}");
        assert!(fault.contains(&format!("{variable} ({}) is not set", flag(variable))), "{fault}");
    }
    let faults = given(&[("LATCHKEY_CAPTCHA", "hcaptcha"), ("LATCHKEY_CAPTCHA_SECRET", "a b")]);
    let faults = faults.expect_err("one is faulty and one is lacking");
    assert_eq!(faults.len(), 2, "no conclusion from a faulty one: {faults:?}");
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let service = [
        ("LATCHKEY_CAPTCHA_SECRET", "hunter2"),
        ("LATCHKEY_CAPTCHA_URL", "https://verify.example.com/"),
        ("LATCHKEY_CAPTCHA_HOSTNAMES", "example.com"),
    ];
    let difficulty = ("LATCHKEY_CAPTCHA_DIFFICULTY", "5000");
    for (kind, idle) in [("off", 4), ("pow", 3), ("recaptcha", 0)] {
        let all = [&service[..], &[difficulty, ("LATCHKEY_CAPTCHA", kind)]].concat();
        let settings = given(&all).expect("right");
        assert_eq!(settings.warnings.len(), idle, "{kind}: {:?}", settings.warnings);
        for warning in &settings.warnings {
            assert!(warning.ends_with(&format!("has no effect: LATCHKEY_CAPTCHA (--captcha) is {kind}")));
            assert!(!warning.contains("hunter2"), "{warning}");
        }
    }
    assert_eq!(given(&[]).expect("right").captcha.difficulty.to_string(), "250000");
    let settings = given(&[difficulty, ("LATCHKEY_CAPTCHA", "pow")]).expect("right");
    assert_eq!((settings.captcha.difficulty.to_string(), settings.warnings.len()), ("5000".to_owned(), 0));
    assert!(matches!(settings.captcha.mode, Mode::Work));
}
