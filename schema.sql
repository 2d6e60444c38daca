-- The whole schema of a Latchkey database, as the newest migration leaves it. A test compares the two.
-- Portable on purpose: columns are text and bigint only; moments are milliseconds since the Unix epoch (UTC);
-- yes/no is 1/0; ids are 24 hexadecimal digits, the first 8 the second of creation.

-- Which migrations this file has seen.
create table schema_versions (
    version bigint not null primary key     -- number of the migration
);

-- Facts about this installation.
create table instance (
    name text not null primary key,         -- 'key_check': a sealed text by which a wrong secret key is noticed; 'public_url': of the server
    value text not null
);

-- Running numbers that are never given twice, also after an erasure.
create table counters (
    name text not null primary key,         -- 'account'
    value bigint not null                   -- the number given last
);

-- People.
create table accounts (
    id text not null primary key,
    number bigint not null unique,          -- running number, the integer id of one contract
    email text not null,                    -- the address as registered: where mail goes
    email_key text not null unique,         -- the address in lower case: one account per address
    email_identity text not null,           -- keyed digest of the address without its plus-tag
    password_hash text,                     -- argon2id PHC string; null until a password is chosen
    first_name text not null,
    last_name text not null,
    language text not null,                 -- ISO 639-1 code that letters are written in
    contract text not null,                 -- the contract it was made through
    created_at bigint not null,
    updated_at bigint not null,
    last_login_at bigint,
    verified_at bigint,                     -- when the address was proved; null = unverified
    deactivated_at bigint,                  -- null = not deactivated
    banned_at bigint,                       -- null = not banned
    removed_at bigint,                      -- null = not taken out of its organization
    first_device_at bigint,                 -- when it was first seen on a device that told of itself; outlives the device
    second_factor_at bigint                 -- since when it has a second factor; null = none
);
create index accounts_unverified on accounts (created_at) where verified_at is null;

-- Companies and households. Every registration makes its own.
create table organizations (
    id text not null primary key,
    name text not null,
    website text,                           -- as typed
    domain text,                            -- the registrable domain it says it has; proves nothing
    claimed_domain text unique,             -- the domain that a member's verified address proved
    is_business bigint not null,
    phone text,
    address1 text,
    address2 text,
    city text,
    state text,
    zipcode text,
    country text,
    created_at bigint not null,
    updated_at bigint not null,
    banned_at bigint,
    mfa_enforced bigint not null default 0  -- whether its members must log in with a second factor
);

-- Who belongs where. An account has at most one membership.
create table memberships (
    account_id text not null primary key references accounts (id) on delete cascade,
    organization_id text not null references organizations (id) on delete cascade,
    role bigint not null,                   -- 0 user, 1 billing, 2 workspaces, 254 administrators, 255 owner
    created_at bigint not null
);
create index memberships_organization on memberships (organization_id, account_id);

-- What can be subscribed to.
create table plans (
    id text not null primary key,           -- 'free', 'trial', 'paid'
    name text not null,
    description text not null,
    trial_days bigint not null,             -- 0 = no trial
    tokens_a_month bigint not null,         -- ledger tokens granted each month
    calls_a_minute bigint not null,         -- rate of metered calls
    device_limit bigint not null,           -- sessions on different devices
    price_cents bigint not null,            -- a month
    position bigint not null                -- order in lists
);

-- For how long a plan can be had, and at what price.
create table plan_periods (
    id text not null primary key,
    plan_id text not null references plans (id),
    period_type text not null,              -- 'ALL_TIME', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'
    price_cents bigint not null,            -- a period; 0 = free
    credits_granted bigint,                 -- ledger tokens granted with each period; null = says nothing of them
    position bigint not null                -- order in lists; 1 = the one taken when only the plan is named
);
create index plan_periods_plan on plan_periods (plan_id, position);

-- What a plan allows.
create table plan_capabilities (
    id text not null primary key,
    plan_id text not null references plans (id),
    code text not null,                     -- 'USERS', 'SESSIONS', 'API_KEYS', 'TOKENS'
    description text not null,
    type text not null,                     -- 'LIMIT' = so many at once; 'ALLOWANCE' = so many in a period
    price_cents bigint not null,            -- beside the plan's own price
    period_type text not null,              -- over which it is counted, as in plan_periods
    value bigint not null,                  -- how many
    position bigint not null                -- order in lists
);
create index plan_capabilities_plan on plan_capabilities (plan_id, position);

