-- Collations of ICU with rules of their own.
-- min: 16
CREATE COLLATION rules (provider = icu, locale = 'und', rules = '&V << w <<< W');
CREATE COLLATION odd_rules (provider = icu, locale = 'de', rules = '&a < ''x\''', deterministic = false);
