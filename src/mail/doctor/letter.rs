//! The letter that is sent to try the way. It has no template that an operator could override: it is not for customers.

use crate::model::language::Language;
use crate::model::letter::LetterBody;

/// The letter in a language.
pub(super) fn body(app_name: &str, language: Language) -> LetterBody {
    let (subject, sentence, end) = match language {
        Language::English => (
            format!("A test letter from {app_name}"),
            format!("This is a test letter. {app_name} can send mail."),
            "Nobody has to do anything: the operator has asked for it with `latchkey mail test`.",
        ),
        Language::German => (
            format!("Ein Testbrief von {app_name}"),
            format!("Dies ist ein Testbrief. {app_name} kann E-Mails versenden."),
            "Es ist nichts zu tun: der Betreiber hat ihn mit `latchkey mail test` angefordert.",
        ),
        Language::Persian => (
            format!("نامهٔ آزمایشی از {app_name}"),
            format!("این یک نامهٔ آزمایشی است. {app_name} می‌تواند ایمیل بفرستد."),
            "لازم نیست کاری انجام شود: گرداننده آن را با فرمان `latchkey mail test` خواسته است.",
        ),
        Language::French => (
            format!("Une lettre d’essai de {app_name}"),
            format!("Ceci est une lettre d’essai. {app_name} peut envoyer du courrier."),
            "Il n’y a rien à faire : l’exploitant l’a demandée avec `latchkey mail test`.",
        ),
    };
    let (code, direction) = (language.code(), language.direction());
    let html = format!(
        "<!doctype html>\n<html lang=\"{code}\" dir=\"{direction}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\n\
         <body style=\"font-family:sans-serif\">\n<p>{sentence}</p>\n<p>{end}</p>\n</body>\n</html>\n",
        title = escaped(&subject),
        sentence = escaped(&sentence),
    );
    LetterBody { text: format!("{sentence}\n\n{end}\n"), subject, html, links: Vec::new(), code: None }
}

/// The app's name is the operator's own text, and may still hold what HTML takes for markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