-- Which plan an organization has, and from when to when. Its state is computed from the dates.
create table subscriptions (
    id text not null primary key,
    organization_id text not null references organizations (id) on delete cascade,
    plan_id text not null references plans (id),
    starts_at bigint not null,
    ends_at bigint,                         -- null = until canceled; exclusive
    canceled_at bigint,
    period_id text references plan_periods (id),   -- how long one period is and what it costs; set in every row
    auto_renew bigint not null default 0    -- 1 = a period that ends is followed by another
);
create index subscriptions_organization on subscriptions (organization_id, starts_at);

-- Who has had a trial: keyed digests of mailboxes and claimed domains. Outlives erasure, and tells nobody's address.
create table trials (
    identity text not null primary key,
    given_at bigint not null
);

-- What a client told of the machine it runs on, at a login.
create table devices (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    name text not null,                     -- what the client calls it; '' = it did not say, as below
    kind text not null,                     -- as in 'mobile'
    os text not null,
    browser text not null,
    fingerprint text not null,              -- keyed digest of the four: the same again is the same device
    trusted_at bigint,                      -- null = not trusted
    first_seen_at bigint not null,
    last_seen_at bigint not null,
    last_address text not null,             -- the network address of the login seen last
    unique (account_id, fingerprint)
);
create index devices_last_seen on devices (last_seen_at);

-- Sign-ins. Tokens name a session and its generation, so nothing secret is stored.
create table sessions (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    contract text not null,                 -- the contract it was opened through
    device text not null,                   -- what the client calls itself
    address text not null,                  -- the network address it was opened from
    created_at bigint not null,
    last_used_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    generation bigint not null,             -- how often it was refreshed
    rotated_at bigint not null,             -- when it was refreshed last
    device_id text references devices (id) on delete set null,  -- the device it was opened on, where the client told of one
    second_factor_at bigint                 -- when it last passed the second factor
);
create index sessions_account on sessions (account_id);
create index sessions_device on sessions (device_id) where device_id is not null;
create index sessions_expires on sessions (expires_at);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;

-- What a mailed secret proves: one row a purpose and request, one secret a letter.
create table proofs (
    id text not null primary key,           -- the verificationTokenId of one contract
    account_id text not null references accounts (id) on delete cascade,
    purpose text not null,                  -- 'verify', 'reset', 'change-address', 'undo-change', 'second-factor', 'enrol-mail'
    created_at bigint not null,
    expires_at bigint not null,             -- when its youngest secret ends
    used_at bigint,                         -- used, or made void by another
    address text,                           -- the address that the account gets by it; null for other purposes
    address_key text,                       -- the same in lower case; that of an open 'undo-change' is nobody else's to take
    session_id text                         -- the session a change of address was asked from, which may be gone
);
create index proofs_account on proofs (account_id, purpose);
create index proofs_expires on proofs (expires_at);
create index proofs_address on proofs (address_key) where address_key is not null;

create table proof_secrets (
    secret_hash text not null primary key,  -- SHA-256 of the link's 32 random bytes
    proof_id text not null references proofs (id) on delete cascade,
    code_mac text not null,                 -- keyed digest of the 8-digit code in the same letter
    expires_at bigint not null
);
create index proof_secrets_proof on proof_secrets (proof_id);

-- How many codes were tried for an account and purpose.
create table code_tries (
    account_id text not null references accounts (id) on delete cascade,
    purpose text not null,
    window_started_at bigint not null,
    tries bigint not null,
    primary key (account_id, purpose)
);

-- Failed logins by typed address and network, known or not.
create table login_failures (
    subject text not null,                  -- keyed digest of the address in lower case
    network text not null,                  -- IPv4 address or IPv6 /64
    failures bigint not null,               -- in a row
    last_at bigint not null,
    locked_until bigint not null,           -- 0 = not locked
    primary key (subject, network)
);
create index login_failures_last on login_failures (last_at);

-- How much mail an address may still cause: a leaky bucket each.
create table mail_budgets (
    subject text not null primary key,      -- keyed digest of the address in lower case
    full_at bigint not null                 -- when the bucket will be whole again
);
create index mail_budgets_full on mail_budgets (full_at);

