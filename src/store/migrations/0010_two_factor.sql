alter table accounts add column second_factor_at bigint;
alter table sessions add column second_factor_at bigint;

create table second_factors (
    account_id text not null references accounts (id) on delete cascade,
    method text not null,
    enabled_at bigint not null,
    is_primary bigint not null,
    primary key (account_id, method)
);

create table totp_secrets (
    account_id text not null primary key references accounts (id) on delete cascade,
    sealed text not null,
    created_at bigint not null,
    last_step bigint not null,
    pending_codes text not null
);

create table recovery_codes (
    account_id text not null references accounts (id) on delete cascade,
    code_digest text not null,
    used_at bigint,
    primary key (account_id, code_digest)
);

create table second_factor_failures (
    account_id text not null primary key references accounts (id) on delete cascade,
    window_started_at bigint not null,
    failures bigint not null
);
