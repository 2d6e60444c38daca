//! What passes as work and what does not (H4).

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::model::time::Millis;

const START: Millis = Millis(1_772_366_400_000);

fn work() -> (Work, Clock) {
    let clock = Clock::fixed(START);
    (Work::new(Difficulty(Difficulty::LEAST), clock.clone(), Chance::seeded(7)), clock)
}

fn life() -> Duration {
    Duration::from_secs(LIFE.unsigned_abs())
}

fn solve(challenge: &Challenge) -> u32 {
    (0..=challenge.maxnumber)
        .find(|number| sha256(&format!("{}{number}", challenge.salt)) == challenge.challenge)
        .expect("a number solves it")
}

fn solved(challenge: &Challenge) -> Value {
    json!({
        "algorithm": challenge.algorithm, "challenge": challenge.challenge, "number": solve(challenge),
        "salt": challenge.salt, "signature": challenge.signature
    })
}

fn encoded(answer: &Value) -> String {
    STANDARD.encode(answer.to_string())
}

/// A challenge whose number has several digits, and its answer.
fn of_many_digits(work: &Work) -> Value {
    let answers = std::iter::repeat_with(|| solved(&work.challenge()));
    answers.into_iter().find(|answer| answer["number"].as_u64() >= Some(100)).expect("most are")
}

// H4
#[test]
fn an_answer_is_good_once() {
    let (work, _) = work();
    let answer = encoded(&solved(&work.challenge()));
    assert_eq!(work.judge(&answer), Ok(()));
    assert_eq!(work.judge(&answer), Err(Fault::Used));
    let mut dressed: Value =
        serde_json::from_slice(&STANDARD.decode(&answer).expect("base64")).expect("JSON");
    dressed["took"] = json!(812);
    assert_eq!(work.judge(&encoded(&dressed)), Err(Fault::Used), "also when it looks like another");
    assert_eq!(
        work.judge(&encoded(&solved(&work.challenge()))),
        Ok(()),
        "another challenge is another answer"
    );
}

// H4
#[test]
fn of_equal_answers_at_once_one_is_taken() {
    let (work, _) = work();
    let answer = encoded(&solved(&work.challenge()));
    let work = Arc::new(work);
    let judges: Vec<_> = (0..16)
        .map(|_| {
            let (work, answer) = (Arc::clone(&work), answer.clone());
            thread::spawn(move || work.judge(&answer).is_ok())
        })
        .collect();
    let taken = judges.into_iter().map(|judge| judge.join().expect("no panic"));
    assert_eq!(taken.filter(|taken| *taken).count(), 1);
}

/// What is done to a good answer.
type Change = fn(&mut Value);

// H4
#[test]
fn what_is_no_answer_to_a_challenge_of_this_process_is_refused() {
    let rows: &[(&str, Change)] = &[
        ("another number", |answer| answer["number"] = json!(answer["number"].as_u64().map(|n| n + 1))),
        ("a negative number", |answer| answer["number"] = json!(-1)),
        ("a number with a fraction", |answer| answer["number"] = json!(1.5)),
        ("a number as text", |answer| answer["number"] = json!(answer["number"].to_string())),
        ("no number", |answer| answer["number"] = Value::Null),
        ("another algorithm", |answer| answer["algorithm"] = json!("SHA-1")),
        ("the algorithm in another spelling", |answer| answer["algorithm"] = json!("sha-256")),
        ("no algorithm", |answer| answer["algorithm"] = json!("")),
        ("a foreign signature", |answer| answer["signature"] = json!("0".repeat(64))),
        ("a signature cut short", |answer| answer["signature"] = json!(text(answer, "signature")[..62])),
        ("no signature", |answer| answer["signature"] = json!("")),
        ("a signature in capitals", |answer| {
            answer["signature"] = json!(text(answer, "signature").to_uppercase());
        }),
        ("a later end", |answer| {
            answer["salt"] = json!(text(answer, "salt").replace("expires=1", "expires=2"));
        }),
        ("digits of the number moved into the end", |answer| {
            let number = answer["number"].to_string();
            let (moved, kept) = number.split_at(1);
            let salt = text(answer, "salt");
            answer["salt"] = json!(format!("{}{moved}&", salt.trim_end_matches('&')));
            answer["number"] = json!(kept.parse::<u32>().expect("digits"));
        }),
        ("the same without the end's end", |answer| {
            let number = answer["number"].to_string();
            answer["salt"] = json!(format!("{}{}", text(answer, "salt"), &number[..1]));
            answer["number"] = json!(number[1..].parse::<u32>().expect("digits"));
        }),
        ("no end", |answer| answer["salt"] = json!(text(answer, "salt").split('?').next())),
        ("an own, easy challenge", |answer| {
            answer["challenge"] = json!(sha256(&format!("{}0", text(answer, "salt"))));
            answer["number"] = json!(0);
        }),
    ];
    let (work, _) = work();
    for (what, change) in rows {
        let good = of_many_digits(&work);
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{what}");
        assert_eq!(work.judge(&encoded(&changed)), Err(Fault::Wrong), "{what}: {changed}");
        assert_eq!(work.judge(&encoded(&good)), Ok(()), "{what}: the good one is not used up");
    }
}

fn text<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().expect("a text")
}

