//! The languages that letters and pages are written in.

use std::fmt;

/// A language with templates of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    English,
    German,
    Persian,
    French,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 4] = [Language::English, Language::German, Language::Persian, Language::French];

    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::Persian => "fa",
            Language::French => "fr",
        }
    }

    /// The direction it is written in, as a value of HTML's `dir`.
    pub fn direction(self) -> &'static str {
        match self {
            Language::English | Language::German | Language::French => "ltr",
            Language::Persian => "rtl",
        }
    }

    /// A count in its digits, for sentences alone: codes, dates and addresses keep those of ASCII, because they are
    /// typed and compared.
    pub fn number(self, count: u64) -> String {
        let digits = count.to_string();
        match self {
            Language::English | Language::German | Language::French => digits,
            Language::Persian => {
                let persian =
                    |digit: char| digit.to_digit(10).and_then(|value| char::from_u32(0x06f0 + value));
                digits.chars().filter_map(persian).collect()
            }
        }
    }

    /// The language of a tag (RFC 5646) such as `de`, `fa-IR` or `DE_ch`; none when there are no templates in it.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let code = tag.split(['-', '_']).next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The first language of an `Accept-Language` header (RFC 9110 section 12.5.4) that there are templates in, else
    /// English.
    pub fn of_accept_language(header: &str) -> Language {
        let mut wishes: Vec<(f32, Language)> = header.split(',').filter_map(wish).collect();
        wishes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        wishes.first().map(|(_, language)| *language).unwrap_or_default()
    }
}

/// A language with templates and how much it is wished for. What is no number from 0 to 1 counts as not at all.
fn wish(entry: &str) -> Option<(f32, Language)> {
    let mut parts = entry.split(';').map(str::trim);
    let language = Language::of_tag(parts.next()?)?;
    let quality = match parts.find_map(|part| part.strip_prefix("q=")) {
        Some(text) => text.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
        None => 1.0,
    };
    (quality > 0.0).then_some((quality, language))
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_with_templates_wins() {
        let many_odd_wishes = "en;q=NaN,de;q=0.5,en;q=0.1,".repeat(50);
        let rows = [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,en;q=0.5", Language::German),
            ("nl, en;q=0.5, de;q=0.9", Language::German),
            ("fa-IR, fa;q=0.9, en-US;q=0.8", Language::Persian),
            ("fr-CA, en;q=0.5", Language::French),
            ("de;q=0.4, fr;q=0.6, fa;q=0.5", Language::French),
            ("FA", Language::Persian),
            ("fr-FR;q=0, fa-AF;q=0.001", Language::Persian),
            // Longer codes of three letters are other languages.
            ("fas, fro;q=0.9, fat", Language::English),
            ("tlh", Language::English),
            ("*", Language::English),
            (";;;q=,,\u{0}", Language::English),
            ("de;q=0, en;q=0.1", Language::English),
            ("de;q=NaN,en;q=0.5,de;q=inf,de;q=-1", Language::English),
            (&many_odd_wishes, Language::German),
        ];
        for (header, language) in rows {
            assert_eq!(Language::of_accept_language(header), language, "{header}");
        }
    }

    #[test]
    fn counts_stand_in_the_digits_of_the_language() {
        let written = Language::ALL.map(|language| language.number(1_234_567_890));
        assert_eq!(written, ["1234567890", "1234567890", "۱۲۳۴۵۶۷۸۹۰", "1234567890"]);
    }
}
