create table invitations (
    id text not null primary key,
    organization_id text not null references organizations (id) on delete cascade,
    email text not null,
    email_key text not null,
    role bigint not null,
    inviter_id text references accounts (id) on delete set null,
    account_id text unique references accounts (id) on delete cascade,
    secret_hash text unique,
    letter_id text,
    expires_at bigint not null,
    registered_at bigint,
    revoked_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
create index invitations_organization on invitations (organization_id, created_at);
create index invitations_address on invitations (email_key);
create index invitations_open on invitations (expires_at) where registered_at is null;
create index invitations_inviter on invitations (inviter_id) where inviter_id is not null;
