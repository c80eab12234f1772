// Makes the meta table of the example.
import { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";

const lake = new Database("lake.sqlite");
lake.run(readFileSync("files.sql", "utf8"));
lake.close();
