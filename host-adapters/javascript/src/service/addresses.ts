// Where the service's own core modules are, beside the planner's. Each stands here in full for bundlers.

/** By name. */
export const serviceAddresses: Record<string, () => URL> = {
  "service.core4.wasm": () => new URL("../../component/service/service.core4.wasm", import.meta.url),
  "service.core5.wasm": () => new URL("../../component/service/service.core5.wasm", import.meta.url),
  "service.core6.wasm": () => new URL("../../component/service/service.core6.wasm", import.meta.url),
  "service.core7.wasm": () => new URL("../../component/service/service.core7.wasm", import.meta.url),
  "service.inline.wasm": () => new URL("../../component/service/service.inline.wasm", import.meta.url),
};
