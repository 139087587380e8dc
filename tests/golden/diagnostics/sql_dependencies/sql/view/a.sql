-- depends on: view b, table user
CREATE VIEW a AS SELECT * FROM b;
