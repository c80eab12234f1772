// Transpiles the HTTP service, which is composed with the planner, for engines that can suspend WebAssembly. The
// planner's modules in it are the same bytes that `component.js` has written, and are kept once.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, database, folder, transpile, withoutAddress } from "./transpile.js";

const wit = readFileSync(join(folder, "../../target/component/batchintory-http.wasm"), "latin1");
const [poll, handle] = [version("wasi:io/poll"), version("wasi:http/incoming-handler")];
transpile("batchintory-http.wasm", "service", "service", [
  ...["--instantiation", "async", "--async-mode", "jspi"],
  ...["--async-imports", ...database, `${poll}#poll`, "--async-exports", `${handle}#handle`],
]);

const folderOfService = join(component, "service");
const file = join(folderOfService, "service.js");
let written = withoutAddress(readFileSync(file, "utf8"), file);
takeOutInlineModule();
sharePlanner();
writeFileSync(file, written);

/** An interface with the version by which the component knows it. */
function version(name) {
  const [found] = wit.match(new RegExp(`${name}@[0-9.]+`)) ?? [];
  if (found === undefined) throw new Error(`the service does not know ${name}`);
  return found;
}

/**
 * jco writes one small module into its output, and compiles it at run time, which Workers refuse. It becomes a file that
 * is handed in as all others are.
 */
function takeOutInlineModule() {
  const pattern = /new WebAssembly\.Module\(new Uint8Array\(\[([0-9,]+)\]\)\)/g;
  const found = [...written.matchAll(pattern)];
  const [, parameter] = written.match(/export function instantiate\((\w+),/) ?? [];
  if (found.length !== 1 || parameter === undefined) {
    throw new Error(`${file} has ${found.length} inline modules, not one: jco's output has another form now`);
  }
  const [[whole, bytes]] = found;
  writeFileSync(join(folderOfService, "service.inline.wasm"), Uint8Array.from(bytes.split(",").map(Number)));
  written = written.replace(whole, `${parameter}("service.inline.wasm")`);
}

/** Takes the planner's modules from where they are already. */
function sharePlanner() {
  const name = (planner) => planner.replace("planner", "service");
  const planners = readdirSync(component).filter((name) => name.endsWith(".wasm"));
  for (const planner of planners) {
    const ours = join(folderOfService, name(planner));
    if (!existsSync(ours) || !readFileSync(ours).equals(readFileSync(join(component, planner)))) {
      throw new Error(`${ours} is not the planner's: the service is composed in another order now`);
    }
    rmSync(ours);
    written = written.replace(`\`${name(planner)}\``, `\`${planner}\``);
    if (!written.includes(`\`${planner}\``)) throw new Error(`${file} has another form than expected`);
  }
}
