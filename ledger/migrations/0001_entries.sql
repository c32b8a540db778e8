-- The record itself: entries, the head they hang on, and what keeps both as they are.
-- {schema} stands for the ledger's quoted schema. Every function names its search path and every table in full, so
-- that nothing an application creates in the schema can take the place of what is meant here.

create table {schema}.head (
    only_one     boolean     primary key default true check (only_one),
    position     bigint      not null default 0,
    recorded_at  timestamptz not null default 'epoch',
    final_until  timestamptz not null default 'epoch',
    ledger       uuid,
    zone         text
);
comment on table {schema}.head is
    'One row: the last position and its time; nothing will be recorded at or before final_until.';
insert into {schema}.head default values;

create table {schema}.entries (
    position     bigint      primary key check (position > 0),
    recorded_at  timestamptz not null,
    stream       text        not null collate "C",
    version      integer     not null check (version > 0),
    name         text        not null collate "C",
    data         bytea       not null,
    reference    text        collate "C",
    supersedes   bigint      check (supersedes > 0 and supersedes < position)
);
comment on table {schema}.entries is
    'Every entry for ever; all but position and recorded_at are copies of what the bytes in data say.';
-- Not compressed, and beside the others up to a page's size; an entry that is longer lies in pages of its own.
alter table {schema}.entries alter column data set storage external;
alter table {schema}.entries set (toast_tuple_target = 8160);
create unique index entries_stream_version on {schema}.entries (stream, version);
create unique index entries_reference on {schema}.entries (reference) where reference is not null;
create unique index entries_supersedes on {schema}.entries (supersedes) where supersedes is not null;

create table {schema}.receipts (
    actor          text   not null collate "C",
    key            text   not null collate "C",
    fingerprint    text   not null collate "C",
    first_position bigint not null,
    position       bigint not null,
    primary key (actor, key)
);
comment on table {schema}.receipts is
    'What each idempotency key recorded; a copy of what the entries say, filled inside the append.';

create sequence {schema}.reference_obj as bigint maxvalue 999999999 no cycle;
create sequence {schema}.reference_kr  as bigint maxvalue 999999999 no cycle;

create function {schema}.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $body$
begin
    raise exception using
        errcode = 'SL001',
        message = format('%s on %I is refused: an entry, once recorded, stays as it is.', tg_op, tg_table_name);
end
$body$;

create trigger entries_stay_as_they_are before update or delete on {schema}.entries
    for each row execute function {schema}.refuse_change();
create trigger entries_stay before truncate on {schema}.entries
    for each statement execute function {schema}.refuse_change();
create trigger head_stays before delete on {schema}.head
    for each row execute function {schema}.refuse_change();
create trigger head_is_kept before truncate on {schema}.head
    for each statement execute function {schema}.refuse_change();
alter table {schema}.entries enable always trigger entries_stay_as_they_are;
alter table {schema}.entries enable always trigger entries_stay;

create view {schema}.entries_json as
    select position,
           recorded_at,
           stream,
           version,
           name,
           entry ->> 'by'                                  as recorded_by,
           coalesce(entry ->> 'effective_at',
                    to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) as effective_at,
           entry -> 'reason'                               as reason,
           (entry ->> 'decision')::uuid                    as decision,
           supersedes,
           entry -> 'body'                                 as body,
           entry
      from (select e.*, convert_from(e.data, 'UTF8')::jsonb as entry from {schema}.entries e) as read;
comment on view {schema}.entries_json is 'Each entry as JSON, for reading with plain SQL.';