// H4
#[test]
fn even_what_is_signed_is_refused_unless_it_is_such_a_challenge_as_is_given_out() {
    let (work, _) = work();
    let end = START.seconds() + LIFE;
    let chance = "0123456789abcdef01234567";
    let usual = format!("{chance}?expires={end}&");
    let (easiest, hardest) = (0, Difficulty::LEAST);
    let rows = [
        ("the easiest there is", usual.clone(), easiest, "SHA-256", Ok(())),
        ("the hardest there is", usual.clone(), hardest, "SHA-256", Ok(())),
        ("one of another difficulty", usual.clone(), hardest + 1, "SHA-256", Err(Fault::Wrong)),
        ("one of another algorithm", usual.clone(), 1, "SHA-512", Err(Fault::Wrong)),
        ("an end that is not ended", format!("{chance}?expires={end}"), 1, "SHA-256", Err(Fault::Wrong)),
        ("more behind the end", format!("{usual}x=1&"), 1, "SHA-256", Err(Fault::Wrong)),
        ("two ends", format!("{usual}expires=9&"), 1, "SHA-256", Err(Fault::Wrong)),
        ("an end with a sign", usual.replace('=', "=+"), 1, "SHA-256", Err(Fault::Wrong)),
        ("no end", format!("{chance}?expires=&"), 1, "SHA-256", Err(Fault::Wrong)),
        ("an end past all ends", usual.replace('&', &"0".repeat(20)) + "&", 1, "SHA-256", Err(Fault::Wrong)),
        ("less chance", usual[1..].to_owned(), 1, "SHA-256", Err(Fault::Wrong)),
    ];
    for (what, salt, number, algorithm, outcome) in rows {
        let challenge = sha256(&format!("{salt}{number}"));
        let signature = hex(hmac::sign(&work.key, challenge.as_bytes()).as_ref());
        let answer = json!({
            "algorithm": algorithm, "challenge": challenge, "number": number, "salt": salt, "signature": signature
        });
        assert_eq!(work.judge(&encoded(&answer)), outcome, "{what}");
    }
}

// H4
#[test]
fn what_is_no_answer_at_all_is_refused() {
    let (work, _) = work();
    let good = solved(&work.challenge());
    let unpadded = encoded(&json!({"a": 1}));
    let long = STANDARD.encode(format!("{}{}", " ".repeat(LONGEST), good));
    let twice = good.to_string().replacen('{', "{\"number\":0,", 1);
    let rows = [
        "",
        "x",
        "null",
        "e30=",
        "bnVsbA==",
        "W10=",
        "\u{1F600}",
        unpadded.trim_end_matches('='),
        &good.to_string(),
        &long,
        &STANDARD.encode(twice),
        &STANDARD.encode([0xff, 0xfe]),
        &STANDARD.encode("[".repeat(1_500)),
    ];
    for row in rows {
        assert_eq!(work.judge(row), Err(Fault::Wrong), "{row}");
    }
    assert_eq!(work.judge(&format!(" {}\n", encoded(&good))), Ok(()), "spaces around it are none of its");
}

// H4
#[test]
fn an_answer_ends_with_its_challenge() {
    let (work, clock) = work();
    let (early, late) = (solved(&work.challenge()), solved(&work.challenge()));
    clock.advance(life() - Duration::from_secs(1));
    assert_eq!(work.judge(&encoded(&early)), Ok(()));
    clock.advance(Duration::from_secs(1));
    assert_eq!(work.judge(&encoded(&late)), Err(Fault::Expired));
    assert_eq!(work.judge(&encoded(&early)), Err(Fault::Expired));
}

// H4
#[test]
fn an_answer_to_another_process_is_refused() {
    let clock = Clock::fixed(START);
    let [one, other] =
        [1, 2].map(|seed| Work::new(Difficulty(Difficulty::LEAST), clock.clone(), Chance::seeded(seed)));
    let answer = encoded(&solved(&one.challenge()));
    assert_eq!(other.judge(&answer), Err(Fault::Wrong));
    assert_eq!(one.judge(&answer), Ok(()));
}

// H4
#[test]
fn used_answers_are_forgotten_when_they_have_ended_and_a_clock_set_back_brings_none_back() {
    let mut used = Used::default();
    assert_eq!(used.take(100, 1, 10), Ok(()));
    assert_eq!(used.take(200, 2, 10), Ok(()));
    assert_eq!(used.take(300, 3, 100), Ok(()));
    assert_eq!(used.answers.len(), 2, "the first has ended");
    assert_eq!(used.take(100, 1, 10), Err(Fault::Expired));
    assert_eq!(used.take(200, 2, 10), Err(Fault::Used));
}

// H4, H6
#[test]
fn the_memory_of_used_answers_is_bounded_and_none_passes_twice_for_it() {
    let mut used = Used::default();
    for number in 0..MOST_USED {
        assert_eq!(used.take(100, number as u128, 0), Ok(()));
    }
    assert_eq!(used.take(100, u128::MAX, 0), Err(Fault::Full));
    assert_eq!(used.take(100, 0, 0), Err(Fault::Used));
    assert_eq!(used.answers.len(), MOST_USED);
    assert_eq!(used.take(200, u128::MAX, 100), Ok(()), "there is room again once they have ended");
}

#[test]
fn a_challenge_never_asks_for_more_than_its_difficulty_and_never_repeats() {
    let (work, _) = work();
    let challenges: Vec<Challenge> = (0..50).map(|_| work.challenge()).collect();
    for challenge in &challenges {
        assert!(solve(challenge) <= Difficulty::LEAST && challenge.maxnumber == Difficulty::LEAST);
        // One block of SHA-256 has 55 bytes for the text.
        assert!(challenge.salt.len() + Difficulty::MOST.to_string().len() <= 55, "{}", challenge.salt);
    }
    let salts: BTreeSet<&str> = challenges.iter().map(|challenge| challenge.salt.as_str()).collect();
    assert_eq!(salts.len(), challenges.len());
}
