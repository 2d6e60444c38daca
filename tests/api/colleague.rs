//! People in one organization.

use latchkey::model::organization::Role;
use latchkey::store::{Unavailable, Value as Cell, organizations};

use crate::app::{App, Person};

/// Somebody with a proved address who has left their own organization for another's.
pub async fn colleague(app: &App, of: &Person, email: &str, role: Role) -> Person {
    let person = app.member(email).await;
    placed(app, &person, Some((of, role))).await;
    person
}

/// Somebody with a proved address and no organization.
pub async fn loner(app: &App, email: &str) -> Person {
    let person = app.member(email).await;
    placed(app, &person, None).await;
    person
}

async fn placed(app: &App, person: &Person, place: Option<(&Person, Role)>) {
    let id = person.id.parse().expect("an id");
    let place = place.map(|(of, role)| (of.organization.parse().expect("an id"), role));
    let (key, now) = (person.id.clone(), app.clock.now());
    let moved: Result<(), Unavailable> = app
        .service
        .store
        .write(move |tx| {
            tx.execute("delete from memberships where account_id = ?1", &[Cell::Text(key)])?;
            place.map_or(Ok(()), |(organization, role)| organizations::join(tx, id, organization, role, now))
        })
        .await;
    moved.expect("the store");
}
