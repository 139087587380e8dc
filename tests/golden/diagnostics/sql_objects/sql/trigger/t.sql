-- object: trigger t
CREATE TRIGGER t;
