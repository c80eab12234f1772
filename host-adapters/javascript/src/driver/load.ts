// Drivers are installed by those who need them.

import { type BatchintoryError, errorOf, messageOf } from "../errors.js";

/** What is said of a driver's package that could not be loaded. */
export function notLoaded(name: string, error: unknown, instead = ""): BatchintoryError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  const reason = isMissing ? "is not installed" : `cannot be loaded (${messageOf(error).split("\n", 1)[0]})`;
  return errorOf("connect", `the package ${name} ${reason}: npm install ${name}${instead}`);
}
