// Drivers are installed by those who need them.

import { errorOf } from "../errors.js";

/** Loads a driver's package, or says how to install it. */
export async function load<T>(name: string, from: () => Promise<T>, instead = ""): Promise<T> {
  try {
    return await from();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw errorOf("connect", `the package ${name} is not installed: npm install ${name}${instead}`);
  }
}
