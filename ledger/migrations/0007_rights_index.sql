-- What a decision looks for by name: who may see an objective, who belongs to a team.
-- serves: 6
-- concurrently

drop index concurrently if exists {schema}.entries_of_rights;
create index concurrently entries_of_rights on {schema}.entries (stream, position)
    where name in ('objective.visibility_set', 'team.member_added');
