//! Where an invitation's letter leads, and how the operator makes the first one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person};
use crate::appmaker::{enter, in_days, invitations_of, invited, owner, register, registration};
use crate::captcha::{answer as captcha_answer, easy_work};
use crate::process::Place;

const PAGE: &str = "/invitation";

fn form<'a>(secret: &'a str, password: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![("token", secret), ("first_name", "Jane"), ("last_name", "Doe"), ("password", password)]
}

// C3
#[tokio::test]
async fn only_the_button_of_the_page_uses_the_invitation_up() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let path = format!("{PAGE}?token={secret}");
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let page = app.send(app.request(method.clone(), &path)).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"), "{method}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
    let page = app.get(&path).await;
    for word in ["Acme Corporation", "jane@else.com", "name=\"first_name\"", "autocomplete=\"new-password\""]
    {
        assert!(page.text.contains(word), "{word}: {}", page.text);
    }
    let refused = app.submit(PAGE, &form(&secret, "short")).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("at least 8 characters") && refused.text.contains("value=\"Jane\""));
    assert!(!refused.text.contains("value=\"short\""), "a password is never sent back");
    let nameless = app.submit(PAGE, &[("token", &secret), ("password", PASSWORD)]).await;
    assert!(nameless.status == 400 && nameless.text.contains("first name"), "{}", nameless.text);
    let done = app.submit(PAGE, &form(&secret, PASSWORD)).await;
    assert!(done.status == 200 && done.text.contains("Your account is ready"), "{}", done.text);
    let again = app.get(&path).await;
    assert!(again.status == 200 && again.text.contains("Your account is ready"), "nobody is alarmed");
    assert_eq!(app.submit(PAGE, &form(&secret, PASSWORD)).await.status, 400);
    let jane = Person { email: "jane@else.com".to_owned(), ..olga.clone() };
    enter(&app, &jane).await;
    for nothing in ["", "x", &"x".repeat(43)] {
        assert_eq!(app.get(&format!("{PAGE}?token={nothing}")).await.status, 400, "{nothing}");
        assert_eq!(app.submit(PAGE, &form(nothing, PASSWORD)).await.status, 400, "{nothing}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_page_says_why_an_address_cannot_register() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    app.newcomer("jane@else.com").await;
    let refused = app.submit(PAGE, &form(&secret, PASSWORD)).await;
    assert!(refused.status == 400 && refused.text.contains("cannot register"), "{}", refused.text);
    let language =
        app.request(Method::GET, &format!("{PAGE}?token={secret}")).header("accept-language", "fa");
    let page = app.send(language).await;
    assert!(page.text.contains("<html lang=\"fa\" dir=\"rtl\">"), "{}", page.text);
    app.finish().await;
}

// H4
#[tokio::test]
async fn the_page_asks_for_the_work_that_clients_do() {
    let app = App::start_with(easy_work).await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let page = app.get(&format!("{PAGE}?token={secret}")).await;
    assert!(page.text.contains("name=\"captcha\""), "{}", page.text);
    let without = app.submit(PAGE, &form(&secret, PASSWORD)).await;
    assert!(without.status == 400 && without.text.contains("no robot"), "{}", without.text);
    let answer = captcha_answer(&app).await;
    let mut fields = form(&secret, PASSWORD);
    fields.push(("captcha", &answer));
    let done = app.submit(PAGE, &fields).await;
    assert_eq!(done.status, 200, "{}", done.text);
    app.finish().await;
}

// C5
#[tokio::test]
async fn the_name_of_an_organization_is_text_and_nothing_else() {
    let app = App::start().await;
    let here = app.member("olga@acme.com").await;
    let olga = enter(&app, &here).await;
    for (number, name) in
        ["<b>Acme</b>", "\"><script>x</script>", "https://evil.example/win", "Visit www.evil.example"]
            .iter()
            .enumerate()
    {
        let path = format!("/organization/{}", olga.organization);
        let renamed = app.call(&here, Method::PUT, &path, Some(&json!({"name": name}))).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text);
        let email = format!("guest{number}@else.com");
        let secret = invited(&app, &olga, &email).await;
        let letter = app.letter(&email, "invitation").await;
        let words = format!("{} {} {}", letter.0["subject"], letter.0["text"], letter.0["html"]);
        assert!(!words.contains(name) && !words.contains("evil.example"), "{words}");
        let page = app.get(&format!("{PAGE}?token={secret}")).await.text;
        assert!(
            !page.contains("<b>") && !page.contains("<script") && !page.contains("href=\"https://evil"),
            "{page}"
        );
    }
    app.finish().await;
}

