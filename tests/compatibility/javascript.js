// Writes a program that compiles where types of the JavaScript package are still what they were, by their declarations
// in the folders "before" and "now" of a folder: node javascript.js FOLDER
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const [folder] = process.argv.slice(2);

/** Modules that packages import. */
const entries = ["index", "json", "service/index", "driver/d1", "driver/durable-object", "driver/libsql", "driver/postgres/client"];

/** What users write, and the package reads: there, what was right before must be right now. */
const isInput = (name) => /(Query|Options|Request|Binding|Storage|Client|Statement)$/.test(name);

for (const side of ["before", "now"]) {
  for (const file of readdirSync(path.join(folder, side), { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const declarations = path.join(folder, side, file);
    // Two classes with private members are two, however alike they are.
    const text = readFileSync(declarations, "utf8").replaceAll(/^ *#private;$/gm, "");
    writeFileSync(declarations, text);
  }
}

const textOf = (module) => readFileSync(path.join(folder, "before", `${module}.d.ts`), "utf8");

/** The names of what a module declares and exports, or passes on by name. */
function namesIn(text) {
  const declared = [...text.matchAll(/^export (?:declare )?(?:interface|type|class) (\w+)(?!\w*<)\b/gm)].map(([, name]) => name);
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => list.split(","));
  return [...declared, ...lists.map((name) => name.replace("type ", "").trim()).filter(Boolean)];
}

const lines = [];
for (const [number, module] of entries.entries()) {
  if (!existsSync(path.join(folder, "before", `${module}.d.ts`))) continue;
  const [before, now] = [`Before${number}`, `Now${number}`];
  lines.push(`import type * as ${before} from "./before/${module}.js";`, `import type * as ${now} from "./now/${module}.js";`);
  lines.push(`export const values${number}: typeof ${before} = null! as typeof ${now};`);
  const parts = module === "index" ? ["index", "api", "interface"] : [module];
  for (const name of new Set(parts.flatMap((part) => namesIn(textOf(part))))) {
    const [from, to] = isInput(name) ? [before, now] : [now, before];
    lines.push(`export const ${name}${number}: ${to}.${name} = null! as ${from}.${name};`);
  }
}
writeFileSync(path.join(folder, "check.ts"), `${lines.join("\n")}\n`);
