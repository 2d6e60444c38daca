//! Usernames: made from what a sign-up tells, and unique (contracts/orbai.md section 1).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::email::EmailAddress;

/// The longest base, in characters; numbers may follow it.
const MAX_CHARS: usize = 60;
/// What somebody is called of whom nothing can be spelled in ASCII.
const NAMELESS: &str = "user";
/// How many names are thought of for one account. Only who has taken all of them on purpose exhausts them.
const MOST: usize = 1_000;

/// Names for an account, the best first: `first_last`, else the local part of the address without a plus-tag, in
/// lower-case ASCII; then with the account's running number, and further ones.
pub fn candidates(names: [&str; 2], email: &EmailAddress, number: i64) -> impl Iterator<Item = String> {
    let base = base(names, email);
    let numbered = format!("{base}_{number}");
    let further = numbered.clone();
    [base, numbered].into_iter().chain((2..MOST).map(move |nth| format!("{further}_{nth}")))
}

fn base(names: [&str; 2], email: &EmailAddress) -> String {
    let names: Vec<String> = names.into_iter().map(folded).filter(|name| !name.is_empty()).collect();
    let local = email.local_part().split('+').next().unwrap_or_default();
    let whole =
        [names.join("_"), folded(local), NAMELESS.to_owned()].into_iter().find(|name| !name.is_empty());
    let cut: String = whole.unwrap_or_default().chars().take(MAX_CHARS).collect();
    cut.trim_end_matches('_').to_owned()
}

/// The text in lower-case ASCII letters and digits, `_` between words.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    for c in text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            '\'' | '’' => {}
            c if c.is_ascii_alphanumeric() => folded.push(c),
            _ if folded.is_empty() || folded.ends_with('_') => {}
            _ => folded.push('_'),
        }
    }
    folded.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_spelled_in_lower_case_ascii() {
        let long = "x".repeat(100);
        let rows = [
            (["Jane", "Doe"], "a@x.org", "jane_doe"),
            (["  José María ", "O’Neil-Müller"], "a@x.org", "jose_maria_oneil_muller"),
            (["Łukasz", "Strauß"], "a@x.org", "lukasz_strauss"),
            (["Jane", ""], "a@x.org", "jane"),
            (["", "Doe"], "a@x.org", "doe"),
            (["", ""], "New.User+shop@x.org", "new_user"),
            (["王", "明"], "wang@x.org", "wang"),
            (["İ", "ＡＢ"], "a@x.org", "i_ab"),
            (["", ""], "+++@x.org", "user"),
            (["_", "-"], "_-@x.org", "user"),
            ([&long, &long], "a@x.org", &long[..60]),
        ];
        for (names, email, name) in rows {
            let email = EmailAddress::parse(email).expect("an address");
            assert_eq!(candidates(names, &email, 7).next().as_deref(), Some(name), "{names:?}");
        }
    }

    #[test]
    fn where_a_name_is_taken_a_number_follows() {
        let email = EmailAddress::parse("a@x.org").expect("an address");
        let names: Vec<String> = candidates(["Jane", "Doe"], &email, 42).take(4).collect();
        assert_eq!(names, ["jane_doe", "jane_doe_42", "jane_doe_42_2", "jane_doe_42_3"]);
    }
}
