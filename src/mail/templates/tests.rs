mod folder;
mod letters;

use super::samples::{Fullness, Samples};
use super::trial::names;
use super::*;

fn letter(templates: &Templates, first_name: &str, language: Language, contents: Contents<'_>) -> LetterBody {
    let samples = Samples::new(Fullness::Full);
    let to = Recipient { address: samples.address(), first_name, language };
    templates.render(&Letterhead { app_name: "Acme <Shop>".to_owned(), ..samples.head() }, to, contents)
}

#[test]
fn every_kind_has_every_part_in_every_language() {
    let templates = Templates::embedded();
    for fullness in [Fullness::Full, Fullness::Bare] {
        let samples = Samples::new(fullness);
        for contents in samples.contents() {
            for language in Language::ALL {
                let letter = letter(&templates, "Ann", language, contents);
                assert!(!letter.subject.is_empty() && !letter.subject.contains('\n'));
                assert!(letter.text.contains("Ann") && letter.html.contains("Ann"), "{language}");
                let opening = format!("<html lang=\"{language}\" dir=\"{}\">", language.direction());
                assert!(letter.html.contains(&opening), "{}", letter.html);
                assert!(!letter.html.contains("<Shop>"), "the app's name is escaped");
                for link in &letter.links {
                    assert!(letter.text.lines().any(|line| line == link), "the link has a line of its own");
                }
                let code = letter.code.as_deref().unwrap_or_default();
                assert!(letter.text.contains(code) && letter.html.contains(code), "both have the code");
            }
        }
    }
}

// C5
#[test]
fn a_name_puts_neither_markup_nor_a_link_into_a_letter() {
    let templates = Templates::embedded();
    for name in ["<b>Ann</b>", "https://evil.example", "evil.example", "x@evil.example", "www.evil.example/x"]
    {
        let letter = letter(&templates, name, Language::English, Contents::PasswordChanged);
        assert!(!letter.text.contains(name) && !letter.html.contains(name), "{name}");
    }
}

#[test]
fn a_letter_is_written_in_ours_when_the_operators_words_fail_for_it() {
    let mut own = environment();
    let fragile = "{% if name == \"Eve\" %}{{ nothing }}{% else %}{{ app }} asks you for {{ link }} {{ code }}{% endif %}";
    own.add_template("mail/en/verify.txt", fragile).expect("it parses");
    let forgetful = "{% if name == \"Bob\" %}Hello{% else %}{{ link }} {{ code }}{% endif %}";
    own.add_template("mail/en/reset.txt", forgetful).expect("it parses");
    let templates = Templates { ours: environment(), own: Some(own) };
    let (secret, code, expires) = ("SECRET", "12345678", crate::model::time::Millis(0));
    let text = |name, contents| letter(&templates, name, Language::English, contents).text;
    let verify = Contents::Verify { secret, code, expires };
    assert!(
        text("Ann", verify)
            .starts_with("Acme <Shop> asks you for https://id.acme.example/verify-email?token=SECRET")
    );
    assert!(text("Eve", verify).starts_with("Hello Eve,\n\nPlease confirm"));
    let reset = Contents::Reset { secret, code, expires };
    assert_eq!(text("Ann", reset), "https://id.acme.example/reset-password?token=SECRET 12345678");
    assert!(text("Bob", reset).starts_with("Hello Bob,"), "a letter without its link helps nobody");
}

#[test]
fn the_readme_tells_the_variables_of_every_kind() {
    let readme = include_str!("../../../README.md");
    let (_, table) = readme.split_once("| letter | variables |\n|---|---|\n").expect("README has the table");
    let rows: Vec<(&str, Vec<&str>)> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells =
                line.trim_matches('|').splitn(2, '|').map(|cell| cell.split('`').skip(1).step_by(2));
            let kinds = cells.next().expect("kinds").collect::<Vec<_>>().join(" ");
            (kinds.leak() as &str, cells.next().expect("variables").collect())
        })
        .collect();
    let samples = Samples::new(Fullness::Full);
    let everywhere: Vec<&str> =
        rows.iter().filter(|(kinds, _)| kinds.is_empty()).flat_map(|row| row.1.clone()).collect();
    assert!(everywhere.contains(&"app"), "{everywhere:?}");
    for contents in samples.contents() {
        let kind = contents.kind().as_str();
        let own = rows
            .iter()
            .filter(|(kinds, _)| kinds.split(' ').any(|named| named == kind))
            .flat_map(|row| row.1.clone());
        let mut told: Vec<&str> = everywhere.iter().copied().chain(own).collect();
        told.sort_unstable();
        assert_eq!(told, names(&samples, contents).iter().collect::<Vec<_>>(), "{kind}");
    }
}
