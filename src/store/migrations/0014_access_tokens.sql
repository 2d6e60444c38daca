create table access_tokens (
    id text not null primary key,
    token_hash text not null unique,
    account_id text not null references accounts (id) on delete cascade,
    organization_id text references organizations (id) on delete cascade,
    name text not null,
    head text not null,
    tail text not null,
    privileges text not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    last_used_at bigint
);
create index access_tokens_account on access_tokens (account_id);
create index access_tokens_organization on access_tokens (organization_id) where organization_id is not null;
create index access_tokens_expires on access_tokens (expires_at);
create index access_tokens_revoked on access_tokens (revoked_at) where revoked_at is not null;
