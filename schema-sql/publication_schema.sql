-- Schemas of publications.
SELECT r.oid, p.oid AS publication_oid, p.pubname AS publication, p.pubowner AS owner,
    n.oid AS schema_oid, n.nspname AS schema
FROM pg_publication_namespace r
JOIN pg_publication p ON p.oid = r.pnpubid
JOIN pg_namespace n ON n.oid = r.pnnspid
