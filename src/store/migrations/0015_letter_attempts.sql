alter table letters add column domain text not null default '';
alter table letters add column claimed_by text not null default '';
-- What stands behind the '@': all before it is what is left when every other character is cut off from the right.
update letters set domain = replace(recipient, rtrim(recipient, replace(recipient, '@', '')), '');

drop index letters_due;
drop index letters_state;
create index letters_waiting on letters (domain, next_attempt_at, id) where state = 'waiting';
create index letters_state on letters (state, created_at);
create index letters_in_hand on letters (domain) where claimed_by <> '';

create table letter_lanes (
    domain text not null primary key,
    due_at bigint not null,
    held bigint not null,
    faults bigint not null
);
create index letter_lanes_due on letter_lanes (due_at);
insert into letter_lanes (domain, due_at, held, faults)
    select domain, min(next_attempt_at), 0, 0 from letters where state = 'waiting' group by domain;

create table letter_attempts (
    letter_id text not null references letters (id) on delete cascade,
    number bigint not null,
    at bigint not null,
    outcome text not null,
    words text not null,
    server text not null,
    tls text not null,
    primary key (letter_id, number)
);
