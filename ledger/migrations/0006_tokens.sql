-- Tokens have scopes, an end, and show how they end. Those of before are good for everything and for a year from now.

alter table {schema}.tokens
    add column ending     text        not null default '',
    add column scopes     text        not null default 'read write check_in export operate',
    add column expires_at timestamptz not null default now() + interval '365 days';
