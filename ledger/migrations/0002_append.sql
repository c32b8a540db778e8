-- The one way into the record. The caller gives bytes; what the columns say is read from them.

create function {schema}.append(
    data           bytea[],
    read_streams   text[]    default '{}',
    read_versions  integer[] default '{}',
    out last_position   bigint,
    out first_position  bigint,
    out recorded_at     timestamptz
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound}
set plan_cache_mode = force_generic_plan set jit = off as $body$
declare
    number_of     integer := coalesce(array_length(data, 1), 0);
    number_read   integer := coalesce(array_length(read_streams, 1), 0);
    n             integer;
    bytes         bytea;
    size          bigint := 0;
    entry         jsonb;
    entries       jsonb[];
    stream        text;
    version       integer;
    written       text[] := '{}';      -- the streams of this append, in the order of their first entry here,
    before        integer[] := '{}';   -- each with the version that it must have now
    latest        integer[] := '{}';   -- and the version that it will have
    place         integer;
    there         integer;
    effective_at  text;
    last_day      text;
    last_instant  text;
    key           text;
    keyed         boolean := false;
    last_keyed    text[];
    head          record;
    present       timestamptz;
    clock         timestamptz;
    stale         jsonb := '[]';
begin
    if number_of < 1 or number_of > {events_per_append} then
        raise exception using errcode = 'SL010',
            message = format('An append holds 1 to %s entries; this one holds %s.', {events_per_append}, number_of);
    end if;
    if number_read > {reads_per_append} or number_read <> coalesce(array_length(read_versions, 1), 0) then
        raise exception using errcode = 'SL010', message = format(
            'An append names at most %s streams that it read, each with its version.', {reads_per_append});
    end if;

    -- Read the bytes before anything is locked.
    for n in 1 .. number_of loop
        bytes := data[n];
        size := size + coalesce(octet_length(bytes), 0);
        if octet_length(bytes) > {bytes_per_entry} or size > {bytes_per_append} then
            raise exception using errcode = 'SL010', message = format(
                'An entry holds at most %s bytes and an append %s.', {bytes_per_entry}, {bytes_per_append});
        end if;
        entry := convert_from(bytes, 'UTF8')::jsonb;
        entries[n] := entry;
        stream := entry ->> 'stream';
        version := (entry ->> 'version')::integer;
        effective_at := entry ->> 'effective_at';
        if (jsonb_typeof(entry) = 'object'
            and position('\x0a'::bytea in bytes) = 0
            and jsonb_typeof(entry -> 'stream') = 'string'
            and jsonb_typeof(entry -> 'version') = 'number'
            and stream collate "C" ~ '^[a-z_]+(:[a-z0-9-]+)?$' and length(stream) <= 60
            and version > 0
            and (entry ->> 'name') collate "C" ~ '^[a-z_]+\.[a-z_]+$' and length(entry ->> 'name') <= 100
            and split_part(entry ->> 'by', ':', 1) in ('person', 'service')
            and split_part(entry ->> 'by', ':', 2)::uuid::text = substr(entry ->> 'by', strpos(entry ->> 'by', ':') + 1)
            and (entry ->> 'request')::uuid::text = entry ->> 'request'
            and jsonb_typeof(entry -> 'body') = 'object'
            and entry - {known_members}::text[] = '{}'
            and (not entry ? 'decision' or (entry ->> 'decision')::uuid::text = entry ->> 'decision')
            and (not entry ? 'supersedes' or jsonb_typeof(entry -> 'supersedes') = 'number')
            and (not entry -> 'body' ? 'reference'
                 or entry #>> '{body,reference}' collate "C" ~ '^[A-Z]{2,4}-[1-9][0-9]{0,8}$')) is not true
        then
            raise exception using errcode = 'SL011',
                message = format('Entry %s of this append is malformed: it must say stream, version, name, by, '
                                 'request and body as a ledger writes them, on one line.', n);
        end if;
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
            if (jsonb_typeof(entry #> '{idempotency,key}') = 'string'
                and length(entry #>> '{idempotency,key}') between 1 and 200
                and length(entry #>> '{idempotency,fingerprint}') between 32 and 64) is not true then
                raise exception using errcode = 'SL011', message = 'An idempotency key needs its fingerprint.';
            end if;
        end if;
        place := array_position(written, stream);
        if place is null then
            written := written || stream;
            before := before || version - 1;
            latest := latest || version;
        elsif version = latest[place] + 1 then
            latest[place] := version;
        else
            raise exception using errcode = 'SL011',
                message = format('Version %s of %s does not follow version %s.', version, stream, latest[place]);
        end if;
    end loop;

    -- From here on one append at a time. Each statement below sees what the one before us committed.
    select h.position, h.recorded_at, h.final_until, h.ledger, h.zone
      into strict head from {schema}.head as h for update;
    present := clock_timestamp();

    for n in 1 .. array_length(written, 1) loop
        select max(e.version) into there from {schema}.entries as e where e.stream = written[n];
        if coalesce(there, 0) <> before[n] then
            stale := stale || jsonb_build_object(
                'stream', written[n], 'expected', before[n], 'present', coalesce(there, 0));
        end if;
    end loop;
    for n in 1 .. number_read loop
        select max(e.version) into there from {schema}.entries as e where e.stream = read_streams[n];
        if coalesce(there, 0) is distinct from read_versions[n] then
            stale := stale || jsonb_build_object(
                'stream', read_streams[n], 'expected', read_versions[n], 'present', coalesce(there, 0));
        end if;
    end loop;
    if keyed then
        foreach entry in array entries loop
            if exists (select from {schema}.receipts as r
                        where r.actor = entry ->> 'by' and r.key = entry #>> '{idempotency,key}') then
                raise exception using errcode = 'SL013', message = 'This idempotency key has been used.';
            end if;
        end loop;
    end if;
    if stale <> '[]' then
        raise exception using errcode = 'SL012', message = 'Streams have moved on.', detail = stale::text;
    end if;

    clock := greatest(head.recorded_at, head.final_until);
    if clock > present + {clock_bound} then
        raise exception using errcode = 'SL014', message = format(
            'The database''s clock says %s, but the ledger already holds %s; set the clock right.', present, clock);
    end if;
    if (head.ledger is null) <> (entries[1] ->> 'name' = 'ledger.created') then
        raise exception using errcode = 'SL016',
            message = case when head.ledger is null then 'This ledger is empty; its first entry creates it.'
                           else 'This ledger has been created; it is created once.' end;
    end if;
    if head.ledger is null then
        head.ledger := (entries[1] #>> '{body,ledger}')::uuid;
        head.zone := entries[1] #>> '{body,zone}';
        if head.ledger is null or not exists (select from pg_timezone_names as z where z.name = head.zone) then
            raise exception using errcode = 'SL011', message = 'A ledger is created with an identifier and a time zone.';
        end if;
    end if;
    if last_instant::timestamptz > present then
        raise exception using errcode = 'SL015', message = format(
            '%s lies in the future; the database''s clock says %s.', last_instant, present);
    end if;
    if last_day::date > (present at time zone head.zone)::date then
        raise exception using errcode = 'SL015', message = format(
            '%s lies in the future; in %s it is %s.', last_day, head.zone, (present at time zone head.zone)::date);
    end if;

    clock := greatest(present, clock + interval '1 microsecond');
    first_position := head.position + 1;
    last_position := head.position + number_of;
    recorded_at := clock + (number_of - 1) * interval '1 microsecond';

    for n in 1 .. number_of loop
        entry := entries[n];
        if n > 1 and entry ->> 'name' = 'ledger.created' then
            raise exception using errcode = 'SL016', message = 'This ledger has been created; it is created once.';
        end if;
        if entry ? 'supersedes' and not exists (
            select from {schema}.entries as e
             where e.position = (entry ->> 'supersedes')::bigint and e.stream = entry ->> 'stream'
        ) then
            raise exception using errcode = 'SL011', message = format(
                'Entry %s supersedes %s, which is no earlier entry of its stream.', n, entry ->> 'supersedes');
        end if;
        insert into {schema}.entries (position, recorded_at, stream, version, name, data, reference, supersedes)
        values (head.position + n, clock + (n - 1) * interval '1 microsecond', entry ->> 'stream',
                (entry ->> 'version')::integer, entry ->> 'name', data[n],
                case when not entry ? 'supersedes' then entry #>> '{body,reference}' end,
                (entry ->> 'supersedes')::bigint);
        if keyed then
            key := entry #>> '{idempotency,key}';
            if key is null then
                last_keyed := null;
            elsif array[entry ->> 'by', key] = last_keyed then
                update {schema}.receipts as r set position = head.position + n
                 where r.actor = entry ->> 'by' and r.key = entry #>> '{idempotency,key}';
            else
                last_keyed := array[entry ->> 'by', key];
                insert into {schema}.receipts (actor, key, fingerprint, first_position, position)
                values (entry ->> 'by', key, entry #>> '{idempotency,fingerprint}', head.position + n, head.position + n);
            end if;
        end if;
    end loop;

    update {schema}.head as h
       set position = last_position, recorded_at = append.recorded_at, ledger = head.ledger, zone = head.zone;
end
$body$;

-- Several appends of one process in one transaction: each is taken or refused for itself, all share one flush to disk.
create function {schema}.append_each(
    data           bytea[],    -- the entries of all appends, one after the other
    entries_of     integer[],  -- how many belong to each
    read_streams   text[],
    read_versions  integer[],
    reads_of       integer[]
) returns table (
    last_position bigint, first_position bigint, recorded_at timestamptz,
    state text, message text, detail text, broken text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound} as $body$
declare
    entry integer := 0;
    read  integer := 0;
begin
    perform from {schema}.head for update;  -- waited for once, not once for each append
    for n in 1 .. array_length(entries_of, 1) loop
        begin
            select a.last_position, a.first_position, a.recorded_at
              into strict last_position, first_position, recorded_at
              from {schema}.append(data[entry + 1 : entry + entries_of[n]],
                                   read_streams[read + 1 : read + reads_of[n]],
                                   read_versions[read + 1 : read + reads_of[n]]) as a;
            state := null;
        exception when others then
            get stacked diagnostics state = returned_sqlstate, message = message_text,
                                    detail = pg_exception_detail, broken = constraint_name;
        end;
        return next;
        entry := entry + entries_of[n];
        read := read + reads_of[n];
    end loop;
end
$body$;

create function {schema}.next_references(kind text, number_of integer) returns setof bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
begin
    return query
    select case kind when 'OBJ' then nextval('{schema}.reference_obj') when 'KR' then nextval('{schema}.reference_kr') end
      from generate_series(1, number_of);
end
$body$;

-- The last position that was recorded at or before an instant of the past, settled: nothing will be added before it.
-- Positions have no gaps and times rise with them, so a search by halves needs no index.
create function {schema}.position_at(instant timestamptz, out last_position bigint, out final boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp as $body$
declare
    low  bigint := 0;
    high bigint;
    half bigint;
    told timestamptz;
begin
    select coalesce(max(e.position), 0) into high from {schema}.entries as e;
    final := coalesce((select e.recorded_at > instant from {schema}.entries as e where e.position = high), false)
             or coalesce((select h.final_until >= instant from {schema}.head as h), false);
    while low < high loop
        half := (low + high + 1) / 2;
        select e.recorded_at into strict told from {schema}.entries as e where e.position = half;
        if told <= instant then
            low := half;
        else
            high := half - 1;
        end if;
    end loop;
    last_position := low;
end
$body$;

-- Wait for whoever is appending, then promise that nothing will be recorded at or before this instant.
create function {schema}.settle(instant timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound} as $body$
begin
    perform from {schema}.head for update;
    if instant > clock_timestamp() then
        raise exception using errcode = 'SL015', message = format('%s lies in the future.', instant);
    end if;
    update {schema}.head set final_until = greatest(final_until, instant) where final_until < instant;
end
$body$;

-- Wait for whoever is appending; what was committed before is visible afterwards.
create function {schema}.wait_for_appends() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = {lock_bound} as $body$
declare
    last bigint;
begin
    select h.position into strict last from {schema}.head as h for update;
    return last;
end
$body$;
