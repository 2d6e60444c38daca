drop table idempotency_keys;
create table idempotent_debits (
    api_key_id text not null references api_keys (id) on delete cascade,
    idempotency_key text not null,
    request_digest text not null,
    balance bigint not null,
    used_at bigint not null,
    primary key (api_key_id, idempotency_key)
);
create index idempotent_debits_used on idempotent_debits (used_at);
