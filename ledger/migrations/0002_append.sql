-- The one way into the record. The caller gives bytes; what the columns say is read from them.

create function {schema}.append(
    data           bytea[],
    read_streams   text[]    default '{}',
    read_versions  integer[] default '{}',
    out last_position   bigint,
    out first_position  bigint,
    out recorded_at     timestamptz
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
declare
    number_of  integer := coalesce(array_length(data, 1), 0);
    e          record;   -- the entries of this append, read from their bytes
    w          record;   -- the streams they are written to
    head       record;
    present    timestamptz;
    first_at   timestamptz;
    stale      jsonb;
begin
    if number_of = 0 or number_of > {events_per_append} then
        raise exception using errcode = 'SL010',
            message = format('An append holds 1 to %s entries; this one holds %s.', {events_per_append}, number_of);
    end if;
    if array_length(read_streams, 1) is distinct from array_length(read_versions, 1)
       or coalesce(array_length(read_streams, 1), 0) > {reads_per_append} then
        raise exception using errcode = 'SL010',
            message = format('An append names at most %s streams that it read, each with its version.', {reads_per_append});
    end if;
    if (select max(octet_length(bytes)) > {bytes_per_entry} or sum(octet_length(bytes)) > {bytes_per_append}
               or count(bytes) < number_of
          from unnest(data) as bytes) then
        raise exception using errcode = 'SL010',
            message = format('An entry holds at most %s bytes and an append %s.', {bytes_per_entry}, {bytes_per_append});
    end if;

    -- Read the bytes before anything is locked. The first failed pattern refuses the whole append.
    begin
        select array_agg(entry ->> 'stream' order by n)                      as streams,
               array_agg((entry ->> 'version')::integer order by n)          as versions,
               array_agg(entry ->> 'name' order by n)                        as names,
               array_agg(entry #>> '{body,reference}' order by n)            as refs,
               array_agg((entry ->> 'supersedes')::bigint order by n)        as superseded,
               array_agg(entry ->> 'by' order by n)                          as actors,
               array_agg(entry #>> '{idempotency,key}' order by n)           as keys,
               array_agg(entry #>> '{idempotency,fingerprint}' order by n)   as fingerprints,
               max(entry ->> 'effective_at') filter (where length(entry ->> 'effective_at') = 10)  as last_day,
               max(entry ->> 'effective_at') filter (where length(entry ->> 'effective_at') <> 10) as last_instant,
               count(*) filter (where entry ? 'idempotency')                 as keyed,
               bool_and(coalesce(
                   jsonb_typeof(entry) = 'object'
                   and position('\x0a'::bytea in bytes) = 0
                   and (entry ->> 'stream') ~ '^[a-z_]+(:[a-z0-9-]{1,40})?$'
                   and jsonb_typeof(entry -> 'version') = 'number'
                   and (entry ->> 'name') ~ '^[a-z_]+\.[a-z_]+$'
                   and length(entry ->> 'name') <= 100
                   and (entry ->> 'by') ~ '^(person|service):[0-9a-f-]{36}$'
                   and (entry ->> 'request') ~ '^[0-9a-f-]{36}$'
                   and jsonb_typeof(entry -> 'body') = 'object'
                   and (not entry ? 'effective_at' or (entry ->> 'effective_at')
                        ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{6}Z)?$')
                   and (not entry ? 'idempotency' or
                        (length(entry #>> '{idempotency,key}') between 1 and 200
                         and length(entry #>> '{idempotency,fingerprint}') between 32 and 64))
               , false))                                                     as well_formed
          into e
          from (select n, bytes, convert_from(bytes, 'UTF8')::jsonb as entry
                  from unnest(data) with ordinality as given (bytes, n) offset 0) as read;
        if e.last_day is not null then
            perform e.last_day::date;
        end if;
        if e.last_instant is not null then
            perform e.last_instant::timestamptz;
        end if;
    exception when data_exception then
        raise exception using errcode = 'SL011', message = format('These bytes are no entry: %s.', sqlerrm);
    end;
    if not e.well_formed then
        raise exception using errcode = 'SL011', message = 'These bytes are no entry: a field is missing or malformed.';
    end if;

    select array_agg(stream) as streams, array_agg(before) as befores, bool_and(contiguous) as contiguous
      into w
      from (select stream,
                   min(version) - 1                                as before,
                   bool_and(version = first_version + rank - 1)    as contiguous
              from (select stream, version,
                           min(version) over (partition by stream)              as first_version,
                           row_number() over (partition by stream order by n)   as rank
                      from unnest(e.streams, e.versions) with ordinality as written (stream, version, n)) as ranked
             group by stream) as grouped;
    if not w.contiguous then
        raise exception using errcode = 'SL011', message = 'The versions of a stream must follow one another.';
    end if;

    -- From here on one append at a time. Each statement below sees what the one before us committed.
    select h.position, h.recorded_at, h.final_until, h.ledger, h.zone
      into strict head from {schema}.head as h for update;
    present := clock_timestamp();

    select jsonb_agg(jsonb_build_object('stream', stream, 'expected', expected, 'present', there))
      into stale
      from (select stream, expected,
                   coalesce((select max(x.version) from {schema}.entries as x where x.stream = looked.stream), 0) as there
              from unnest(w.streams || read_streams, w.befores || read_versions) as looked (stream, expected)
            offset 0) as compared
     where there is distinct from expected;
    if stale is not null then
        if e.keyed > 0 then
            perform from unnest(e.actors, e.keys) as asked (actor, key) join {schema}.receipts using (actor, key);
            if found then
                raise exception using errcode = 'SL013', message = 'This idempotency key has been used.';
            end if;
        end if;
        raise exception using errcode = 'SL012', message = 'Streams have moved on.', detail = stale::text;
    end if;

    if greatest(head.recorded_at, head.final_until) > present + {clock_bound} then
        raise exception using errcode = 'SL014',
            message = format('The database''s clock says %s, but the ledger already holds %s; set the clock right.',
                             present, greatest(head.recorded_at, head.final_until));
    end if;
    if e.last_instant::timestamptz > present then
        raise exception using errcode = 'SL015',
            message = format('%s lies in the future; the database''s clock says %s.', e.last_instant, present);
    end if;
    if (head.ledger is null) <> (e.names[1] = 'ledger.created')
       or 'ledger.created' = any (e.names[2:]) then
        raise exception using errcode = 'SL016',
            message = case when head.ledger is null then 'This ledger is empty; its first entry creates it.'
                           else 'This ledger has been created; it is created once.' end;
    end if;
    if head.ledger is null then
        head.ledger := (convert_from(data[1], 'UTF8')::jsonb #>> '{body,ledger}')::uuid;
        head.zone := convert_from(data[1], 'UTF8')::jsonb #>> '{body,zone}';
        if not exists (select from pg_timezone_names where name = head.zone) then
            raise exception using errcode = 'SL011', message = format('%s is no time zone.', head.zone);
        end if;
    end if;
    if e.last_day is not null and e.last_day::date > (present at time zone head.zone)::date then
        raise exception using errcode = 'SL015',
            message = format('%s lies in the future; it is %s in %s.', e.last_day,
                             (present at time zone head.zone)::date, head.zone);
    end if;

    first_at := greatest(present, head.recorded_at + interval '1 microsecond', head.final_until + interval '1 microsecond');
    first_position := head.position + 1;
    last_position := head.position + number_of;
    recorded_at := first_at + (number_of - 1) * interval '1 microsecond';

    begin
        insert into {schema}.entries (position, recorded_at, stream, version, name, data, reference, supersedes)
        select head.position + n, first_at + (n - 1) * interval '1 microsecond',
               stream, version, name, bytes, case when superseded is null then ref end, superseded
          from unnest(e.streams, e.versions, e.names, data, e.refs, e.superseded)
               with ordinality as rows (stream, version, name, bytes, ref, superseded, n);

        if e.keyed > 0 then
            insert into {schema}.receipts (actor, key, fingerprint, first_position, position)
            select actor, key, min(fingerprint), head.position + min(n), head.position + max(n)
              from unnest(e.actors, e.keys, e.fingerprints) with ordinality as keyed (actor, key, fingerprint, n)
             where key is not null
             group by actor, key;
        end if;
    exception
        when unique_violation then
            declare
                broken text;
            begin
                get stacked diagnostics broken = constraint_name;
                if broken = 'receipts_pkey' then
                    raise exception using errcode = 'SL013', message = 'This idempotency key has been used.';
                elsif broken = 'entries_supersedes' then
                    raise exception using errcode = 'SL017', message = 'An entry is superseded once.';
                elsif broken = 'entries_reference' then
                    raise exception using errcode = 'SL018', message = 'A reference is given once.';
                end if;
                raise;
            end;
        when check_violation then
            raise exception using errcode = 'SL011', message = 'An entry supersedes an earlier one.';
    end;

    update {schema}.head as h
       set position = last_position, recorded_at = append.recorded_at, ledger = head.ledger, zone = head.zone;
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
language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
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
language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
declare
    last bigint;
begin
    select h.position into strict last from {schema}.head as h for update;
    return last;
end
$body$;
