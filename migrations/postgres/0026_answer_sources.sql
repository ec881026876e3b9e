-- The pages that an answer is based on, as JSON, sealed as the answer is; NULL without pages.
ALTER TABLE idempotency_keys ADD COLUMN sources TEXT;
