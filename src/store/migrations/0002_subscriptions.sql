create table plan_periods (
    id text not null primary key,
    plan_id text not null references plans (id),
    period_type text not null,
    price_cents bigint not null,
    credits_granted bigint,
    position bigint not null
);
create index plan_periods_plan on plan_periods (plan_id, position);

create table plan_capabilities (
    id text not null primary key,
    plan_id text not null references plans (id),
    code text not null,
    description text not null,
    type text not null,
    price_cents bigint not null,
    period_type text not null,
    value bigint not null,
    position bigint not null
);
create index plan_capabilities_plan on plan_capabilities (plan_id, position);

insert into plan_periods (id, plan_id, period_type, price_cents, credits_granted, position)
values
    ('000000000000000000000101', 'free', 'ALL_TIME', 0, null, 1),
    ('000000000000000000000201', 'trial', 'ALL_TIME', 0, null, 1),
    ('000000000000000000000301', 'paid', 'MONTHLY', 1900, 200000, 1),
    ('000000000000000000000302', 'paid', 'YEARLY', 22800, 2400000, 2);

insert into plan_capabilities (id, plan_id, code, description, type, price_cents, period_type, value, position)
values
    ('000000000000000000001101', 'free', 'USERS', 'Users of the organization', 'LIMIT', 0, 'ALL_TIME', 5, 1),
    ('000000000000000000001102', 'free', 'SESSIONS', 'Live sessions of one user', 'LIMIT', 0, 'ALL_TIME', 5, 2),
    ('000000000000000000001103', 'free', 'API_KEYS', 'API keys', 'LIMIT', 0, 'ALL_TIME', 2, 3),
    ('000000000000000000001104', 'free', 'TOKENS', 'Ledger tokens', 'ALLOWANCE', 0, 'MONTHLY', 2000, 4),
    ('000000000000000000001201', 'trial', 'USERS', 'Users of the organization', 'LIMIT', 0, 'ALL_TIME', 10, 1),
    ('000000000000000000001202', 'trial', 'SESSIONS', 'Live sessions of one user', 'LIMIT', 0, 'ALL_TIME', 5, 2),
    ('000000000000000000001203', 'trial', 'API_KEYS', 'API keys', 'LIMIT', 0, 'ALL_TIME', 2, 3),
    ('000000000000000000001204', 'trial', 'TOKENS', 'Ledger tokens', 'ALLOWANCE', 0, 'MONTHLY', 2000, 4),
    ('000000000000000000001301', 'paid', 'USERS', 'Users of the organization', 'LIMIT', 0, 'ALL_TIME', 100, 1),
    ('000000000000000000001302', 'paid', 'SESSIONS', 'Live sessions of one user', 'LIMIT', 0, 'ALL_TIME', 20, 2),
    ('000000000000000000001303', 'paid', 'API_KEYS', 'API keys', 'LIMIT', 0, 'ALL_TIME', 20, 3),
    ('000000000000000000001304', 'paid', 'TOKENS', 'Ledger tokens', 'ALLOWANCE', 0, 'MONTHLY', 200000, 4);

alter table subscriptions add column period_id text references plan_periods (id);
alter table subscriptions add column auto_renew bigint not null default 0;
update subscriptions
set period_id = (select id from plan_periods where plan_id = subscriptions.plan_id and position = 1);
update subscriptions set auto_renew = 1 where plan_id = 'paid' and ends_at is null and canceled_at is null;

create table user_settings (
    account_id text not null primary key references accounts (id) on delete cascade,
    settings text not null,
    updated_at bigint not null
);

create table organization_settings (
    organization_id text not null primary key references organizations (id) on delete cascade,
    settings text not null,
    updated_at bigint not null
);
