// Where the planner's core modules are. Each stands here in full: so bundlers find it, and bring it
// along.

const addresses: Record<string, () => URL> = {
  "planner.core.wasm": () => new URL("../../component/planner.core.wasm", import.meta.url),
  "planner.core2.wasm": () => new URL("../../component/planner.core2.wasm", import.meta.url),
  "planner.core3.wasm": () => new URL("../../component/planner.core3.wasm", import.meta.url),
};

/** The names of the core modules. */
export const moduleNames = Object.keys(addresses);

/** The address of one. */
export function addressOf(name: string): URL {
  const address = addresses[name];
  if (address === undefined) throw new Error(`there is no module ${name}`);
  return address();
}
