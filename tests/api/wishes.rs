//! What bodies wish beside their fields: it has no effect, whatever the call (G1). The document says which calls have
//! bodies.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person, registration};
use crate::invites;
use crate::{appmaker, appmaker_session, appmaker_tokens};
use crate::{orbai, orbai_user};

const FINRADAR_LOGIN: &str = "/finradar/api/v1/auth/login";
const FINRADAR_USER: &str = "/finradar/api/v1/user/";

/// Every call with a body, and a body that it takes. Words in capitals stand for what a [`Cast`] has.
const CALLS: &[(&str, &str, &str)] = &[
    (
        "POST",
        "/user/register",
        r#"{"email":"NEW","password":"SecurePass123","firstName":"A","lastName":"B","companyName":"C","isBusiness":false}"#,
    ),
    (
        "POST",
        "/user/login",
        r#"{"email":"EMAIL","password":"SecurePass123","deviceInfo":{"deviceName":"Desk","os":"Linux"}}"#,
    ),
    ("POST", orbai::LINK_VERIFY, r#"{"token":"MAGIC","device_id":"tablet"}"#),
    ("POST", orbai::LINK_REQUEST, r#"{"email":"EMAIL"}"#),
    ("POST", "/user/refresh", r#"{"refreshToken":"REFRESH"}"#),
    ("POST", "/user/logout", r#"{"refreshToken":"REFRESH"}"#),
    ("POST", "/user/pre-verify-email", r#"{"token":"VERIFY"}"#),
    ("POST", "/user/verify-email", r#"{"token":"VERIFY"}"#),
    ("POST", "/user/request-reset-password", r#"{"email":"EMAIL"}"#),
    ("POST", "/user/reset-password", r#"{"token":"RESET","newPassword":"SecurePass123"}"#),
    ("POST", "/user/change-email", r#"{"newEmail":"NEW","password":"SecurePass123"}"#),
    ("POST", "/user/confirm-email", r#"{"token":"CHANGE"}"#),
    ("PUT", "/user/{userId}", r#"{"name":"Evelyn"}"#),
    ("PUT", "/user/{userId}/role", r#"{"orgRole":1}"#),
    ("PUT", "/organization/{orgId}", r#"{"name":"Acme & Sons"}"#),
    ("POST", "/organization/users", r#"{"email":"NEW","firstName":"A","lastName":"B"}"#),
    ("PUT", "/organization/users/{id}", r#"{"name":"Benny"}"#),
    ("POST", "/subscriptions/buy", r#"{"subscriptionPeriodId":"000000000000000000000101"}"#),
    ("POST", "/settings/user", r#"{"settings":{"theme":"dark"}}"#),
    ("PUT", "/settings/user", r#"{"theme":"dark"}"#),
    ("DELETE", "/settings/user", r#"{"keys":["old"]}"#),
    ("POST", "/settings/organization", r#"{"settings":{"theme":"dark"}}"#),
    ("PUT", "/settings/organization", r#"{"theme":"dark"}"#),
    ("DELETE", "/settings/organization", r#"{"keys":["old"]}"#),
    ("POST", "/devices/trust", r#"{"deviceId":"DEVICE"}"#),
    ("POST", "/mfa/setup", r#"{"mfaType":"GOOGLE_AUTH"}"#),
    ("POST", "/mfa/organization/enforce", r#"{"enforced":false}"#),
    ("POST", "/user/api-keys", r#"{"name":"Build"}"#),
    ("POST", "/organization/api-keys", r#"{"name":"Build"}"#),
    ("POST", "/keys/verify", r#"{"key":"KEY","cost":5}"#),
    ("POST", FINRADAR_LOGIN, r#"{"email":"EMAIL","password":"SecurePass123"}"#),
    ("POST", "/finradar/api/v1/auth/redeem-invite", r#"{"code":"CODE"}"#),
    (
        "POST",
        "/finradar/api/v1/auth/register",
        r#"{"email":"NEW","password":"SecurePass123","invite_token":"INVITE"}"#,
    ),
    ("POST", "/finradar/api/v1/auth/resend-verification", r#"{"email":"EMAIL"}"#),
    ("POST", "/finradar/api/v1/auth/forgetpassword", r#"{"email":"EMAIL"}"#),
    ("PUT", "/finradar/api/v1/auth/newpassword", r#"{"token":"RESET","newpassword":"SecurePass123"}"#),
    ("POST", orbai::REGISTER, r#"{"email":"NEW","password":"SecurePass123"}"#),
    ("POST", orbai::LOGIN, r#"{"email":"EMAIL","password":"SecurePass123","device_id":"phone"}"#),
    ("POST", orbai::REFRESH, r#"{"refresh_token":"ORBAI"}"#),
    ("POST", orbai::FORGOT, r#"{"email":"EMAIL"}"#),
    ("POST", orbai::RESET, r#"{"token":"RESET","password":"SecurePass123"}"#),
    ("POST", orbai::CHANGE, r#"{"current_password":"SecurePass123","new_password":"SecurePass123"}"#),
    ("POST", orbai::LOGOUT, r#"{"all_devices":false}"#),
    ("PUT", orbai_user::ME, r#"{"city":"Ulm","first_name":"Evelyn"}"#),
    ("PUT", FINRADAR_USER, r#"{"notify_email":false}"#),
    ("POST", appmaker_session::LOGIN, r#"{"username":"EMAIL","password":"SecurePass123"}"#),
    ("POST", appmaker_session::REFRESH, r#"{"refreshToken":"MAKER"}"#),
    ("POST", appmaker_session::FORGOT, r#"{"username":"EMAIL"}"#),
    ("POST", appmaker_session::RESET, r#"{"token":"RESET","password":"SecurePass123"}"#),
    ("POST", appmaker_session::ME, r#"{"password":"SecurePass123","newPassword":"SecurePass123"}"#),
    ("POST", appmaker_tokens::TOKENS, r#"{"name":"Build","lifetime":"one-day","privileges":["list-users"]}"#),
    (
        "POST",
        "/appmaker/api/v1/auth/register/{token}",
        r#"{"username":"GUEST","password":"SecurePass123","firstName":"A","lastName":"B","token":"x"}"#,
    ),
    (
        "POST",
        "/appmaker/api/v1/organizations/{id}/invitations",
        r#"{"email":"NEW","validatedAt":"2026-03-08T12:00:00Z"}"#,
    ),
];

/// Calls that take a code of the moment: `two_factor.rs` sends every one of their bodies with wishes.
const WITH_CODES: &[&str] = &[
    "/orbai/api/v1/security/totp/enable",
    "/orbai/api/v1/security/totp/disable",
    "/orbai/api/v1/security/totp/recovery-codes",
    "/mfa/verify-setup",
    "/mfa/verify-login",
    "/mfa/disable",
    "/mfa/enable",
    "/mfa/primary",
    "/mfa/reset",
];

/// Whose body is plain, and whose has wishes.
const PLAIN: &str = "plain.example";
const WISHING: &str = "wishing.example";

fn document() -> Value {
    serde_json::from_str(&latchkey::api::document_json()).expect("JSON")
}

// G1
#[test]
fn every_call_with_a_body_in_the_document_is_in_the_sweep() {
    let document = document();
    let paths = document["paths"].as_object().expect("paths").iter();
    let calls = paths.flat_map(|(path, item)| {
        let operations = item.as_object().expect("operations").iter();
        let with_body = operations.filter(|(_, operation)| operation["requestBody"].is_object());
        with_body.map(move |(method, _)| (method.to_uppercase(), path.clone()))
    });
    let swept = CALLS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
    let swept = swept.chain(WITH_CODES.iter().map(|path| ("POST".to_owned(), (*path).to_owned())));
    assert_eq!(swept.collect::<BTreeSet<_>>(), calls.collect::<BTreeSet<_>>(), "each needs a body to try");
}

/// Keys that a body must not be able to set, and what somebody would like them to be.
fn wishes(somebody: &Person) -> Value {
    json!({
        "id": somebody.id, "userId": somebody.id, "accountId": somebody.id, "_id": somebody.id,
        "orgId": somebody.organization, "organizationId": somebody.organization, "org_id": somebody.organization,
        "role": "OWNER", "orgRole": 1, "orgRoles": [0, 1], "roles": ["admin"], "isAdmin": true,
        "validated": true, "emailVerified": true, "verified_at": 1,
        "verifiedAt": 1, "status": "active", "state": "active", "plan": "paid", "planId": "paid",
        "subscription": {"plan": "paid"}, "balance": 1_000_000, "credits": 1_000_000, "number": 1,
        "banned_at": null, "contract": "appmaker", "passwordHash": "x",
        "claimedDomain": "acme.example", "claimed_domain": "acme.example", "mfaRequired": true, "tokenId": "x",
        "generation": 9, "permissions": ["*"], "tokens": 1_000_000, "isTrusted": true, "trustedAt": 1,
        "__proto__": {"validated": true}, "constructor": {"prototype": {"validated": true}}
    })
}

/// A body with all the wishes that are no fields of its own, also in the objects inside it.
fn with(mut body: Value, wishes: &Value, schema: &Value) -> Value {
    let fields = body.as_object_mut().expect("an object");
    let inner = fields.iter_mut().filter(|(name, value)| *name != "settings" && value.is_object());
    inner.for_each(|(_, value)| *value = with(value.take(), wishes, &Value::Null));
    for (key, value) in wishes.as_object().expect("an object") {
        if schema["properties"].get(key).is_none() {
            fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    body
}

async fn profile(app: &App, person: &Person) -> Value {
    app.call(person, Method::GET, "/user/profile", None).await.json()["data"].clone()
}

/// Everything about accounts that no body may change.
fn standing(app: &App) -> Vec<String> {
    let sql = "select a.email || ' ' || a.id || ' ' || a.number || ' ' || a.contract || ' ' ||
            (a.verified_at is not null) || (a.banned_at is not null) || (a.deactivated_at is not null) || ' ' ||
            m.organization_id || ' ' || m.role || ' ' || s.plan_id || ' ' || coalesce(o.claimed_domain, '-')
        from accounts a join memberships m on m.account_id = a.id
        join organizations o on o.id = m.organization_id join subscriptions s on s.organization_id = o.id
        order by a.number";
    let rows = app.service.store.read(|tx| tx.rows(sql, &[], latchkey::store::Row::take));
    rows.expect("an answer")
}

// G1
#[tokio::test]
async fn what_a_sign_up_wishes_beside_its_fields_has_no_effect() {
    let app = App::start().await;
    let acme = app.member("owner@acme.example").await;
    let wish = wishes(&acme);
    let answer =
        app.post("/user/register", &with(registration("eve@evil.example"), &wish, &Value::Null)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let eve = Person::of("eve@evil.example", &answer);
    assert!(eve.id != acme.id && eve.organization != acme.organization);
    let data = profile(&app, &eve).await;
    assert_eq!((&data["validated"], &data["orgRole"]), (&json!(false), &json!(255)));
    assert_eq!(data["orgId"], json!(eve.organization));
    let expected = [
        format!(
            "owner@acme.example {} 1 flashback 100 {} 255 trial acme.example",
            acme.id, acme.organization
        ),
        format!("eve@evil.example {} 2 flashback 000 {} 255 trial -", eve.id, eve.organization),
    ];
    assert_eq!(standing(&app), expected);
    let change = app.call(&eve, Method::PUT, &format!("/user/{}", eve.id), Some(&json!({"name": "E"}))).await;
    assert_eq!(change.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    app.finish().await;
}

// G1
#[tokio::test]
async fn proving_an_address_grants_nothing_but_that() {
    let app = App::start().await;
    let acme = app.member("owner@acme.example").await;
    let eve = app.newcomer("eve@evil.example").await;
    let token = app.letter("eve@evil.example", "verify").await.token();
    let proved =
        app.post("/user/verify-email", &with(json!({"token": token}), &wishes(&acme), &Value::Null)).await;
    assert_eq!(proved.json()["user"]["id"], json!(eve.id));
    let mine =
        format!("eve@evil.example {} 2 flashback 100 {} 255 trial evil.example", eve.id, eve.organization);
    assert_eq!(standing(&app)[1], mine);
    app.finish().await;
}

/// An owner with a colleague, a device and settings, and somebody with an open verification.
struct Cast {
    owner: Person,
    /// The owner, signed in through the other contract.
    customer: Person,
    /// And through the third.
    app_user: Person,
    /// And through the fourth.
    maker: Person,
    /// The secret of an invitation for `guest` of the domain.
    invitation: String,
    colleague: Person,
    pending: Person,
    /// What the words in capitals stand for.
    words: Vec<(&'static str, String)>,
    domain: String,
}

impl Cast {
    /// `eve` of the domain is there already: who came before the others is the founder.
    async fn gather(app: &App, domain: &str) -> Cast {
        let email = format!("eve@{domain}");
        let login = json!({"email": email, "password": PASSWORD, "deviceInfo": {"deviceName": "Pixel 8"}});
        let owner = Person::of(&email, &app.post("/user/login", &login).await);
        let colleague = app.colleague(&owner, &format!("ben@{domain}"), 0).await;
        let pending = app.newcomer(&format!("nina@{domain}")).await;
        for path in ["/settings/user", "/settings/organization"] {
            let old = json!({"settings": {"old": 1, "kept": 2}});
            assert_eq!(app.call(&owner, Method::POST, path, Some(&old)).await.status, 200);
        }
        app.post("/user/request-reset-password", &json!({"email": email})).await;
        let device = app.call(&owner, Method::GET, "/devices", None).await.json()["data"][0]["id"].clone();
        let other = Person::of(&email, &app.login(&email, PASSWORD).await);
        let key = app.call(&owner, Method::POST, "/user/api-keys", Some(&json!({"name": "Old"}))).await;
        assert_eq!(key.status, 201, "{}", key.text);
        let entered = app.post(FINRADAR_LOGIN, &json!({"email": email, "password": PASSWORD})).await;
        let customer = Person { access: entered.field("token"), ..owner.clone() };
        let passes = [orbai::enter(app, &email).await, orbai::enter(app, &email).await];
        let app_user = Person { access: passes[0].access.clone(), ..owner.clone() };
        let makers = [appmaker::enter(app, &owner).await, appmaker::enter(app, &owner).await];
        let guest = format!("guest@{domain}");
        let invitation = appmaker::invited(app, &makers[0], &guest).await;
        let moved = format!("moved@{domain}");
        app.post(orbai::LINK_REQUEST, &json!({"email": email})).await;
        let change = json!({"newEmail": moved, "password": PASSWORD});
        let asked = app.call(&colleague, Method::POST, "/user/change-email", Some(&change)).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        let change = app.letter(&moved, "change-address").await;
        let (code, other_code) = (invites::code(app, 1).await.1, invites::code(app, 1).await.1);
        let words = vec![
            ("CODE", code),
            ("INVITE", invites::token(app, &other_code).await),
            ("KEY", key.field("key")),
            ("CHANGE", change.token()),
            ("MAGIC", app.letter(&email, "magic-link").await.token()),
            ("NEW", format!("new@{domain}")),
            ("EMAIL", email.clone()),
            ("GUEST", guest),
            ("REFRESH", other.refresh),
            ("ORBAI", passes[1].refresh.clone()),
            ("MAKER", makers[1].refresh.clone()),
            ("VERIFY", app.letter(&pending.email, "verify").await.token()),
            ("RESET", app.letter(&email, "reset").await.token()),
            ("DEVICE", device.as_str().expect("an id").to_owned()),
        ];
        let ([maker, _], domain) = (makers, domain.to_owned());
        Cast { owner, customer, app_user, maker, invitation, colleague, pending, words, domain }
    }

    /// Whoever is signed in through the contract of a path.
    fn caller(&self, path: &str) -> &Person {
        match path.split('/').nth(1) {
            Some("finradar") => &self.customer,
            Some("orbai") => &self.app_user,
            Some("appmaker") => &self.maker,
            _ => &self.owner,
        }
    }

    fn path(&self, pattern: &str) -> String {
        let pattern = pattern.replace("/organizations/{id}", "/organizations/{orgId}");
        let pattern = pattern.replace("{token}", &self.invitation);
        let target = if pattern == "/user/{userId}" { &self.owner } else { &self.colleague };
        let path = pattern.replace("{userId}", &target.id).replace("{id}", &target.id);
        path.replace("{orgId}", &self.owner.organization)
    }

    fn body(&self, template: &str) -> Value {
        let filled =
            self.words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value));
        serde_json::from_str(&filled).expect("a body of JSON")
    }

    /// What can be seen of all of them afterward. Ids and names of domains, which differ from cast to cast, are hidden.
    async fn picture(&self, app: &App) -> Vec<String> {
        let user = app.call(&self.customer, Method::GET, FINRADAR_USER, None).await;
        let mut seen = vec![format!("{} {}", user.status, user.text)];
        let me = app.call(&self.app_user, Method::GET, orbai_user::ME, None).await.json()["data"].clone();
        seen.push(format!("{} {}", me["profile"], me["subscription"]));
        let tokens = app.call(&self.maker, Method::GET, appmaker_tokens::TOKENS, None).await.json();
        for token in tokens.as_array().into_iter().flatten() {
            seen.push(format!("{} {} {}", token["name"], token["privileges"], token["expiresOn"]));
        }
        let (newcomer, moved) = (format!("new@{}", self.domain), format!("moved@{}", self.domain));
        let guest = format!("guest@{}", self.domain);
        let people = [&self.owner.email, &self.colleague.email, &self.pending.email];
        let invitations = app.service.list_invitations(self.owner.organization.parse().ok(), 100);
        let mut invitations: Vec<String> = invitations
            .expect("the store")
            .into_iter()
            .map(|invitation| {
                let state = invitation.state(app.clock.now()).as_str();
                let (email, role) = (invitation.email.as_str(), invitation.role.name());
                format!("{email} {role} {state} until {}", invitation.expires_at)
            })
            .collect();
        // Those of one moment are in the order of chance.
        invitations.sort_unstable();
        seen.extend(invitations);
        for email in people.into_iter().chain([&newcomer, &moved, &guest]) {
            let entered = app.login(email, PASSWORD).await;
            seen.push(format!("{email}: {}", entered.status));
            if entered.status != 200 {
                continue;
            }
            let person = Person::of(email, &entered);
            let organization = format!("/organization/{}", person.organization);
            let paths =
                ["/user/profile", "/user/quota", "/subscriptions/my", "/organization/users", "/devices"];
            let more = ["/settings/user", "/settings/organization", "/user/audit", "/token", &organization];
            let keys = ["/user/api-keys", "/organization/api-keys"];
            for path in paths.into_iter().chain(more).chain(keys) {
                let answer = app.call(&person, Method::GET, path, None).await.json();
                seen.push(format!("{email} {path}: {}", in_order(&answer)));
            }
        }
        seen.into_iter().map(|text| hide_ids(&text).replace(&self.domain, "DOMAIN")).collect()
    }
}

/// An answer without ids, the wishes that became settings, and the order that chance gives to what is of one moment.
fn in_order(answer: &Value) -> String {
    let mut answer = answer.clone();
    if let Some(settings) = answer["settings"].as_object_mut() {
        settings.retain(|key, _| ["old", "kept", "theme"].contains(&key.as_str()));
    }
    for list in ["data", "tokens", "apiKeys"] {
        if let Some(items) = answer[list].as_array_mut() {
            items.retain(|item| item["action"] != "settings.changed");
            items.retain(|item| item["action"] != "organization-settings.changed");
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| {
                item.shift_remove("key");
            });
            items.sort_by_key(|item| hide_ids(&item.to_string()));
        }
    }
    answer.to_string()
}

/// The text with `ID` for whatever is 24 hexadecimal digits.
fn hide_ids(text: &str) -> String {
    let mut hidden = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        hidden.push_str(if digits.len() == 24 { "ID" } else { digits });
        hidden.push_str(&word[digits.len()..]);
    }
    hidden
}

// G1
#[tokio::test]
async fn the_same_body_with_and_without_wishes_has_the_same_effect() {
    let document = document();
    for (method, path, template) in CALLS {
        let app = App::start().await;
        let acme = app.member("owner@acme.example").await;
        let hers = [standing(&app)[0].clone(), profile(&app, &acme).await.to_string()];
        for domain in [PLAIN, WISHING] {
            app.member(&format!("eve@{domain}")).await;
        }
        app.advance(Duration::from_secs(1));
        let (plain, wishing) = (Cast::gather(&app, PLAIN).await, Cast::gather(&app, WISHING).await);
        let schema = &document["paths"][path][method.to_lowercase()]["requestBody"]["content"]["application/json"]
            ["schema"];
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        let schema = name.map_or(&Value::Null, |name| &document["components"]["schemas"][name]);
        let mut statuses = Vec::new();
        for (cast, wish) in [(&plain, json!({})), (&wishing, wishes(&acme))] {
            let body = with(cast.body(template), &wish, schema);
            let caller = cast.caller(path);
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let answer = app.call(caller, method, &cast.path(path), Some(&body)).await;
            assert!((200..300).contains(&answer.status), "{path} takes {body}: {}", answer.text);
            statuses.push(answer.status);
        }
        assert_eq!(statuses[0], statuses[1], "{method} {path}");
        let (before, after) = (plain.picture(&app).await, wishing.picture(&app).await);
        for (without, with) in before.iter().zip(&after) {
            assert_eq!(with, without, "{method} {path}");
        }
        assert_eq!(after.len(), before.len(), "{method} {path}");
        let still = [standing(&app)[0].clone(), profile(&app, &acme).await.to_string()];
        assert_eq!(still, hers, "{method} {path} touches somebody else");
        app.finish().await;
    }
}
