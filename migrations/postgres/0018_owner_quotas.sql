-- What an owner has stored, so that quotas need no scan. Triggers count what is inserted and deleted, also of a whole chat. What a
-- statement deletes is counted at once, as each change of an owner leaves a dead row.
ALTER TABLE owners ADD COLUMN chats BIGINT NOT NULL DEFAULT 0;
-- Of texts and of the URLs of images.
ALTER TABLE owners ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0;

UPDATE owners SET
    chats = (SELECT COUNT(*) FROM chats WHERE chats.owner_id = owners.id),
    stored_bytes = (SELECT COALESCE(SUM(octet_length(messages.text) + messages.image_bytes), 0)
                    FROM chats JOIN messages ON messages.chat_id = chats.id WHERE chats.owner_id = owners.id);

CREATE FUNCTION count_inserted_chats() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET chats = owners.chats + changed.chats
    FROM (SELECT owner_id, COUNT(*) AS chats FROM inserted GROUP BY owner_id) AS changed WHERE owners.id = changed.owner_id;
    RETURN NULL;
END $$;
CREATE FUNCTION count_deleted_chats() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET chats = owners.chats - changed.chats
    FROM (SELECT owner_id, COUNT(*) AS chats FROM deleted GROUP BY owner_id) AS changed WHERE owners.id = changed.owner_id;
    RETURN NULL;
END $$;
CREATE FUNCTION count_inserted_message() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + octet_length(NEW.text) + NEW.image_bytes WHERE id = NEW.owner_id;
    RETURN NULL;
END $$;
CREATE FUNCTION count_deleted_messages() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE owners SET stored_bytes = owners.stored_bytes - changed.bytes
    FROM (SELECT owner_id, SUM(octet_length(text) + image_bytes) AS bytes FROM deleted GROUP BY owner_id) AS changed
    WHERE owners.id = changed.owner_id;
    RETURN NULL;
END $$;

CREATE TRIGGER chats_count_inserted AFTER INSERT ON chats REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_chats();
CREATE TRIGGER chats_count_deleted AFTER DELETE ON chats REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_chats();
-- At the commit, so that turns in different chats of one owner wait for each other no longer than that.
CREATE CONSTRAINT TRIGGER messages_count_inserted AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION count_inserted_message();
CREATE TRIGGER messages_count_deleted AFTER DELETE ON messages REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_messages();
