-- The meta table: what there is to process. Yours may have other names and more columns.
CREATE TABLE IF NOT EXISTS files (uid INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT, weight REAL);
INSERT INTO files (item, weight) VALUES ('a.png', 1), ('b.png', 2), ('c.png', 3);
