alter table referrals add column brought_in bigint not null default 0;
alter table referrals add column rewarded bigint not null default 0;
alter table referrals add column reward_tokens bigint not null default 0;
update referrals set brought_in = (
    select count(*) from referrals others where others.referred_by = referrals.account_id);
create table referral_rewards (
    identity text not null primary key,
    given_at bigint not null
);
