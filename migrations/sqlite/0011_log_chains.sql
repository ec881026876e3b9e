-- The chain of the line up to which all is stored, so that a log whose end was cut off is found. It is null for lines
-- that were written before lines had chains.
ALTER TABLE log_instances ADD COLUMN chain TEXT;
