-- The time of the last heartbeat by the database's clock; a number that changes with each. Replicas that count as dead have
-- no row. (Before, replicas compared their clocks.)
ALTER TABLE replicas RENAME COLUMN alive_until TO heartbeat_at;
