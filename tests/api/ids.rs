//! Every call that takes an id, with ids that are not the caller's to use: each answers exactly as to an unknown one, and
//! nothing happens. The document says which calls there are.

use std::collections::BTreeSet;

use latchkey::model::organization::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::appmaker_tokens::TOKENS;
use crate::colleague::colleague;
use crate::{appmaker, orbai, orbai_user};

/// An id that nothing has.
const UNKNOWN: &str = "000000000000000000000000";

/// What an id names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account,
    Organization,
    Session,
    Device,
    /// One that a client names itself.
    AppDevice,
    Key,
    Invitation,
    /// A personal access token.
    AccessToken,
    Proof,
    Period,
    /// A client's own identity for its device, which names nothing of anybody else's.
    OwnName,
}
use Kind::{
    AccessToken, Account, AppDevice, Device, Invitation, Key, Organization, OwnName, Period, Proof, Session,
};

/// A call that takes an id: method, path and, where the id stands in the body, the field.
type Place = (&'static str, &'static str, &'static str);

/// A call that takes an id, and what it says to a stranger who names an unknown one.
struct Row {
    place: Place,
    kind: Kind,
    body: Option<&'static str>,
    unknown: (u16, &'static str),
    /// What an id of the caller's own organization is told to its least member, where that is not as unknown: members
    /// see one another's roles, so that they exist is no secret.
    among_members: Option<u16>,
}

const fn row(place: Place, kind: Kind, body: Option<&'static str>, unknown: (u16, &'static str)) -> Row {
    Row { place, kind, body, unknown, among_members: None }
}

const fn open(row: Row, status: u16) -> Row {
    Row { among_members: Some(status), ..row }
}

const NO_USER: (u16, &str) = (404, "User not found");
const NO_TOKEN: (u16, &str) = (404, "TOKEN_NOT_FOUND");
const NO_DEVICE: (u16, &str) = (404, "Device not found");
const NO_SESSION: (u16, &str) = (404, "Session not found");
const NO_KEY: (u16, &str) = (404, "API_KEY_NOT_FOUND");
const NO_ACCESS_TOKEN: (u16, &str) = (404, "There is no such access token");
const NOT_YOURS: (u16, &str) = (403, "only of their own organization");
const NAME: Option<&str> = Some(r#"{"name":"Eve"}"#);
const ROLE: Option<&str> = Some(r#"{"orgRole":0}"#);
const SIGN_UP: Option<&str> =
    Some(r#"{"email":"olga@acme.example","password":"SecurePass123","device_id":"ID"}"#);
const LOG_IN: Option<&str> = Some(r#"{"email":"olga@acme.example","password":"wrong","device_id":"ID"}"#);
/// What is told of no link cannot depend on the device.
const FOLLOW: Option<&str> = Some(r#"{"token":"wrong","device_id":"ID"}"#);
const USER: &str = "/organization/users/{id}";
const REGISTER: Option<&str> = Some(
    r#"{"username":"olga@acme.example","password":"SecurePass123","firstName":"A","lastName":"B","token":"x"}"#,
);
const INVITE: Option<&str> =
    Some(r#"{"email":"fay@acme.example","roles":["USER"],"validatedAt":"2026-03-08T12:00:00Z"}"#);
const INVITATIONS: &str = "/appmaker/api/v1/organizations/{id}/invitations";
const NOT_THEIRS: (u16, &str) = (403, "only in their own organization");

const ROWS: &[Row] = &[
    row(("DELETE", "/token/{tokenId}", ""), Session, None, NO_TOKEN),
    row(
        ("POST", "/user/resend-verification/{verificationTokenId}", ""),
        Proof,
        None,
        (200, r#"{"success":true}"#),
    ),
    row(
        ("POST", "/user/verify-email", "verificationTokenId"),
        Proof,
        Some(r#"{"verificationTokenId":"ID","code":"00000000"}"#),
        (400, "INVALID_TOKEN"),
    ),
    row(
        ("POST", "/user/confirm-email", "verificationTokenId"),
        Proof,
        Some(r#"{"verificationTokenId":"ID","code":"00000000"}"#),
        (400, "INVALID_TOKEN"),
    ),
    open(row(("GET", "/user/{userId}", ""), Account, None, NO_USER), 200),
    open(row(("PUT", "/user/{userId}", ""), Account, NAME, NO_USER), 403),
    row(("PUT", "/user/{userId}/role", ""), Account, ROLE, NO_USER),
    open(row(("GET", "/organization/{orgId}", ""), Organization, None, (403, "only view your own")), 200),
    open(row(("PUT", "/organization/{orgId}", ""), Organization, NAME, (403, "")), 403),
    row(("GET", USER, ""), Account, None, NO_USER),
    row(("PUT", USER, ""), Account, NAME, NO_USER),
    row(("DELETE", USER, ""), Account, None, NO_USER),
    row(("POST", "/organization/users/{id}/activate", ""), Account, None, NO_USER),
    row(("POST", "/organization/users/{id}/resend-invitation", ""), Account, None, NO_USER),
    row(
        ("POST", "/subscriptions/buy", "subscriptionPeriodId"),
        Period,
        Some(r#"{"subscriptionPeriodId":"ID"}"#),
        (404, "SUBSCRIPTION_PERIOD_NOT_FOUND"),
    ),
    row(("DELETE", "/user/api-keys/{id}", ""), Key, None, NO_KEY),
    row(("DELETE", "/organization/api-keys/{id}", ""), Key, None, NO_KEY),
    row(("POST", crate::orbai::REGISTER, "device_id"), OwnName, SIGN_UP, (409, "EMAIL_ALREADY_EXISTS")),
    row(("POST", crate::orbai::LOGIN, "device_id"), OwnName, LOG_IN, (401, "INVALID_CREDENTIALS")),
    row(("POST", crate::orbai::LINK_VERIFY, "device_id"), OwnName, FOLLOW, (401, "INVALID_TOKEN")),
    row(("DELETE", "/orbai/api/v1/auth/devices/{device_id}", ""), AppDevice, None, (404, "DEVICE_NOT_FOUND")),
    row(
        ("POST", "/appmaker/api/v1/auth/register/{token}", ""),
        Proof,
        REGISTER,
        (400, r#"{"validationError":{"token":"Invalid or expired invitation"}}"#),
    ),
    row(("GET", INVITATIONS, ""), Organization, None, NOT_THEIRS),
    row(("POST", INVITATIONS, ""), Organization, INVITE, NOT_THEIRS),
    row(
        ("DELETE", "/appmaker/api/v1/organizations/{id}/invitations/{invitationId}", ""),
        Invitation,
        None,
        (404, "Invitation not found"),
    ),
    row(("DELETE", "/appmaker/api/v1/me/tokens/{tokenId}", ""), AccessToken, None, NO_ACCESS_TOKEN),
    row(("GET", "/appmaker/api/v1/organizations/{id}/users", ""), Organization, None, NOT_YOURS),
    row(("GET", "/appmaker/api/v1/organizations/{id}/roles", ""), Organization, None, NOT_YOURS),
    row(("POST", "/sessions/{id}/revoke", ""), Session, None, NO_SESSION),
    row(("POST", "/sessions/{id}/heartbeat", ""), Session, None, NO_SESSION),
    row(("GET", "/devices/{id}", ""), Device, None, NO_DEVICE),
    row(("DELETE", "/devices/{id}", ""), Device, None, NO_DEVICE),
    row(("POST", "/devices/{id}/untrust", ""), Device, None, NO_DEVICE),
    row(("POST", "/devices/trust", "deviceId"), Device, Some(r#"{"deviceId":"ID"}"#), NO_DEVICE),
];

/// The places of ids that the document announces: parameters of paths, and fields of bodies by their names.
fn announced() -> BTreeSet<(String, String, String)> {
    let document: Value = serde_json::from_str(&latchkey::api::document_json()).expect("JSON");
    let mut places = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let mut note = |field: &str| {
                places.insert((method.to_uppercase(), path.clone(), field.to_owned()));
            };
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                // Whatever stands in a path names something; elsewhere its name has to say so.
                match (&parameter["in"], parameter["name"].as_str().expect("a name")) {
                    (place, _) if place == "path" => note(""),
                    (_, name) if is_id(name) => note(name),
                    _ => {}
                }
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let mut fields = Vec::new();
            fields_of(&document, schema, &mut fields);
            fields.iter().filter(|field| is_id(field)).for_each(|field| note(field));
        }
    }
    places
}

fn is_id(name: &str) -> bool {
    let name = name.trim_end_matches('s');
    name == "id" || name == "uid" || name.ends_with("Id") || name.ends_with("_id")
}

fn fields_of(document: &Value, schema: &Value, fields: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        fields_of(document, &document["components"]["schemas"][name], fields);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        fields.push(name.clone());
        fields_of(document, inner, fields);
    }
    for inner in ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
        fields_of(document, inner, fields);
    }
    if schema["items"].is_object() {
        fields_of(document, &schema["items"], fields);
    }
}

// B6
#[test]
fn every_place_of_an_id_in_the_document_is_in_the_sweep() {
    let text = |part: &&str| (*part).to_owned();
    let swept =
        ROWS.iter().map(|Row { place: (method, path, field), .. }| (text(method), text(path), text(field)));
    assert_eq!(swept.collect::<BTreeSet<_>>(), announced(), "each needs a row of what it answers");
}

/// What one person has that has an id.
struct Holdings {
    account: String,
    organization: String,
    sessions: Vec<String>,
    devices: Vec<String>,
    app_devices: Vec<String>,
    keys: Vec<String>,
    invitations: Vec<String>,
    access_tokens: Vec<String>,
}

impl Holdings {
    fn of_kind(&self, kind: Kind) -> Vec<String> {
        match kind {
            Account => vec![self.account.clone()],
            Organization => vec![self.organization.clone()],
            Session => self.sessions.clone(),
            Device => self.devices.clone(),
            AppDevice => self.app_devices.clone(),
            Key => self.keys.clone(),
            Invitation => self.invitations.clone(),
            AccessToken => self.access_tokens.clone(),
            Proof | Period | OwnName => Vec::new(),
        }
    }

    fn all(&self) -> Vec<String> {
        [Account, Organization, Session, Device, AppDevice, Key, Invitation, AccessToken]
            .into_iter()
            .flat_map(|kind| self.of_kind(kind))
            .collect()
    }

    /// Ids that are one's own and no good at a place for others.
    fn misplaced(&self, kind: Kind) -> Vec<String> {
        let right = self.of_kind(kind);
        self.all().into_iter().filter(|id| !right.contains(id)).collect()
    }
}

async fn holdings(app: &App, person: &Person) -> Holdings {
    let login = json!({"email": person.email, "password": PASSWORD, "deviceInfo": {"deviceName": "Pixel 8"}});
    let entered = app.post("/user/login", &login).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    let device = app.call(person, Method::GET, "/devices", None).await.json()["data"][0]["id"].clone();
    let mut keys = Vec::new();
    for path in ["/user/api-keys", "/organization/api-keys"] {
        // None where the role or the plan allows no more.
        let made = app.call(person, Method::POST, path, Some(&json!({"name": "Build"}))).await.json();
        keys.extend(made["apiKey"]["id"].as_str().map(str::to_owned));
    }
    let maker = appmaker::enter(app, person).await;
    let wish = json!({"name": "Build", "lifetime": "one-day", "privileges": []});
    let token = app.call(&maker, Method::POST, TOKENS, Some(&wish)).await;
    assert_eq!(token.status, 201, "{}", token.text);
    let pass = orbai::enter(app, &person.email).await;
    let app_device =
        orbai_user::data(app, &pass, orbai_user::DEVICES).await["devices"][0]["device_id"].clone();
    let organization = entered.json()["user"]["orgId"].as_str().expect("an organization").to_owned();
    let admin = Person { organization: organization.clone(), ..maker };
    let made = appmaker::invite(app, &admin, &format!("guest.of.{}", person.email), "USER").await;
    Holdings {
        keys,
        // None where the role allows none.
        invitations: made.json()["_id"].as_str().map(str::to_owned).into_iter().collect(),
        organization,
        access_tokens: vec![token.field("_id")],
        account: person.id.clone(),
        sessions: vec![person.session.clone(), entered.field("tokenId")],
        devices: vec![device.as_str().expect("an id").to_owned()],
        app_devices: vec![app_device.as_str().expect("an id").to_owned()],
    }
}

/// Texts that are no id, some of them close to one.
fn malformed(id: &str) -> Vec<String> {
    let mut texts: Vec<String> =
        ["x", "0", "-1", "null", "undefined", "*", "_", "true", "1e9"].map(str::to_owned).into();
    texts.extend([id[1..].to_owned(), format!("{id}0"), format!("{id}{id}"), "g".repeat(24)]);
    texts.extend([id.to_uppercase(), format!("0x{}", &id[2..]), format!("{{{id}}}"), "9".repeat(99)]);
    texts.extend(["%20", "%27", "%25", "%00", "%0A", "%2F", "%C3%A4"].map(|end| format!("{id}{end}")));
    texts
}

/// The same person, signed in through every contract that has rows.
struct Everywhere {
    flashback: Person,
    orbai: Person,
    appmaker: Person,
}

impl Everywhere {
    async fn of(app: &App, person: &Person, organization: &str) -> Everywhere {
        let flashback = Person { organization: organization.to_owned(), ..person.clone() };
        let access = orbai::enter(app, &person.email).await.access;
        Everywhere {
            orbai: Person { access, ..flashback.clone() },
            appmaker: appmaker::enter(app, &flashback).await,
            flashback,
        }
    }

    /// Signed in through the contract of a row.
    fn through(&self, row: &Row) -> &Person {
        match row.place.1.split('/').nth(1) {
            Some("orbai") => &self.orbai,
            Some("appmaker") => &self.appmaker,
            _ => &self.flashback,
        }
    }
}

async fn ask(app: &App, caller: &Person, row: &Row, id: &str) -> Answer {
    let (method, path, field) = row.place;
    let path = if field.is_empty() {
        path.split('/')
            .map(|part| match part {
                // Of two ids the one that is not the caller's to choose is right.
                "{id}" if path.ends_with("{invitationId}") => &caller.organization,
                part if part.starts_with('{') => id,
                part => part,
            })
            .collect::<Vec<_>>()
            .join("/")
    } else {
        path.to_owned()
    };
    let body: Option<Value> =
        row.body.map(|body| serde_json::from_str(&body.replace("ID", id)).expect("a body of JSON"));
    app.call(caller, Method::from_bytes(method.as_bytes()).expect("a method"), &path, body.as_ref()).await
}

/// All of an answer but what differs from one to the next.
fn seen(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let headers =
        answer.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (answer.status, answer.text.clone(), headers.collect())
}

async fn all_as_unknown(app: &App, caller: &Person, row: &Row, ids: &[String]) -> Answer {
    let unknown = ask(app, caller, row, UNKNOWN).await;
    for id in ids {
        let answer = ask(app, caller, row, id).await;
        assert_eq!(seen(&answer), seen(&unknown), "{} asks {:?} with {id}", caller.email, row.place);
    }
    unknown
}

/// All that is kept of somebody, and of the organization.
async fn kept(app: &App, person: &Person) -> [Value; 7] {
    let organization = format!("/organization/{}", person.organization);
    let lists = ["/organization/users", "/settings/organization", "/user/api-keys", "/organization/api-keys"];
    let paths = ["/user/export", &organization].into_iter().chain(lists);
    let mut all = [const { Value::Null }; 7];
    for (path, slot) in paths.zip(&mut all) {
        let answer = app.call(person, Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        *slot = answer.json();
    }
    let id = person.organization.parse().expect("an id");
    let invitations = app.service.list_invitations(Some(id), 100).expect("the store");
    all[6] = json!(format!("{invitations:?}"));
    all
}

// B6
#[tokio::test]
async fn an_id_of_another_organization_is_as_unknown_as_one_of_nobody() {
    let app = App::start().await;
    let (olga, eve) = (app.member("olga@acme.example").await, app.member("eve@evil.example").await);
    let (hers, own) = (holdings(&app, &olga).await, holdings(&app, &eve).await);
    assert_eq!((hers.keys.len(), own.keys.len()), (2, 2), "one's own and the organization's");
    let nina = app.newcomer("nina@new.example").await;
    let gone = app.call(&eve, Method::DELETE, &format!("/devices/{}", own.devices[0]), None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let eve_everywhere = Everywhere::of(&app, &eve, &own.organization).await;
    let before = kept(&app, &olga).await;
    for row in ROWS {
        let of_the_kind = hers.of_kind(row.kind);
        let near = malformed(of_the_kind.first().unwrap_or(&nina.proof));
        let mut ids = [hers.all(), own.misplaced(row.kind), near].concat();
        if row.kind == Device || row.kind == Session {
            // The device that she had, and the session on it.
            ids.extend([own.devices[0].clone(), own.sessions[1].clone()]);
        }
        ids.extend([nina.proof.clone(), nina.id.clone(), "canary".to_owned()]);
        let unknown = all_as_unknown(&app, eve_everywhere.through(row), row, &ids).await;
        assert_eq!(unknown.status, row.unknown.0, "{:?}: {}", row.place, unknown.text);
        assert!(unknown.text.contains(row.unknown.1), "{:?}: {}", row.place, unknown.text);
    }
    assert_eq!(kept(&app, &olga).await, before, "nothing of hers was touched");
    app.finish().await;
}

// B6
#[tokio::test]
async fn an_id_of_ones_own_organization_is_as_unknown_to_who_may_not_use_it() {
    let app = App::start().await;
    let (olga, eve) = (app.member("olga@acme.example").await, app.member("eve@evil.example").await);
    let ben = colleague(&app, &olga, "ben@acme.example", Role::User).await;
    let (hers, theirs) = (holdings(&app, &olga).await, holdings(&app, &eve).await);
    let own = holdings(&app, &ben).await;
    let ben_everywhere = Everywhere::of(&app, &ben, &own.organization).await;
    let before = kept(&app, &olga).await;
    for row in ROWS {
        let mut ids = [theirs.all(), own.misplaced(row.kind)].concat();
        let of_the_kind = hers.of_kind(row.kind);
        ids.extend(hers.all().into_iter().filter(|id| !of_the_kind.contains(id)));
        match row.among_members {
            Some(status) => {
                for id in &of_the_kind {
                    let answer = ask(&app, ben_everywhere.through(row), row, id).await;
                    assert_eq!(answer.status, status, "{:?}: {}", row.place, answer.text);
                }
            }
            None => ids.extend(of_the_kind),
        }
        if row.kind == Account && row.among_members.is_none() {
            ids.push(own.account.clone());
        }
        all_as_unknown(&app, ben_everywhere.through(row), row, &ids).await;
    }
    assert_eq!(kept(&app, &olga).await, before, "nothing of hers was touched");
    app.finish().await;
}
