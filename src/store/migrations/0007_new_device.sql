alter table accounts add column first_device_at bigint;
update accounts set first_device_at = (select min(first_seen_at) from devices where devices.account_id = accounts.id);
