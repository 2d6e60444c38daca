use std::fs;

use super::*;

/// A folder of overrides with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (below, text) in files {
        let path = folder.path().join(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let prefix = format!("{}/", folder.path().display());
    let faults = Templates::with_folder(folder.path()).err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.replace(&prefix, "")).collect()
}

const HTML: &str = "{% extends \"mail/layout.html\" %}{% block lang %}en{% endblock %}{% block body %}\
    {% with url = link, label = \"Go\", otherwise = \"Or:\" %}{% include \"mail/button.html\" %}{% endwith %}\
    {% with hint = \"Or:\" %}{% include \"mail/code.html\" %}{% endwith %}{% endblock %}";

#[test]
fn the_operators_words_stand_in_the_place_of_ours_and_all_others_stay() {
    let words =
        "Dear {{ name or \"friend\" }}: {{ link }} {{ code }} {% if login_url %}{{ login_url }}{% endif %}";
    let folder = folder(&[
        ("en/verify.txt", words),
        ("en/verify.html", HTML),
        ("en/verify.subject", "\u{feff}Welcome to\n{{ app }}\n"),
        (".git/config", "no template"),
        ("en/.verify.txt.swp", "no template"),
    ]);
    let templates = Templates::with_folder(folder.path()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let samples = Samples::new(Fullness::Full);
    let verify = samples.contents()[0];
    let english = letter(&templates, "Ann", Language::English, verify);
    assert_eq!(english.subject, "Welcome to Acme <Shop>");
    assert!(
        english.text.starts_with("Dear Ann: https://id.acme.example/verify-email?token="),
        "{}",
        english.text
    );
    assert!(english.html.contains(">Go</a>") && english.html.contains("<bdi>Acme &lt;Shop&gt;</bdi>"));
    let ours = Templates::embedded();
    let german = letter(&templates, "Ann", Language::German, verify);
    assert_eq!(german, letter(&ours, "Ann", Language::German, verify));
    let other = letter(&templates, "Ann", Language::English, Contents::FactorOn);
    assert_eq!(other, letter(&ours, "Ann", Language::English, Contents::FactorOn));
}

#[test]
fn what_the_command_writes_is_sound() {
    let files: Vec<(&str, &str)> = Templates::files().collect();
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn every_fault_of_a_folder_is_told_at_once_with_file_and_line() {
    let long = "x".repeat(LONGEST + 1);
    let rows: &[(&str, &str, &[&str])] = &[
        ("en/verify.text", "x", &["no template has this name", "KIND.txt", "verify, reset"]),
        ("nl/verify.txt", "x", &["no letters in \"nl\"", "en, de, fa, fr"]),
        ("footer.html", "x", &["no template has this name", "layout.html, button.html and code.html"]),
        ("en/reset.txt", &long, &["262145 bytes", "262144"]),
        ("de/verify.txt", "{{ link }}\n{{ code }}\n{% if name %}", &["line 3", "syntax error"]),
        (
            "de/reset.txt",
            "{{ link }}\n{{ cod }} {{ code }}",
            &["line 2", "no variable cod ", "code, code_minutes"],
        ),
        (
            "fr/verify.txt",
            "{{ link }} {{ code }}\n{% if false %}{{ api_key }}{% endif %}",
            &["line 2", "api_key"],
        ),
        ("fr/new-device.txt", "{{ login.where }}", &["line 1", "no variable login.where", "login.at"]),
        ("fr/welcome.html", "<p>{{ app }}</p>", &["without {{ api_key }}"]),
        ("fr/reset.html", "<p>{{ code }}</p>", &["without {{ link }}"]),
        ("fr/magic-link.txt", "{{ app }}", &["without {{ link }}"]),
        ("fr/login-code.txt", "{{ app }}", &["without {{ code }}"]),
        ("fr/reset.subject", "\n", &["says nothing"]),
        (
            "fa/verify.txt",
            "{{ link }} {{ code }}\n{{ login_url }}",
            &["line 2", "asking for it with {% if %}"],
        ),
        ("fa/reset.txt", "{{ link }}{{ code }}{% for i in range(99999) %}{% endfor %}", &["too long"]),
        ("fa/factor-on.txt", "{% include \"mail/fa/factor-on.txt\" %}", &["recursion"]),
        ("fa/factor-off.txt", "{% include \"mail/fa/footer.txt\" %}", &["footer.txt"]),
        ("fa/password-changed.html", "<p>{{ name|safe }}</p>", &["without escaping"]),
        ("en/factor-on.txt", "{{ app|shout }}", &["line 1", "shout"]),
        ("en/factor-off.txt", "{{ app * 100000 }}", &["more than 256 KiB"]),
        ("en/change-asked.txt", "{{ name[0] }}", &["not there in every letter"]),
    ];
    let files: Vec<(&str, &str)> = rows.iter().map(|(below, text, _)| (*below, *text)).collect();
    let told = faults(&files);
    for (below, _, words) in rows {
        // A folder that is not read is told of as a whole.
        let named = below.strip_suffix("/verify.txt").filter(|folder| *folder == "nl").unwrap_or(below);
        let about: Vec<&String> = told.iter().filter(|fault| fault.starts_with(named)).collect();
        let [fault] = about.as_slice() else { panic!("one sentence about {below}: {about:#?} of {told:#?}") };
        for word in *words {
            assert!(fault.contains(word), "{word:?} in {fault}");
        }
        assert!(!fault.contains('\n'), "{fault:?}");
    }
    assert_eq!(told.len(), rows.len(), "{told:#?}");
}

#[test]
fn a_file_that_is_no_text_and_a_folder_that_is_none_are_told() {
    let folder = folder(&[("en/reset.txt", "")]);
    fs::write(folder.path().join("en/verify.txt"), b"one\ntwo \xff").expect("a file");
    let told = Templates::with_folder(folder.path()).err().unwrap_or_default();
    assert!(told.iter().any(|fault| fault.contains("verify.txt: line 2 is not UTF-8")), "{told:?}");
    let told = Templates::with_folder(&folder.path().join("none")).err().unwrap_or_default();
    assert!(told.len() == 1 && told[0].contains("none: the folder cannot be read: "), "{told:?}");
}

#[test]
fn what_all_letters_share_is_tried_with_all_of_them_and_its_fault_told_once() {
    let told = faults(&[("layout.html", "<html lang=\"en\"><body>{{ app }}</body></html>")]);
    assert!(told.len() == 1 && told[0].starts_with("layout.html: with it "), "{told:#?}");
    let told = faults(&[("button.html", "<a href=\"{{ uri }}\">{{ label }}</a>")]);
    assert!(
        told.iter().any(|fault| fault.contains("button.html, line 1: there is no variable uri")),
        "{told:#?}"
    );
    let plain =
        "<html lang=\"{% block lang %}{% endblock %}\"><body>{% block body %}{% endblock %}</body></html>";
    assert_eq!(faults(&[("layout.html", plain)]), Vec::<String>::new());
}
