-- The sites that the operator has paused by an endpoint. Sites themselves are in the configuration file.
CREATE TABLE paused_sites (
    site TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
