CREATE TABLE papita_drops (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    records BIGINT NOT NULL
);

INSERT INTO papita_drops (id, records) VALUES (1, 0);
