-- object: view twice
CREATE VIEW v AS SELECT 1;