async fn letter_to(server: &crate::process::Process, email: &str) -> crate::app::Letter {
    let looking = async {
        loop {
            let letters = server.get("/mailbox/letters").await.json();
            let found =
                letters.as_array().into_iter().flatten().find(|letter| letter["to"] == email).cloned();
            if let Some(letter) = found {
                return crate::app::Letter(letter);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::app::PATIENCE, looking).await.expect("the letter comes")
}

#[tokio::test]
async fn the_operator_invites_the_first_owner_beside_a_running_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    let create = |organization: &str, email: &str, role: &str| {
        ["invitation", "create", "--organization", organization, "--email", email, "--role", role]
            .map(str::to_owned)
    };
    let run = |arguments: &[String]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.run(&arguments)
    };
    let early = run(&create("Acme", "ann@acme.example", "USER"));
    assert_eq!(early.status, 1);
    assert!(early.stderr.contains("must be for the role OWNER"), "{}", early.stderr);
    assert_eq!(place.json(&["organization", "list"]), json!([]), "nothing was made");
    let wrong = run(&create("Acme", "ann", "KING"));
    assert!(
        wrong.stderr.contains("--email") && wrong.stderr.contains("--role must be one of USER"),
        "{}",
        wrong.stderr
    );

    let arguments = ["invitation", "create", "--organization", "Acme", "--email", "olga@acme.example"];
    let made = place.json(&[&arguments[..], &["--role", "owner", "--expires", "2d"]].concat());
    assert_eq!((&made["role"], &made["state"]), (&json!("OWNER"), &json!("pending")));
    let where_to = format!("read it at http://{}/mailbox", server.address);
    assert_eq!(made["letter"], json!(where_to));
    let organization = made["organization"].as_str().expect("an id").to_owned();
    let second = run(&create("Acme", "ann@acme.example", "USER"));
    assert_eq!(second.status, 0, "an owner is on the way: {}", second.stderr);
    let unknown = run(&create("000000000000000000000000", "x@acme.example", "OWNER"));
    assert!(
        unknown.status == 1 && unknown.stderr.contains("no organization of that id"),
        "{}",
        unknown.stderr
    );

    let secret = letter_to(&server, "olga@acme.example").await.token();
    assert!(!second.stdout.contains(&secret), "the letter alone has the link");
    let path = format!("/appmaker/api/v1/auth/register/{secret}");
    let registered = server.post(&path, &registration("olga@acme.example")).await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let login = json!({"email": "olga@acme.example", "password": PASSWORD});
    let user = server.post("/user/login", &login).await.json()["user"].clone();
    assert_eq!((&user["orgId"], &user["orgRole"]), (&json!(organization), &json!(255)));

    let listed = place.json(&["invitation", "list", "--organization", &organization]);
    let states: Vec<&Value> = listed.as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["pending", "registered"]);
    let id = listed[0]["id"].as_str().expect("an id");
    assert_eq!(place.run(&["invitation", "revoke", id]).status, 0);
    let again = place.run(&["invitation", "revoke", id]);
    assert!(again.status == 1 && again.stderr.contains("accepted or revoked before"), "{}", again.stderr);
    let taken = run(&create("Acme", "olga@acme.example", "USER"));
    assert!(taken.status == 1 && taken.stderr.contains("belongs to an account"), "{}", taken.stderr);
    server.stop().await;
}

#[tokio::test]
async fn an_invitation_in_the_past_cannot_be_followed_from_its_page_either() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let body = json!({"email": "jane@else.com", "validatedAt": in_days(&app, 1)});
    assert_eq!(app.call(&olga, Method::POST, &invitations_of(&olga), Some(&body)).await.status, 201);
    let secret = app.letter("jane@else.com", "invitation").await.token();
    app.advance(latchkey::model::time::DAY);
    assert_eq!(app.get(&format!("{PAGE}?token={secret}")).await.status, 400);
    assert_eq!(app.submit(PAGE, &form(&secret, PASSWORD)).await.status, 400);
    assert_eq!(register(&app, &secret, &registration("jane@else.com")).await.status, 400);
    app.finish().await;
}
