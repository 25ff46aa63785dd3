-- Event triggers in every state, with tags. They must not fire while the rest is restored.
DO $$ BEGIN CREATE ROLE kinds_event_triggers SUPERUSER; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE TABLE seen (what text);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER off_one ON ddl_command_start EXECUTE FUNCTION note();
ALTER EVENT TRIGGER off_one DISABLE;
CREATE EVENT TRIGGER replica_one ON sql_drop EXECUTE FUNCTION note();
ALTER EVENT TRIGGER replica_one ENABLE REPLICA;
CREATE EVENT TRIGGER "Always One" ON ddl_command_end WHEN TAG IN ('DROP ROUTINE', 'DROP CONVERSION') EXECUTE FUNCTION note();
ALTER EVENT TRIGGER "Always One" ENABLE ALWAYS;
CREATE EVENT TRIGGER rewrite ON table_rewrite EXECUTE FUNCTION note();
COMMENT ON EVENT TRIGGER off_one IS 'off';
ALTER EVENT TRIGGER rewrite OWNER TO kinds_event_triggers;
INSERT INTO seen VALUES ('only this');
