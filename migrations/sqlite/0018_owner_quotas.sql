-- What an owner has stored, so that quotas need no scan. Triggers count each insertion and deletion, also of a whole chat.
ALTER TABLE owners ADD COLUMN chats INTEGER NOT NULL DEFAULT 0;
-- Of texts and of the URLs of images.
ALTER TABLE owners ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE owners SET
    chats = (SELECT COUNT(*) FROM chats WHERE chats.owner_id = owners.id),
    stored_bytes = (SELECT COALESCE(SUM(octet_length(messages.text) + messages.image_bytes), 0)
                    FROM chats JOIN messages ON messages.chat_id = chats.id WHERE chats.owner_id = owners.id);

CREATE TRIGGER chats_count_inserted AFTER INSERT ON chats BEGIN
    UPDATE owners SET chats = chats + 1 WHERE id = new.owner_id;
END;
CREATE TRIGGER chats_count_deleted AFTER DELETE ON chats BEGIN
    UPDATE owners SET chats = chats - 1 WHERE id = old.owner_id;
END;
CREATE TRIGGER messages_count_inserted AFTER INSERT ON messages BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + octet_length(new.text) + new.image_bytes WHERE id = new.owner_id;
END;
CREATE TRIGGER messages_count_deleted AFTER DELETE ON messages BEGIN
    UPDATE owners SET stored_bytes = stored_bytes - octet_length(old.text) - old.image_bytes WHERE id = old.owner_id;
END;
