-- The pages that an answer of a stored chat is based on, as JSON; NULL without pages. They are a part of what its owner has stored.
ALTER TABLE messages ADD COLUMN sources TEXT;

CREATE OR REPLACE FUNCTION count_inserted_message() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + octet_length(NEW.text) + NEW.image_bytes + octet_length(COALESCE(NEW.sources, ''))
    WHERE id = NEW.owner_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_deleted_messages() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET stored_bytes = owners.stored_bytes - changed.bytes
    FROM (SELECT owner_id, SUM(octet_length(text) + image_bytes + octet_length(COALESCE(sources, ''))) AS bytes
          FROM deleted GROUP BY owner_id) AS changed
    WHERE owners.id = changed.owner_id;
    RETURN NULL;
END $$;
