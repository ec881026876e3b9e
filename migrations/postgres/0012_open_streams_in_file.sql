-- Open streams are on record in a file in the session log's folder: a record there costs a hundredth of a row.
DROP TABLE open_streams;
