// Writes a program that compiles where types of the JavaScript package are still what they were, by their declarations
// in the folders "before" and "now" of a folder, and what the package exported before: node javascript.js FOLDER PACKAGE
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const [folder, description] = process.argv.slice(2);

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

/** The declarations that an export leads to, for every runtime. */
function* declarationsOf(exported) {
  if (typeof exported === "object") {
    for (const [condition, value] of Object.entries(exported)) {
      if (condition === "types") yield path.relative("dist", value).replace(/\.d\.ts$/, "");
      else yield* declarationsOf(value);
    }
  }
}

/** The names of what a module exports: declares, or passes on. */
function namesIn(module) {
  const text = readFileSync(path.join(folder, "before", `${module}.d.ts`), "utf8");
  const declared = text.matchAll(/^export (?:declare )?(?:interface|type|class) (\w+)(?!\w*<)\b/gm);
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => list.split(","));
  const whole = text.matchAll(/^export (?:type )?\* from "(.*)\.js"/gm);
  return [
    ...[...declared].map(([, name]) => name),
    ...lists.map((name) => name.replace("type ", "").trim()).filter(Boolean),
    ...[...whole].flatMap(([, other]) => namesIn(path.join(path.dirname(module), other))),
  ];
}

const { exports } = JSON.parse(readFileSync(description, "utf8"));
const lines = [];
for (const [number, module] of [...new Set(declarationsOf(exports))].entries()) {
  const [before, now] = [`Before${number}`, `Now${number}`];
  lines.push(`import type * as ${before} from "./before/${module}.js";`, `import type * as ${now} from "./now/${module}.js";`);
  lines.push(`export const values${number}: typeof ${before} = null! as typeof ${now};`);
  for (const name of new Set(namesIn(module))) {
    const [from, to] = isInput(name) ? [before, now] : [now, before];
    lines.push(`export const ${name}${number}: ${to}.${name} = null! as ${from}.${name};`);
  }
}
writeFileSync(path.join(folder, "check.ts"), `${lines.join("\n")}\n`);
