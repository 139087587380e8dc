"""What a schema can say of a database: the same facts as SQL, in both spellings."""
