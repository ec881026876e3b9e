-- The number of usage records that were dropped instead of sent to Papita, in a single row.
CREATE TABLE papita_drops (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    records INTEGER NOT NULL
) STRICT;

INSERT INTO papita_drops (id, records) VALUES (1, 0);
