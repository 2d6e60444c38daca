alter table proofs add column address text;
alter table proofs add column address_key text;
alter table proofs add column session_id text;
create index proofs_address on proofs (address_key) where address_key is not null;
