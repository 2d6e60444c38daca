create table invite_codes (
    id text not null primary key,
    code_digest text not null unique,
    hint text not null,
    note text not null,
    uses_allowed bigint not null,
    uses bigint not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

create table invite_uses (
    invite_id text not null references invite_codes (id) on delete cascade,
    account_id text not null,
    used_at bigint not null,
    primary key (invite_id, account_id)
);

create table api_keys (
    id text not null primary key,
    key_hash text not null unique,
    account_id text references accounts (id) on delete cascade,
    organization_id text references organizations (id) on delete cascade,
    is_default bigint not null,
    name text not null,
    head text not null,
    tail text not null,
    endpoints text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);
create index api_keys_account on api_keys (account_id) where account_id is not null;
create index api_keys_organization on api_keys (organization_id) where organization_id is not null;
create index api_keys_revoked on api_keys (revoked_at) where revoked_at is not null;

create table ledgers (
    organization_id text not null primary key references organizations (id) on delete cascade,
    monthly bigint not null,
    credits bigint not null,
    granted bigint not null,
    entries bigint not null,
    subscription_id text,
    refill_at bigint not null,
    unpriced_from bigint
);

create table ledger_entries (
    organization_id text not null,
    number bigint not null,
    at bigint not null,
    kind text not null,
    delta bigint not null,
    balance bigint not null,
    endpoint text,
    key_id text,
    detail text not null,
    primary key (organization_id, number)
);
create index ledger_entries_at on ledger_entries (organization_id, at);

create table idempotency_keys (
    organization_id text not null references organizations (id) on delete cascade,
    idempotency_key text not null,
    request_digest text not null,
    balance bigint not null,
    used_at bigint not null,
    primary key (organization_id, idempotency_key)
);
create index idempotency_keys_used on idempotency_keys (used_at);

create table notification_settings (
    account_id text not null primary key references accounts (id) on delete cascade,
    webhook_url text not null,
    notify_email bigint not null,
    notify_browser bigint not null
);
