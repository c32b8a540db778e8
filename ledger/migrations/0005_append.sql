-- The append meets fewer statements on its usual way, and the head is set before the versions are looked at.

-- A statement reads and prepares each check of a table anew, which costs as much as the row itself; what these say is
-- refused by the append and, line by line, by a restore.
alter table {schema}.entries
    drop constraint entries_position_check,
    drop constraint entries_version_check,
    drop constraint entries_check;

-- That the head is one row is asked of a statement that adds one, not of each that changes it.
alter table {schema}.head drop constraint head_only_one_check;
create trigger head_is_one before insert on {schema}.head
    for each statement execute function {schema}.refuse_change();

-- What was read is as the caller saw it where nothing was recorded after the position that the caller knew then, or
-- where each stream is at its version.
drop function {schema}.append(bytea[], text[], integer[]);
create function {schema}.append(
    data           bytea[],
    read_streams   text[]    default '{}',
    read_versions  integer[] default '{}',
    known          bigint    default null,
    out last_position   bigint,
    out first_position  bigint,
    out recorded_at     timestamptz
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound}
set plan_cache_mode = force_generic_plan as $body$
declare
    number_of     integer := coalesce(array_length(data, 1), 0);
    entry         jsonb;
    entries       jsonb[];     -- all of them; as long as one is as usual, it is empty
    written       text[];      -- the streams of this append, in the order of their first entry here,
    before        integer[];   -- each with the version that it must have now
    latest        integer[];   -- and the version that it will have
    place         integer;
    effective_at  text;
    last_day      text;
    last_instant  text;
    special       boolean;     -- whether anything has to be looked at after the entries are in their places
    level         boolean;     -- whether the caller knew the last position
    keyed         boolean;
    last_keyed    text[];
    superseding   boolean;
    unusual       boolean;
    is_new        boolean;
    home_zone     text;
    moved         boolean;
    present       timestamptz;
