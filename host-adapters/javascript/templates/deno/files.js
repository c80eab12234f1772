// Makes the meta table of the example.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const lake = new DatabaseSync("lake.sqlite");
lake.exec(readFileSync("files.sql", "utf8"));
lake.close();