-- The outbox.
create table letters (
    id text not null primary key,
    account_id text references accounts (id) on delete cascade,
    kind text not null,                     -- name of the template
    recipient text not null,                -- the stored address
    language text not null,
    message_id text not null,               -- the same at every attempt
    sealed text not null,                   -- subject, text, html, links and code, encrypted; '' once erased
    state text not null,                    -- 'waiting', 'delivered', 'failed', 'expired'
    attempts bigint not null,
    created_at bigint not null,
    next_attempt_at bigint not null,        -- while waiting: not before
    claimed_until bigint not null,          -- lease of the courier that has it in hand
    expires_at bigint not null,             -- not worth sending from then on
    delivered_at bigint,
    verdict text not null,                  -- the transport's last words
    domain text not null default '',        -- the recipient's
    claimed_by text not null default ''     -- the run of the courier that has it in hand; '' = none
);
create index letters_waiting on letters (domain, next_attempt_at, id) where state = 'waiting';
create index letters_created on letters (created_at);
create index letters_account on letters (account_id);
create index letters_state on letters (state, created_at);
create index letters_in_hand on letters (domain) where claimed_by <> '';

-- Where letters wait: a lane for each domain, so that a claim costs the same however many wait. A lane may outlive its
-- letters until it is next looked into.
create table letter_lanes (
    domain text not null primary key,
    due_at bigint not null,                 -- not to be looked into before
    held bigint not null,                   -- 1 = a new letter does not bring due_at forward
    faults bigint not null                  -- conversations in a row that its server was not to be had for
);
create index letter_lanes_due on letter_lanes (due_at);

-- What came of each attempt to hand a letter over, the latest of them.
create table letter_attempts (
    letter_id text not null references letters (id) on delete cascade,
    number bigint not null,                 -- from 1
    at bigint not null,
    outcome text not null,                  -- 'delivered', 'deferred', 'unreachable', 'rejected', 'misconfigured', 'expired', 'unsendable', 'cut-off'
    words text not null,                    -- the server's, on one line
    server text not null,                   -- who said so; '' = nobody was asked
    tls text not null,                      -- how it was encrypted; '' = not
    primary key (letter_id, number)
);

-- Keys that sign tokens.
create table signing_keys (
    id text not null primary key,           -- RFC 7638 thumbprint, the 'kid' of tokens
    sealed text not null,                   -- PKCS#8, encrypted
    created_at bigint not null,
    retired_at bigint                       -- null = signs; else verifies until its tokens are gone
);

-- Company domains that may not register, subdomains included.
create table banned_domains (
    domain text not null primary key,       -- lower-case ASCII
    banned_at bigint not null
);

-- What clients keep for a user: one JSON object, bounded, theirs to fill.
create table user_settings (
    account_id text not null primary key references accounts (id) on delete cascade,
    settings text not null,                 -- JSON, at most 64 KiB
    updated_at bigint not null
);

-- The same for an organization.
create table organization_settings (
    organization_id text not null primary key references organizations (id) on delete cascade,
    settings text not null,                 -- JSON, at most 64 KiB
    updated_at bigint not null
);
-- Who did what to whom, and from where. No foreign keys: an entry outlives what it speaks of, and then holds nothing of
-- a person but an id that leads nowhere.
create table audit_entries (
    id text not null primary key,
    at bigint not null,
    actor_kind text not null,               -- 'person', 'operator', 'system'
    actor_id text,                          -- the person's account; null for the others
    account_id text,                        -- whose account it was done to
    organization_id text,                   -- in which organization
    action text not null,                   -- as in 'password.changed'
    address text not null,                  -- the person's network address; '' for the others and after an erasure
    detail text not null                    -- more, never a secret; '' = nothing
);
create index audit_entries_at on audit_entries (at);
create index audit_entries_account on audit_entries (account_id, at) where account_id is not null;
create index audit_entries_actor on audit_entries (actor_id, at) where actor_id is not null;

-- Codes that let somebody sign up where a contract asks for one.
create table invite_codes (
    id text not null primary key,
    code_digest text not null unique,       -- keyed digest of the code
    hint text not null,                     -- its first characters, for the operator's list
    note text not null,                     -- the operator's
    uses_allowed bigint not null,
    uses bigint not null,
    created_at bigint not null,
    expires_at bigint,                      -- null = good until used up or revoked
    revoked_at bigint
);

