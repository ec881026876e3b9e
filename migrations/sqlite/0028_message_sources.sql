-- The pages that an answer of a stored chat is based on, as JSON; NULL without pages. They are a part of what its owner has stored.
ALTER TABLE messages ADD COLUMN sources TEXT;

DROP TRIGGER messages_count_inserted;
DROP TRIGGER messages_count_deleted;
CREATE TRIGGER messages_count_inserted AFTER INSERT ON messages BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + octet_length(new.text) + new.image_bytes + octet_length(COALESCE(new.sources, ''))
    WHERE id = new.owner_id;
END;
CREATE TRIGGER messages_count_deleted AFTER DELETE ON messages BEGIN
    UPDATE owners SET stored_bytes = stored_bytes - octet_length(old.text) - old.image_bytes - octet_length(COALESCE(old.sources, ''))
    WHERE id = old.owner_id;
END;
