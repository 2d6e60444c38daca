create table devices (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    name text not null,
    kind text not null,
    os text not null,
    browser text not null,
    fingerprint text not null,
    trusted_at bigint,
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    last_address text not null,
    unique (account_id, fingerprint)
);
create index devices_last_seen on devices (last_seen_at);

alter table sessions add column device_id text references devices (id) on delete set null;
create index sessions_device on sessions (device_id) where device_id is not null;

create table audit_entries (
    id text not null primary key,
    at bigint not null,
    actor_kind text not null,
    actor_id text,
    account_id text,
    organization_id text,
    action text not null,
    address text not null,
    detail text not null
);
create index audit_entries_at on audit_entries (at);
create index audit_entries_account on audit_entries (account_id, at) where account_id is not null;
create index audit_entries_actor on audit_entries (actor_id, at) where actor_id is not null;