-- Who used which. No foreign key: after an erasure the account's id leads nowhere, and the count stays true.
create table invite_uses (
    invite_id text not null references invite_codes (id) on delete cascade,
    account_id text not null,
    used_at bigint not null,
    primary key (invite_id, account_id)
);

-- What a program shows in place of a person's session. Owned by an account or by an organization.
create table api_keys (
    id text not null primary key,
    key_hash text not null unique,          -- SHA-256 of the key's 202 random bits
    account_id text references accounts (id) on delete cascade,
    organization_id text references organizations (id) on delete cascade,
    is_default bigint not null,             -- 1 = the one that a contract shows which knows no more than one
    name text not null,
    head text not null,                     -- its first characters, for lists
    tail text not null,                     -- its last characters, for lists
    endpoints text not null,                -- what it may be used for, between spaces; '' = anything
    created_at bigint not null,
    expires_at bigint,                      -- null = never
    revoked_at bigint,
    last_used_at bigint                     -- within a minute or so
);
create index api_keys_account on api_keys (account_id) where account_id is not null;
create index api_keys_organization on api_keys (organization_id) where organization_id is not null;
create index api_keys_revoked on api_keys (revoked_at) where revoked_at is not null;

-- What an organization has to spend. The balance is monthly + credits, the sum of its entries, and never negative.
create table ledgers (
    organization_id text not null primary key references organizations (id) on delete cascade,
    monthly bigint not null,                -- left of the month's grant; void at the next
    credits bigint not null,                -- credited by hand or earned; stays
    granted bigint not null,                -- the month's grant
    entries bigint not null,                -- number of the latest entry
    subscription_id text,                   -- the one that the month is of; null = none in force
    refill_at bigint not null,              -- when the month is over
    unpriced_from bigint                    -- begin of the month for which a plan without a price last granted tokens
);

-- Every change of a balance; only ever added to. No foreign keys: entries outlive what they speak of, and name nobody.
create table ledger_entries (
    organization_id text not null,
    number bigint not null,                 -- from 1 on, without gaps
    at bigint not null,
    kind text not null,                     -- 'grant', 'expiry', 'credit', 'debit'
    delta bigint not null,
    balance bigint not null,                -- after it
    endpoint text,                          -- what a call was for
    key_id text,                            -- by which key
    detail text not null,                   -- id of the request, or reason of a credit
    primary key (organization_id, number)
);
create index ledger_entries_at on ledger_entries (organization_id, at);

-- Debits that may be asked for again without being made again.
create table idempotent_debits (
    api_key_id text not null references api_keys (id) on delete cascade,
    idempotency_key text not null,          -- the caller's; each API key has its own
    request_digest text not null,           -- SHA-256 of what was asked for
    balance bigint not null,                -- what was answered
    used_at bigint not null,
    primary key (api_key_id, idempotency_key)
);
create index idempotent_debits_used on idempotent_debits (used_at);

-- What an account wants to be told, and where: kept for the product, which does the telling.
create table notification_settings (
    account_id text not null primary key references accounts (id) on delete cascade,
    webhook_url text not null,              -- https, or ''
    notify_email bigint not null,
    notify_browser bigint not null
);

-- Second factors that are on.
create table second_factors (
    account_id text not null references accounts (id) on delete cascade,
    method text not null,                   -- 'totp', 'mail'
    enabled_at bigint not null,
    is_primary bigint not null,             -- 1 = a login asks for it first
    primary key (account_id, method)
);

-- What authenticator apps share with us. Gates nothing before its method is on.
create table totp_secrets (
    account_id text not null primary key references accounts (id) on delete cascade,
    sealed text not null,                   -- 160 bits, encrypted
    created_at bigint not null,
    last_step bigint not null,              -- the step of 30 seconds whose code was used last
    pending_codes text not null             -- digests of the recovery codes shown with it, good once it is on; '' from then on
);

-- For when everything else is lost; each is good once.
create table recovery_codes (
    account_id text not null references accounts (id) on delete cascade,
    code_digest text not null,              -- keyed digest
    used_at bigint,
    primary key (account_id, code_digest)
);

