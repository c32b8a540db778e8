-- Rights: the log of what was refused, and of what was read by office. An older program knows nothing of visibility,
-- so none is served.

create table {schema}.security_log (
    number   bigint      generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    actor    text        collate "C",
    token    uuid,
    action   text        not null collate "C",
    subject  text        collate "C",
    outcome  text        not null collate "C",
    request  uuid,
    door     text        not null collate "C",
    times    integer     not null default 1 check (times > 0)
);
comment on table {schema}.security_log is
    'Refused attempts, failed tokens, readings by office, exports, tokens. Appended to; the application changes nothing.';
