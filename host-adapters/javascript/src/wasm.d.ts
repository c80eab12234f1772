// Modules of WebAssembly, where a runtime or a bundler imports them compiled.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
