-- depends on: view a
CREATE VIEW b AS SELECT * FROM a;
