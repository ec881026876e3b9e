-- How much of the session logs is in this database: for each process, the number of its last line up to which all turns
-- and stops are stored. (Before, a table held lengths of daily files, which a renamed file made wrong.)
CREATE TABLE log_instances (
    log      TEXT NOT NULL,      -- the id of the session log
    instance TEXT NOT NULL,      -- the id of the process, which its lines have
    counted  BIGINT NOT NULL,   -- the number of the line
    missing  BIGINT NOT NULL,   -- the number of lines up to there that were missing from the log
    complete BIGINT NOT NULL,   -- whether the process has ended, and nothing of its lines remains to be counted
    PRIMARY KEY (log, instance)
);

DROP TABLE log_places;