-- Wrong answers for the second factor, on every path together.
create table second_factor_failures (
    account_id text not null primary key references accounts (id) on delete cascade,
    window_started_at bigint not null,
    failures bigint not null
);

-- Names that are made for accounts, in lower-case ASCII.
create table usernames (
    username text not null primary key,
    account_id text not null unique references accounts (id) on delete cascade
);

-- What somebody tells of themselves beside their name, as typed; null = not told.
create table profiles (
    account_id text not null primary key references accounts (id) on delete cascade,
    phone text,
    address text,
    city text,
    state text,
    country text,                           -- of residence
    postal_code text,
    locale text,
    language text,                          -- tag as given; letters are written in that of the account
    birth_date text,                        -- ISO 8601
    updated_at bigint not null
);

-- Devices that a client names itself, each with the one session on it: when that goes, so does the device.
create table client_devices (
    id text not null primary key,
    account_id text not null references accounts (id) on delete cascade,
    session_id text not null unique references sessions (id) on delete cascade,
    device_id text not null,                -- the client's identity for it, or the id above where it gave none
    name text,                              -- what the client calls it
    platform text,                          -- 'ios', 'android', 'windows', 'macos', 'linux', 'web'
    app_version text,
    push_token_sealed text,                 -- encrypted; null = none, or the session has ended
    login_at bigint not null,               -- when the session was opened
    unique (account_id, device_id)
);

-- By which code an account brings others in, and who brought it in.
create table referrals (
    account_id text not null primary key references accounts (id) on delete cascade,
    code text not null unique,              -- upper case
    referred_by text references accounts (id) on delete set null,
    rewarded_at bigint,                     -- when a first subscription with a price settled the referral; null = not yet
    brought_in bigint not null default 0,   -- accounts made by the code, those since erased too
    rewarded bigint not null default 0,     -- how many of them earned a reward
    reward_tokens bigint not null default 0 -- ledger tokens earned by them
);
create index referrals_referred_by on referrals (referred_by) where referred_by is not null;

-- Mailboxes whose first subscription has earned somebody a reward: a second sign-up earns none. Outlives erasure.
create table referral_rewards (
    identity text not null primary key,     -- keyed digest of the address without its plus-tag
    given_at bigint not null
);

-- Who was asked into which organization. What was neither accepted nor is good any more goes after a while.
create table invitations (
    id text not null primary key,
    organization_id text not null references organizations (id) on delete cascade,
    email text not null,                    -- where the letter goes, and the only address that can accept
    email_key text not null,                -- the address in lower case
    role bigint not null,                   -- as in memberships
    inviter_id text references accounts (id) on delete set null,     -- null = the operator, or somebody since erased
    account_id text unique references accounts (id) on delete cascade,   -- waits for its proof, or came of it; null = none yet
    secret_hash text unique,                -- SHA-256 of the link's secret; null where a proof of the account has one
    letter_id text,                         -- the letter that brought the secret; it may be gone
    expires_at bigint not null,
    registered_at bigint,                   -- when somebody accepted; null = nobody has
    revoked_at bigint,                      -- null = not revoked
    created_at bigint not null,
    updated_at bigint not null
);
create index invitations_organization on invitations (organization_id, created_at);
create index invitations_address on invitations (email_key);
create index invitations_open on invitations (expires_at) where registered_at is null;
create index invitations_inviter on invitations (inviter_id) where inviter_id is not null;

-- What a program of somebody's shows in place of their session, for a part of what they may.
create table access_tokens (
    id text not null primary key,
    token_hash text not null unique,        -- SHA-256 of the token's 202 random bits
    account_id text not null references accounts (id) on delete cascade,
    organization_id text references organizations (id) on delete cascade,  -- where it was made and acts; null = nowhere
    name text not null,
    head text not null,                     -- its first characters, for lists
    tail text not null,                     -- its last characters, for lists
    privileges text not null,               -- what it was made for, between spaces; '' = telling whose it is
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    last_used_at bigint                     -- within five minutes or so
);
create index access_tokens_account on access_tokens (account_id);
create index access_tokens_organization on access_tokens (organization_id) where organization_id is not null;
create index access_tokens_expires on access_tokens (expires_at);
create index access_tokens_revoked on access_tokens (revoked_at) where revoked_at is not null;
