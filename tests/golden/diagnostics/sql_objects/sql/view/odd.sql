-- depends on: users
CREATE VIEW odd AS SELECT 1;
