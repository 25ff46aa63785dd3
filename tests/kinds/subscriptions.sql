-- Subscriptions, made and dropped without ever going to the publisher.
DO $$ BEGIN CREATE ROLE kinds_subscriptions SUPERUSER; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SUBSCRIPTION plain CONNECTION 'host=nowhere dbname=it''s' PUBLICATION one WITH (connect = false);
CREATE SUBSCRIPTION "Many Options" CONNECTION 'host=nowhere password=''a\\b''' PUBLICATION one, "Two"
    WITH (connect = false, slot_name = 'other_slot', synchronous_commit = 'remote_apply');
CREATE SUBSCRIPTION without_slot CONNECTION 'host=nowhere' PUBLICATION one WITH (connect = false, slot_name = NONE);
COMMENT ON SUBSCRIPTION plain IS 'plain';
ALTER SUBSCRIPTION plain OWNER TO kinds_subscriptions;
