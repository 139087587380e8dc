-- depends on: view b, enum Mood
CREATE VIEW a AS SELECT 1;
