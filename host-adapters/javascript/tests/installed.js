// Where the package that is tested is installed.
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Its folder. */
export const installed = fileURLToPath(new URL("..", import.meta.resolve("batchintory")));

/** The folder in which all packages are. */
export const packages = path.join(installed, "..");
