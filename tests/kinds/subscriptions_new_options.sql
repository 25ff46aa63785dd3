-- Subscriptions with the options that came with 14 to 17.
-- min: 17
CREATE SUBSCRIPTION many CONNECTION 'host=nowhere' PUBLICATION one
    WITH (connect = false, binary = true, streaming = parallel, two_phase = true, disable_on_error = true, password_required = false,
    run_as_owner = true, origin = none, failover = true);
CREATE SUBSCRIPTION streams CONNECTION 'host=nowhere' PUBLICATION one WITH (connect = false, streaming = on);
CREATE SUBSCRIPTION does_not_stream CONNECTION 'host=nowhere' PUBLICATION one WITH (connect = false, streaming = off);
