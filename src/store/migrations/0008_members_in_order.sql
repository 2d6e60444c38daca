drop index memberships_organization;
create index memberships_organization on memberships (organization_id, account_id);
