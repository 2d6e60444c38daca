//! `latchkey account …`.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::api::flashback::POLICY;
use crate::model::account::Member;
use crate::model::domain::Website;
use crate::model::email::EmailAddress;
use crate::model::language::Language;
use crate::model::name::{CompanyName, PersonName};
use crate::model::organization::Contact;
use crate::model::password::Password;
use crate::model::personal::PersonalDetails;
use crate::service::Service;
use crate::service::operator::{AccountAction, AccountName};
use crate::service::register::{RegisterError, RegisterOrder};

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Make an account with an organization of its own; the verification letter goes out.
    Create(NewAccount),
    /// List accounts in order of their number.
    List {
        /// Start after this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show one account.
    Show(Named),
    /// Take the address as proved.
    Verify(Named),
    /// Let a deactivated account in again.
    Activate(Named),
    /// Shut an account; its sessions end at once.
    Deactivate(Named),
    /// Ban an account; its sessions end at once.
    Ban(Named),
    /// Lift the ban.
    Unban(Named),
    /// Take all second factors from an account whose owner has lost them; the password alone lets in then.
    #[command(name = "reset-2fa")]
    ResetSecondFactor(Named),
    /// Give the account's organization a plan, whatever it costs.
    Subscribe(super::subscribe::Assignment),
    /// Give the account's organization tokens that stay beyond the month.
    Credit(super::credit::Credit),
    /// Remove a deactivated, banned, taken-out or never verified account and all that is kept of it, for good.
    Erase {
        #[command(flatten)]
        named: Named,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub struct Named {
    /// The account's id or e-mail address.
    pub(super) account: String,
}

#[derive(Args)]
pub struct NewAccount {
    #[arg(long)]
    email: String,
    #[arg(long)]
    first_name: String,
    #[arg(long)]
    last_name: String,
    /// Name of the organization; the person's own name when absent.
    #[arg(long)]
    company: Option<String>,
    /// Website of a business.
    #[arg(long)]
    website: Option<String>,
    /// A business account.
    #[arg(long)]
    business: bool,
    /// Language of letters and pages: en, de, fa or fr.
    #[arg(long, default_value = "en")]
    language: String,
    /// Read the password from standard input. Without one, the mailed page asks for it.
    #[arg(long)]
    password_stdin: bool,
    /// Take the address as proved.
    #[arg(long)]
    verified: bool,
}

/// Carries out a command.
pub async fn run(service: &Service, command: AccountCommand, output: Output) -> Result<(), Refusal> {
    match command {
        AccountCommand::Create(new) => create(service, new, output).await,
        AccountCommand::List { after, limit } => {
            let members = service.list_accounts(after, limit)?;
            output.list(members.iter().map(row).collect())
        }
        AccountCommand::Show(named) => output.one(record(&find(service, &named.account)?)),
        AccountCommand::Verify(named) => act(service, named, AccountAction::Verify, output).await,
        AccountCommand::Activate(named) => act(service, named, AccountAction::Activate, output).await,
        AccountCommand::Deactivate(named) => act(service, named, AccountAction::Deactivate, output).await,
        AccountCommand::Ban(named) => act(service, named, AccountAction::Ban, output).await,
        AccountCommand::Unban(named) => act(service, named, AccountAction::Unban, output).await,
        AccountCommand::ResetSecondFactor(named) => {
            let member = find(service, &named.account)?;
            let (id, email) = (member.account.id, member.account.email.as_str());
            let done = if service.remove_second_factors(&member).await? {
                "has no second factor any more"
            } else {
                "had no second factor"
            };
            output.done(&format!("{email} ({id}) {done}"))
        }
        AccountCommand::Subscribe(assignment) => {
            super::subscribe::subscribe(service, assignment, output).await
        }
        AccountCommand::Credit(credit) => super::credit::credit(service, credit, output).await,
        AccountCommand::Erase { named, yes } => erase(service, &named, yes, output).await,
    }
}

async fn create(service: &Service, new: NewAccount, output: Output) -> Result<(), Refusal> {
    let verified = new.verified;
    let order = order(new)?;
    if verified && order.password.is_none() {
        return Err(Refusal::because(
            "--verified needs --password-stdin: without a password nobody could log in and no letter would ask for one",
        ));
    }
    let member = service.create_account(&POLICY, order, verified).await.map_err(|error| match error {
        RegisterError::EmailTaken { .. } => Refusal::because("an account with this address exists"),
        RegisterError::DomainBanned => Refusal::because("the domain is banned: lift the ban first"),
        RegisterError::InviteUnknown | RegisterError::InviteOver(_) => Refusal::because(&error),
        RegisterError::Setback(error) => Refusal::because(error),
    })?;
    output.one(record(&member))
}

fn order(new: NewAccount) -> Result<RegisterOrder, Refusal> {
    let wrong = |flag: &'static str| move |rule| Refusal::because(format_args!("--{flag} {rule}"));
    let company = new.company.unwrap_or_else(|| format!("{} {}", new.first_name, new.last_name));
    let password = if new.password_stdin { Some(read_password()?) } else { None };
    Ok(RegisterOrder {
        email: EmailAddress::parse(&new.email).map_err(wrong("email"))?,
        password,
        first_name: Some(PersonName::parse(&new.first_name).map_err(wrong("first-name"))?),
        last_name: Some(PersonName::parse(&new.last_name).map_err(wrong("last-name"))?),
        company_name: Some(CompanyName::parse(&company).map_err(wrong("company"))?),
        company_website: new
            .website
            .map(|site| Website::parse(&site).map_err(wrong("website")))
            .transpose()?,
        is_business: new.business,
        contact: Contact::default(),
        language: Language::of_tag(&new.language)
            .ok_or_else(|| Refusal::because("--language must be en, de, fa or fr"))?,
        invite: None,
        personal: PersonalDetails::default(),
    })
}

fn read_password() -> Result<Password, Refusal> {
    let mut text = String::new();
    let limit = 4 * crate::model::password::MAX_PASSWORD_CHARS as u64 + 4;
    std::io::stdin().take(limit).read_to_string(&mut text).map_err(Refusal::because)?;
    let text = text.trim_end_matches(['\r', '\n']);
    Password::chosen(text, &POLICY.password_rule)
        .map_err(|rules| Refusal(rules.into_iter().map(|rule| format!("the password {rule}")).collect()))
}

async fn act(service: &Service, named: Named, action: AccountAction, output: Output) -> Result<(), Refusal> {
    let member = find(service, &named.account)?;
    let (done, already) = match action {
        AccountAction::Verify => ("verified", "was verified already"),
        AccountAction::Activate => ("activated", "was not deactivated"),
        AccountAction::Deactivate => ("deactivated; its sessions have ended", "was deactivated already"),
        AccountAction::Ban => ("banned; its sessions have ended", "was banned already"),
        AccountAction::Unban => ("no longer banned", "was not banned"),
    };
    let changed = service.act_on_account(&member, action).await?;
    let account = &member.account;
    output.done(&format!(
        "{} ({}) {}",
        account.email.as_str(),
        account.id,
        if changed { done } else { already }
    ))
}

async fn erase(service: &Service, named: &Named, yes: bool, output: Output) -> Result<(), Refusal> {
    let account = find(service, &named.account)?.account;
    if !yes {
        let email = account.email.as_str();
        return Err(Refusal::because(format_args!(
            "nothing brings {email} back once it is erased: repeat the command with --yes"
        )));
    }
    service.erase(account.id).await.map_err(Refusal::because)?;
    output.done(&format!("{} is erased", account.id))
}

/// How a text names an account.
pub(super) fn named(text: &str) -> Result<AccountName, Refusal> {
    match (text.parse(), EmailAddress::parse(text)) {
        (Ok(id), _) => Ok(AccountName::Id(id)),
        (Err(_), Ok(email)) => Ok(AccountName::Email(email)),
        (Err(_), Err(_)) => Err(Refusal::because(format_args!(
            "{text:?} is neither an id (24 hexadecimal digits) nor an address"
        ))),
    }
}

/// The account of an id or address.
pub(super) fn find(service: &Service, text: &str) -> Result<Member, Refusal> {
    service
        .find_account(&named(text)?)?
        .ok_or_else(|| Refusal::because(format_args!("there is no account {text}")))
}

fn row(member: &Member) -> Record {
    let account = &member.account;
    vec![
        ("number", json!(account.number)),
        ("id", json!(account.id.to_string())),
        ("email", json!(account.email.as_str())),
        ("name", json!(account.full_name())),
        ("state", json!(account.state().as_str())),
        ("created", json!(account.created_at.rfc3339())),
    ]
}

fn record(member: &Member) -> Record {
    let account = &member.account;
    let place = member.organization.as_ref();
    let mut record = row(member);
    record.extend([
        ("contract", json!(account.contract.as_str())),
        ("language", json!(account.language.code())),
        ("organization", json!(place.map(|place| place.organization.to_string()))),
        ("role", json!(place.map(|place| place.role.name()))),
        ("verified", json!(account.verified_at.map(super::super::model::time::Millis::rfc3339))),
        ("last login", json!(account.last_login_at.map(super::super::model::time::Millis::rfc3339))),
        ("has password", json!(account.password_hash.is_some())),
    ]);
    record
}
