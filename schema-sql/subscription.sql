-- Subscriptions of this database. The connection string is for superusers' eyes only.
SELECT s.oid, s.subname AS name, s.subowner AS owner, s.subconninfo AS connection, s.subslotname AS slot,
    s.subpublications AS publications, s.subsynccommit AS synchronous_commit,
    s.subbinary AS is_binary,
    s.substream::text AS streaming,
    true AS knows_streaming,
    true AS knows_run_as_owner,
    s.subtwophasestate <> 'd' AS two_phase,
    s.subdisableonerr AS disable_on_error,
    s.subpasswordrequired AS password_required,
    s.subrunasowner AS run_as_owner,
    s.suborigin AS origin,
    s.subfailover AS failover
FROM pg_subscription s
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
