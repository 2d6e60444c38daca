create table usernames (
    username text not null primary key,
    account_id text not null unique references accounts (id) on delete cascade
);
create table profiles (
    account_id text not null primary key references accounts (id) on delete cascade,
    phone text,
    address text,
    city text,
    state text,
    country text,
    postal_code text,
    locale text,
    language text,
    birth_date text,
    updated_at bigint not null
);
create table client_devices (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    session_id text not null unique references sessions (id) on delete cascade,
    device_id text not null,
    name text,
    platform text,
    app_version text,
    push_token_sealed text,
    login_at bigint not null,
    unique (account_id, device_id)
);
create table referrals (
    account_id text not null primary key references accounts (id) on delete cascade,
    code text not null unique,
    referred_by text references accounts (id) on delete set null,
    rewarded_at bigint
);
create index referrals_referred_by on referrals (referred_by) where referred_by is not null;
