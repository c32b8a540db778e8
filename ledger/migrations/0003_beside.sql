-- What stands beside the record and may change or go: names, keys, tokens, and what was done to the ledger as a whole.

create table {schema}.settings (
    name   text  primary key,
    value  jsonb not null
);

create table {schema}.people (
    actor         uuid        primary key,
    kind          text        not null check (kind in ('person', 'service')),
    display_name  text        not null,
    handle        text,
    email         text
);
create unique index people_handle on {schema}.people (lower(handle)) where handle is not null;
create unique index people_email  on {schema}.people (lower(email))  where email is not null;

create table {schema}.aliases (
    source  text not null,
    name    text not null,
    alias   uuid not null unique,
    person  uuid,
    primary key (source, name)
);

create table {schema}.source_versions (
    source   text not null,
    version  text not null,
    subject  text not null,
    primary key (source, version)
);

create table {schema}.person_keys (
    key_id     uuid        primary key,
    person     uuid        not null,
    wrapped    bytea,
    made_at    timestamptz not null default now(),
    erased_at  timestamptz,
    check ((wrapped is null) = (erased_at is not null))
);
create unique index person_keys_in_use on {schema}.person_keys (person) where wrapped is not null;

create table {schema}.tokens (
    id            uuid        primary key,
    digest        bytea       not null unique,
    actor         text        not null,
    label         text        not null,
    created_at    timestamptz not null default now(),
    last_used_at  timestamptz,
    revoked_at    timestamptz
);
