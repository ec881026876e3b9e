-- Who speaks in a chat: a persona's name; none where that is the model as it is.
ALTER TABLE chats ADD COLUMN persona TEXT;
