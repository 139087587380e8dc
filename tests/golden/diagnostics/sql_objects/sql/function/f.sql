-- object: function
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
