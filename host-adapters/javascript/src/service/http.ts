// `wasi:http/types`, as far as the service asks for it, over the requests and responses of fetch.

import { type Body, InputStream, OutputStream } from "./io.js";

/** By this header a host asks an instance for a channel. It is not the client's. */
const channelHeader = "batchintory-channel";

/** Headers. */
export class Fields {
  readonly #entries: [string, Uint8Array][] = [];

  append(name: string, value: Uint8Array): void {
    this.#entries.push([name, value.slice()]);
  }

  entries(): [string, Uint8Array][] {
    return this.#entries;
  }
}

/** What `result` of a component is. */
export type Result<T> = { tag: "ok"; val: T } | { tag: "err"; val: unknown };

const plainMethods = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

/** A request of fetch, whose body may be read by several instances, one after the other. */
export class IncomingRequest {
  readonly #request: Request;
  readonly #url: URL;
  readonly #body: Body;

  constructor(request: Request, body: Body) {
    this.#request = request;
    this.#url = new URL(request.url);
    this.#body = body;
  }

  method(): { tag: string; val?: string } {
    const tag = this.#request.method.toLowerCase();
    return plainMethods.includes(tag) ? { tag } : { tag: "other", val: this.#request.method };
  }

  pathWithQuery(): string {
    return this.#url.pathname + this.#url.search;
  }

  scheme(): { tag: string } {
    return { tag: this.#url.protocol === "https:" ? "HTTPS" : "HTTP" };
  }

  authority(): string {
    return this.#url.host;
  }

  headers(): Fields {
    const fields = new Fields();
    for (const [name, value] of this.#request.headers) {
      if (name !== channelHeader) fields.append(name, bytesOf(value));
    }
    return fields;
  }

  consume(): IncomingBody {
    return new IncomingBody(this.#body);
  }
}

/** A request's body. */
export class IncomingBody {
  readonly #body: Body;

  constructor(body: Body) {
    this.#body = body;
  }

  stream(): InputStream {
    return new InputStream(this.#body);
  }
}

/** An answer, as it is made. */
export class OutgoingResponse {
  readonly #fields: Fields;
  readonly #chunks: Uint8Array[] = [];
  #status = 200;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  setStatusCode(status: number): void {
    this.#status = status;
  }

  body(): OutgoingBody {
    return new OutgoingBody(this.#chunks);
  }

  /** As fetch has it. */
  toResponse(): Response {
    const headers = new Headers();
    for (const [name, value] of this.#fields.entries()) headers.append(name, textOf(value));
    // Some statuses allow no body, not even one that is empty.
    const body = this.#chunks.length === 0 ? null : joined(this.#chunks);
    return new Response(body, { status: this.#status, headers });
  }
}

/** An answer's body. */
export class OutgoingBody {
  readonly #chunks: Uint8Array[];

  constructor(chunks: Uint8Array[]) {
    this.#chunks = chunks;
  }

  write(): OutputStream {
    return new OutputStream(this.#chunks);
  }

  static finish(): void {}
}

/** Where an instance puts its answer. */
export class ResponseOutparam {
  /** What it has put there. */
  result: Result<OutgoingResponse> | undefined;

  static set(place: ResponseOutparam, result: Result<OutgoingResponse>): void {
    place.result = result;
  }
}

/** A header's value: a character for a byte each, unless a runtime has decoded them. */
function bytesOf(value: string): Uint8Array {
  const codes = Array.from(value, (character) => character.codePointAt(0) ?? 0);
  return codes.every((code) => code < 256) ? Uint8Array.from(codes) : new TextEncoder().encode(value);
}

function textOf(value: Uint8Array): string {
  return Array.from(value, (byte) => String.fromCharCode(byte)).join("");
}

function joined(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let place = 0;
  for (const chunk of chunks) {
    whole.set(chunk, place);
    place += chunk.length;
  }
  return whole;
}
