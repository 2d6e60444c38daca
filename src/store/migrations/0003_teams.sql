alter table accounts add column removed_at bigint;
alter table organizations add column mfa_enforced bigint not null default 0;
