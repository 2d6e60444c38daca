
create table instance (
    name text not null primary key,
    value text not null
);

create table counters (
    name text not null primary key,
    value bigint not null
);

create table accounts (
    id text not null primary key,
    number bigint not null unique,
    email text not null,
    email_key text not null unique,
    email_identity text not null,
    password_hash text,
    first_name text not null,
    last_name text not null,
    language text not null,
    contract text not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_login_at bigint,
    verified_at bigint,
    deactivated_at bigint,
    banned_at bigint
);
create index accounts_unverified on accounts (created_at) where verified_at is null;

create table organizations (
    id text not null primary key,
    name text not null,
    website text,
    domain text,
    claimed_domain text unique,
    is_business bigint not null,
    phone text,
    address1 text,
    address2 text,
    city text,
    state text,
    zipcode text,
    country text,
    created_at bigint not null,
    updated_at bigint not null,
    banned_at bigint
);

create table memberships (
    account_id text not null primary key references accounts (id) on delete cascade,
    organization_id text not null references organizations (id) on delete cascade,
    role bigint not null,
    created_at bigint not null
);
create index memberships_organization on memberships (organization_id);

create table plans (
    id text not null primary key,
    name text not null,
    description text not null,
    trial_days bigint not null,
    tokens_a_month bigint not null,
    calls_a_minute bigint not null,
    device_limit bigint not null,
    price_cents bigint not null,
    position bigint not null
);

create table subscriptions (
    id text not null primary key,
    organization_id text not null references organizations (id) on delete cascade,
    plan_id text not null references plans (id),
    starts_at bigint not null,
    ends_at bigint,
    canceled_at bigint
);
create index subscriptions_organization on subscriptions (organization_id, starts_at);

create table trials (
    identity text not null primary key,
    given_at bigint not null
);

create table sessions (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    contract text not null,
    device text not null,
    address text not null,
    created_at bigint not null,
    last_used_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    generation bigint not null,
    rotated_at bigint not null
);
create index sessions_account on sessions (account_id);
create index sessions_expires on sessions (expires_at);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;

create table proofs (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    purpose text not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index proofs_account on proofs (account_id, purpose);
create index proofs_expires on proofs (expires_at);

create table proof_secrets (
    secret_hash text not null primary key,
    proof_id text not null references proofs (id) on delete cascade,
    code_mac text not null,
    expires_at bigint not null
);
create index proof_secrets_proof on proof_secrets (proof_id);

create table code_tries (
    account_id text not null references accounts (id) on delete cascade,
    purpose text not null,
    window_started_at bigint not null,
    tries bigint not null,
    primary key (account_id, purpose)
);

create table login_failures (
    subject text not null,
    network text not null,
    failures bigint not null,
    last_at bigint not null,
    locked_until bigint not null,
    primary key (subject, network)
);
create index login_failures_last on login_failures (last_at);

create table mail_budgets (
    subject text not null primary key,
    full_at bigint not null
);
create index mail_budgets_full on mail_budgets (full_at);

create table letters (
    id text not null primary key,
    account_id text references accounts (id) on delete cascade,
    kind text not null,
    recipient text not null,
    language text not null,
    message_id text not null,
    sealed text not null,
    state text not null,
    attempts bigint not null,
    created_at bigint not null,
    next_attempt_at bigint not null,
    claimed_until bigint not null,
    expires_at bigint not null,
    delivered_at bigint,
    verdict text not null
);
create index letters_due on letters (next_attempt_at) where state = 'waiting';
create index letters_created on letters (created_at);
create index letters_account on letters (account_id);
create index letters_state on letters (state);

create table signing_keys (
    id text not null primary key,
    sealed text not null,
    created_at bigint not null,
    retired_at bigint
);

create table banned_domains (
    domain text not null primary key,
    banned_at bigint not null
);
insert into counters (name, value) values ('account', 0);

insert into plans
    (id, name, description, trial_days, tokens_a_month, calls_a_minute, device_limit, price_cents, position)
values
    ('free', 'Free', 'For trying things out', 0, 2000, 60, 5, 0, 1),
    ('trial', 'Trial', 'Everything for 14 days', 14, 2000, 60, 5, 0, 2),
    ('paid', 'Paid', 'For daily work', 0, 200000, 600, 20, 1900, 3);