begin
    -- A transaction pays for each expression and each statement that it meets, so what is usual (one entry that says
    -- nothing special, after the last position that the caller knew) meets few of them. What is not is read below.
    entry := case when number_of = 1 and octet_length(data[1]) <= {bytes_per_entry}
                  then convert_from(data[1], 'UTF8')::jsonb end;
    if (entry @@ 'strict $.version > 0 && $.body.type() == "object"
            && $.stream like_regex "^[a-z_]+(:[a-z0-9-]+)?$" && $.name like_regex "^[a-z_]+[.][a-z_]+$"
            && ($.by starts with "person:" || $.by starts with "service:")'
        and position('\x0a'::bytea in data[1]) = 0
        and length(entry ->> 'stream') <= 60 and length(entry ->> 'name') <= 100
        and split_part(entry ->> 'by', ':', 2)::uuid::text = substr(entry ->> 'by', strpos(entry ->> 'by', ':') + 1)
        and (entry ->> 'request')::uuid::text = entry ->> 'request'
        and entry - '{stream,version,name,by,on_behalf_of,reason,source,request,body}'::text[] = '{}'
        and {sound_circumstances}
        and not entry -> 'body' ? 'reference' and entry ->> 'name' <> 'ledger.created') is not true
    then
        special := true;
        if number_of < 1 or number_of > {events_per_append} then
            raise exception using errcode = 'SL010', message = format(
                'An append holds 1 to %s entries; this one holds %s.', {events_per_append}, number_of);
        end if;
        if (select max(octet_length(d)) > {bytes_per_entry} or sum(octet_length(d)) > {bytes_per_append}
              from unnest(data) as d) then
            raise exception using errcode = 'SL010', message = format(
                'An entry holds at most %s bytes and an append %s.', {bytes_per_entry}, {bytes_per_append});
        end if;

        -- Read the bytes before anything is locked.
        for n in 1 .. number_of loop
            entry := convert_from(data[n], 'UTF8')::jsonb;
            if (entry @@ 'strict $.version > 0 && $.body.type() == "object"
                    && $.stream like_regex "^[a-z_]+(:[a-z0-9-]+)?$" && $.name like_regex "^[a-z_]+[.][a-z_]+$"
                    && ($.by starts with "person:" || $.by starts with "service:")'
                and position('\x0a'::bytea in data[n]) = 0
                and length(entry ->> 'stream') <= 60 and length(entry ->> 'name') <= 100
                and split_part(entry ->> 'by', ':', 2)::uuid::text = substr(entry ->> 'by', strpos(entry ->> 'by', ':') + 1)
                and (entry ->> 'request')::uuid::text = entry ->> 'request'
                and entry - {known_members}::text[] = '{}' and {sound_circumstances}) is not true
            then
                raise exception using errcode = 'SL011',
                    message = format('Entry %s of this append is malformed: it must say stream, version, name, by, '
                                     'request and body as a ledger writes them, on one line.', n);
            end if;
            entries[n] := entry;
            if ((not entry ? 'decision' or (entry ->> 'decision')::uuid::text = entry ->> 'decision')
                and (not entry ? 'supersedes' or jsonb_typeof(entry -> 'supersedes') = 'number')
                and (not entry -> 'body' ? 'reference' or jsonb_typeof(entry #> '{body,reference}') = 'string'
                    and entry #>> '{body,reference}' collate "C" ~ '^[A-Z]{2,4}-[1-9][0-9]{0,8}$')) is not true
            then
                raise exception using errcode = 'SL011', message = format(
                    'Entry %s of this append is malformed: it names its decision, what it supersedes or its reference '
                    'in another way than a ledger does.', n);
            end if;
            effective_at := entry ->> 'effective_at';
            if effective_at is not null then
                if effective_at like '____-__-__' and to_char(effective_at::date, 'YYYY-MM-DD') = effective_at then
                    last_day := greatest(last_day, effective_at);
                elsif effective_at like '____-__-__T__:__:__.______Z'
                    and to_char(effective_at::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') = effective_at
                then
                    last_instant := greatest(last_instant, effective_at);
                else
                    raise exception using errcode = 'SL011', message = format('%s is no day and no instant.', effective_at);
                end if;
            end if;
            if entry ? 'idempotency' then
                keyed := true;
                if ({sound_key}) is not true then
                    raise exception using errcode = 'SL011', message = 'An idempotency key needs its fingerprint.';
                end if;
            end if;
            if entry ? 'supersedes' then
                superseding := true;
            end if;
            if n > 1 and entry ->> 'name' = 'ledger.created' then
                raise exception using errcode = 'SL016', message = 'This ledger has been created; it is created once.';
            end if;
            place := array_position(written, entry ->> 'stream');
            if place is null then
                written := written || (entry ->> 'stream');
                before := before || ((entry ->> 'version')::integer - 1);
                latest := latest || (entry ->> 'version')::integer;
            elsif (entry ->> 'version')::integer = latest[place] + 1 then
                latest[place] := latest[place] + 1;
            else
                raise exception using errcode = 'SL011',
                    message = format('Version %s of %s does not follow version %s.',
                                     entry ->> 'version', entry ->> 'stream', latest[place]);
            end if;
        end loop;
    end if;

    -- From here on one append at a time. Each statement below sees what the one before us committed; what is set here
    -- is undone where the append is refused after all.
    update {schema}.head as h
       set position = h.position + number_of,
           recorded_at = greatest(clock_timestamp(), h.recorded_at + interval '1 microsecond',
                                  h.final_until + interval '1 microsecond')
                         + (number_of - 1) * interval '1 microsecond'
    returning h.position, h.position - number_of + 1, h.recorded_at, h.zone, h.ledger is null,
              known is not distinct from h.position - number_of,
              h.ledger is null or entries[1] ->> 'name' = 'ledger.created'
                  or h.recorded_at > clock_timestamp() + {clock_bound} + number_of * interval '1 microsecond'
      into strict last_position, first_position, recorded_at, home_zone, is_new, level, unusual;
    if keyed then
        foreach entry in array entries loop
            if exists (select from {schema}.receipts as r
                        where r.actor = entry ->> 'by' and r.key = entry #>> '{idempotency,key}') then
                raise exception using errcode = 'SL013', message = 'This idempotency key has been used.';
            end if;
        end loop;
    end if;

    if level and special is not true and unusual is not true then  -- far the most frequent: one statement looks and writes
        insert into {schema}.entries (position, recorded_at, stream, version, name, data)
        select last_position, append.recorded_at, entry ->> 'stream', (entry ->> 'version')::integer, entry ->> 'name',
               data[1]
         where (entry ->> 'version')::integer = 1 + coalesce((
             select max(e.version) from {schema}.entries as e where e.stream = entry ->> 'stream'), 0);
        if found then
            return;
        end if;
    end if;

    -- What was written and what was read stands where the caller saw it.
    if array_length(read_streams, 1) > {reads_per_append}
        or array_length(read_streams, 1) is distinct from array_length(read_versions, 1) then
        raise exception using errcode = 'SL010', message = format(
            'An append names at most %s streams that it read, each with its version.', {reads_per_append});
    end if;
    if special is not true then
        entries := array[entry];
        written := array[entry ->> 'stream'];
        before := array[(entry ->> 'version')::integer - 1];
    end if;
    moved := exists (
        select from unnest(written || case when not level then read_streams end,
                           before || case when not level then read_versions end) as named (stream, expected)
         where named.expected is distinct from coalesce((
             select e.version from {schema}.entries as e where e.stream = named.stream
              order by e.version desc limit 1), 0));
    if moved then
        raise exception using errcode = 'SL012', message = 'Streams have moved on.', detail = (
            select jsonb_agg(jsonb_build_object('stream', s.stream, 'expected', s.expected, 'present', s.present))
              from (select named.stream, named.expected,
                           coalesce((select max(e.version) from {schema}.entries as e
                                      where e.stream = named.stream), 0) as present
                      from unnest(written || read_streams, before || read_versions) as named (stream, expected)) as s
             where s.present is distinct from s.expected)::text;
    end if;

    if unusual then
        if recorded_at > clock_timestamp() + {clock_bound} + number_of * interval '1 microsecond' then
            raise exception using errcode = 'SL014', message = format(
                'The database''s clock says %s, but the ledger already holds %s; set the clock right, or where it is '
                'right, and was ahead when that was recorded, writing goes on once that time has come.',
                clock_timestamp(), recorded_at - number_of * interval '1 microsecond');
        end if;
        if is_new <> (entries[1] ->> 'name' = 'ledger.created') then
            raise exception using errcode = 'SL016',
                message = case when is_new then 'This ledger is empty; its first entry creates it.'
                               else 'This ledger has been created; it is created once.' end;
        end if;
        if is_new then
            home_zone := entries[1] #>> '{body,zone}';
            if entries[1] #>> '{body,ledger}' is null
               or not exists (select from pg_timezone_names as z where z.name = home_zone) then
                raise exception using errcode = 'SL011',
                    message = 'A ledger is created with an identifier and a time zone.';
            end if;
            update {schema}.head as h set ledger = (entries[1] #>> '{body,ledger}')::uuid, zone = home_zone;
        end if;
    end if;
    insert into {schema}.entries (position, recorded_at, stream, version, name, data, reference, supersedes)
    select last_position - number_of + u.n, append.recorded_at - (number_of - u.n) * interval '1 microsecond',
           u.entry ->> 'stream', (u.entry ->> 'version')::integer, u.entry ->> 'name', u.bytes,
           case when not u.entry ? 'supersedes' then u.entry #>> '{body,reference}' end,
           (u.entry ->> 'supersedes')::bigint
      from unnest(entries, data) with ordinality as u (entry, bytes, n)
     order by u.n;
    if special is not true then
        return;
    end if;

    if last_instant is not null or last_day is not null then  -- later than the clock, or than the first entry's time?
        present := least(clock_timestamp(), recorded_at - (number_of - 1) * interval '1 microsecond');
        if last_instant::timestamptz > present then
            raise exception using errcode = 'SL015', message = format(
                '%s lies in the future; the database''s clock says %s.', last_instant, present);
        end if;
        if last_day::date > (present at time zone home_zone)::date then
            raise exception using errcode = 'SL015', message = format(
                '%s lies in the future; in %s it is %s.', last_day, home_zone, (present at time zone home_zone)::date);
        end if;
    end if;
    if superseding then
        for n in 1 .. number_of loop
            if entries[n] ? 'supersedes' and not exists (
                select from {schema}.entries as e
                 where e.position = (entries[n] ->> 'supersedes')::bigint and e.stream = entries[n] ->> 'stream'
                   and e.position < append.first_position + n - 1
            ) then
                raise exception using errcode = 'SL011', message = format(
                    'Entry %s supersedes %s, which is no earlier entry of its stream.',
                    n, entries[n] ->> 'supersedes');
            end if;
        end loop;
    end if;
    if keyed then
        for n in 1 .. number_of loop
            entry := entries[n];
            if not entry ? 'idempotency' then
                last_keyed := null;
            elsif array[entry ->> 'by', entry #>> '{idempotency,key}'] = last_keyed then
                update {schema}.receipts as r set position = append.first_position + n - 1
                 where r.actor = entry ->> 'by' and r.key = entry #>> '{idempotency,key}';
            else
                last_keyed := array[entry ->> 'by', entry #>> '{idempotency,key}'];
                insert into {schema}.receipts (actor, key, fingerprint, first_position, position)
                values (entry ->> 'by', entry #>> '{idempotency,key}', entry #>> '{idempotency,fingerprint}',
                        append.first_position + n - 1, append.first_position + n - 1);
            end if;
        end loop;
    end if;
end
$body$;

-- One entry that says nothing beside who, which request, under which idempotency key (empty: none) and what, right
-- after the last position that the caller knew. Where that is no longer the last, or anything else is not as usual,
-- nothing is done and nothing returned: `append` looks closer. The bytes are written here, from parts whose types leave
-- no second spelling. All that was read stands where it was seen, as nothing was recorded since; of the stream, the
-- entry before this one is there, which vouches for its name too, and that none has this version yet is the index's to
-- say. A key is claimed until the end of the transaction, by the lock by which a session claims it, before the head is
-- waited for: whoever sends it again meanwhile is told so. That it was not used before is the index's to say.
create function {schema}.append_next(
    place       bigint,   -- the position that it takes: one more than the caller knew
    stream      text,
    version     integer,
    name        text,
    person      boolean,  -- whether `by` is a person, else a service
    by          uuid,
    request     uuid,
    body        json,
    key         text,     -- the idempotency key, empty where there is none,
    fingerprint bytea,    -- and its fingerprint
    out recorded_at timestamptz
)
language plpgsql strict security definer
set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound}
set plan_cache_mode = force_generic_plan as $body$
declare
    present timestamptz := clock_timestamp();
    keyed   boolean;
    mark    text := '';  -- what the entry says of its key
begin
    if key <> '' then  -- by itself: an expression is paid for with all that it names
        if (length(key) <= {line_length} and key collate "C" !~ E'["\\\\]|[^ -~]' and octet_length(fingerprint) = 32
            and pg_try_advisory_xact_lock(hashtextextended(format('%s %s:%s %s', {schema_name},
                case when person then 'person' else 'service' end, by, key), 0))) is not true
        then
            return;
        end if;
        keyed := true;
        mark := format('"idempotency":{"key":"%s","fingerprint":"%s"},', key, encode(fingerprint, 'hex'));
    end if;
    if (name collate "C" ~ '^[a-km-z_][a-z_]*[.][a-z_]+$' and length(name) <= 100  -- not ledger.created
        -- No escapes, no exponents; E, as else a setting of the session would say what a backslash here means.
        and body::text collate "C" ~ E'^{("[^"\\\\\\n]*"|[^"\\\\\\neE]|true|false)*}$'
        and octet_length(body::text) <= {bytes_per_entry} / 2 and strpos(body::text, '"reference"') = 0) is not true
    then
        return;
    end if;
    update {schema}.head as h set position = place, recorded_at = present
     where h.position = place - 1 and greatest(h.recorded_at, h.final_until) < present
       and exists (select from {schema}.entries as e
                    where e.stream = append_next.stream and e.version = append_next.version - 1);
    if found then
        insert into {schema}.entries (position, recorded_at, stream, version, name, data)
        values (place, present, append_next.stream, append_next.version, append_next.name, convert_to(format(
            '{"stream":"%s","version":%s,"name":"%s","by":"%s:%s","request":"%s",%s"body":%s}', append_next.stream,
            append_next.version, append_next.name, case when person then 'person' else 'service' end, by, request, mark,
            body), 'UTF8'));
        if keyed then
            insert into {schema}.receipts (actor, key, fingerprint, first_position, position)
            values (case when person then 'person:' else 'service:' end || by, append_next.key,
                    encode(append_next.fingerprint, 'hex'), place, place);
        end if;
        recorded_at := present;
    end if;
end
$body$;
