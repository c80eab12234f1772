// Tells what an OpenAPI description takes away from whoever relies on another one, a line each, and fails where that is
// anything: node http.js BEFORE NOW
import { readFileSync } from "node:fs";
import { compareOpenApi } from "api-smart-diff";

const [before, now] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));

/** Whether something is lost in an answer: the library minds what requests must have, and lets answers shrink. */
function isLost({ action, path }) {
  return action === "remove" && path.at(-2) === "properties";
}

const { diffs } = compareOpenApi(before, now);
const lines = diffs
  .filter((difference) => difference.type === "breaking" || isLost(difference))
  .map(({ action, path }) => `${action}: ${path.join(" > ")}`);
for (const line of new Set(lines)) console.log(line);
process.exitCode = lines.length > 0 ? 1 : 0;
