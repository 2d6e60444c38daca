use super::*;
use crate::model::id::RawId;

fn at(text: &str) -> Millis {
    Millis::parse_date(text).expect("a date")
}

fn organization() -> OrganizationId {
    OrganizationId(RawId::new(1, [0; 8]))
}

fn terms(number: u8, plan: &str, from: &str) -> Terms {
    let priced = plan == "paid";
    Terms {
        subscription: SubscriptionId(RawId::new(1, [number; 8])),
        plan: plan.to_owned(),
        period_type: PeriodType::AllTime,
        starts_at: at(from),
        ends_at: None,
        tokens_a_month: if priced { 200_000 } else { 2_000 },
        calls_a_minute: 60,
        priced,
    }
}

fn settled(ledger: &Ledger, terms: &Terms, now: &str) -> Ledger {
    let due = ledger.due(Some(terms), at(now)).expect("something is due");
    assert_eq!(
        ledger.balance() - due.void + due.grant,
        due.ledger.balance(),
        "the sum of the lines is the balance"
    );
    due.ledger
}

// G6: month ends and clock boundaries
#[test]
fn a_month_is_refilled_on_the_anniversary_and_not_before() {
    let free = terms(1, "free", "2026-01-31");
    let first = settled(&Ledger::new(organization()), &free, "2026-01-31");
    assert_eq!((first.monthly, first.refill_at), (2_000, at("2026-02-28")));
    let spent = Ledger { monthly: 5, ..first };
    assert_eq!(spent.due(Some(&free), at("2026-02-27T23:59:59.999Z")), None);
    let second = settled(&spent, &free, "2026-02-28");
    assert_eq!((second.monthly, second.refill_at), (2_000, at("2026-03-31")));
    assert_eq!(second.due(Some(&free), at("2026-03-30T23:59:59.999Z")), None);
    let leap = terms(2, "free", "2028-01-31");
    let first = settled(&Ledger::new(organization()), &leap, "2028-02-29");
    assert_eq!((first.refill_at, first.unpriced_from), (at("2028-03-31"), Some(at("2028-02-29"))));
}

#[test]
fn months_that_nobody_asked_for_are_not_made_up_for() {
    let free = terms(1, "free", "2026-01-10");
    let first = settled(&Ledger::new(organization()), &free, "2026-01-10");
    let later = settled(&Ledger { monthly: 7, credits: 50, ..first }, &free, "2026-07-11");
    assert_eq!((later.monthly, later.credits, later.refill_at), (2_000, 50, at("2026-08-10")));
}

#[test]
fn starting_a_plan_without_a_price_again_gains_nothing() {
    let first = settled(&Ledger::new(organization()), &terms(1, "free", "2026-01-10"), "2026-01-10");
    let spent = Ledger { monthly: 3, ..first };
    let again = settled(&spent, &terms(2, "free", "2026-01-20"), "2026-01-20");
    assert_eq!((again.monthly, again.refill_at), (3, at("2026-02-20")));
    let after_a_month = settled(&spent, &terms(2, "free", "2026-02-10"), "2026-02-10");
    assert_eq!(after_a_month.monthly, 2_000);
}

#[test]
fn a_plan_with_a_price_grants_whenever_it_is_started() {
    let first = settled(&Ledger::new(organization()), &terms(1, "free", "2026-01-10"), "2026-01-10");
    let paid = settled(&Ledger { monthly: 3, ..first }, &terms(2, "paid", "2026-01-11"), "2026-01-11");
    assert_eq!(paid.monthly, 200_000);
    let renewed =
        settled(&Ledger { monthly: 0, ..paid.clone() }, &terms(3, "paid", "2026-01-12"), "2026-01-12");
    assert_eq!(renewed.monthly, 200_000);
    let back = settled(&paid, &terms(4, "free", "2026-01-15"), "2026-01-15");
    assert_eq!(back.monthly, 2_000, "no more than the plan in force grants");
    assert_eq!(back.granted, 2_000, "and its quota is told of that plan, not of the one before");
    let spent = settled(&Ledger { monthly: 500, ..paid }, &terms(4, "free", "2026-01-15"), "2026-01-15");
    assert_eq!((spent.monthly, spent.granted), (500, 2_000));
}

#[test]
fn without_a_plan_in_force_the_month_is_void_and_credits_stay() {
    let mut free = terms(1, "trial", "2026-01-10");
    free.ends_at = Some(at("2026-01-24"));
    let first = settled(&Ledger::new(organization()), &free, "2026-01-10");
    let rich = Ledger { credits: 10, ..first };
    assert_eq!(rich.due(Some(&free), at("2026-01-23T23:59:59.999Z")), None);
    let over = settled(&rich, &free, "2026-01-24");
    assert_eq!((over.monthly, over.balance()), (0, 10));
    assert_eq!(over.due(Some(&free), at("2026-01-25")), None, "and that is all");
    assert_eq!(over.due(None, at("2026-01-25")), None);
}

#[test]
fn costs_have_bounds() {
    for (tokens, good) in [
        (0, true),
        (1, true),
        (MOST_COST, true),
        (-1, false),
        (MOST_COST + 1, false),
        (i64::MAX, false),
        (i64::MIN, false),
    ] {
        assert_eq!(Cost::of(tokens).is_some(), good, "{tokens}");
    }
}
