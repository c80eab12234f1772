// `wasi:io`, as far as the service asks for it: bodies that come by and by, and waiting for them.

/** What `wasi:io/error` has for an error of which nothing more is told. */
export class IoError {}

/** Something to be waited for. */
export class Pollable {
  readonly #isReady: () => boolean;
  readonly #whenReady: () => Promise<void>;

  constructor(isReady: () => boolean, whenReady: () => Promise<void>) {
    this.#isReady = isReady;
    this.#whenReady = whenReady;
  }

  ready(): boolean {
    return this.#isReady();
  }

  /** The component waits by `poll` alone: what is written always has room. */
  block(): void {
    if (!this.ready()) throw new Error("the service waits for what is never ready");
  }

  whenReady(): Promise<void> {
    return this.#whenReady();
  }
}

/** Waits until one of them is ready; gives the places of those that are. */
export async function poll(pollables: Pollable[]): Promise<Uint32Array> {
  for (;;) {
    const places = pollables.flatMap((pollable, place) => (pollable.ready() ? [place] : []));
    if (places.length > 0) return Uint32Array.from(places);
    await Promise.race(pollables.map((pollable) => pollable.whenReady()));
  }
}

/** A request's body. Nothing of it is taken before somebody waits for it. */
export class Body {
  readonly #stream: ReadableStream<Uint8Array> | null;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #kept: Uint8Array[] = [];
  #end: "closed" | "broken" | undefined;
  #next: Promise<void> | undefined;

  constructor(stream: ReadableStream<Uint8Array> | null) {
    this.#stream = stream;
    if (stream === null) this.#end = "closed";
  }

  /** How it ended, if it has: whole, or before its end. */
  get end(): "closed" | "broken" | undefined {
    return this.#end;
  }

  /** The chunk at a place, if it has come. It is kept until the request is answered, which may be asked twice. */
  chunk(place: number): Uint8Array | undefined {
    return this.#kept[place];
  }

  /** Waits for the next chunk, or the end. */
  fill(): Promise<void> {
    this.#next ??= this.#take().finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  async #take(): Promise<void> {
    try {
      this.#reader ??= this.#stream?.getReader();
      const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined };
      if (done) this.#end = "closed";
      else this.#kept.push(value);
    } catch {
      this.#end = "broken";
    }
  }

  /**
   * Nobody wants the rest. One that is short is taken all the same: a connection on which something is left cannot be
   * used again, and its client learns that with its next request.
   */
  async drop(length: number): Promise<void> {
    if (this.#end !== undefined) return;
    if (length <= mostDropped) {
      while (this.#end === undefined) await this.fill();
      return;
    }
    await (this.#reader ?? this.#stream)?.cancel().catch(() => {});
  }
}

/** Of how many bytes a body that nobody wants is taken, where its head tells their number. */
const mostDropped = 64 * 1024;

/** A body as an instance reads it. */
export class InputStream {
  readonly #body: Body;
  #place = 0;
  #taken = 0;

  constructor(body: Body) {
    this.#body = body;
  }

  /** What has come of it, up to so many bytes. */
  read(most: bigint): Uint8Array {
    const chunk = this.#body.chunk(this.#place);
    if (chunk === undefined) {
      if (this.#body.end === undefined) return new Uint8Array();
      // jco takes the payload of what is thrown for the error of a result.
      const isBroken = this.#body.end === "broken";
      throw { payload: isBroken ? { tag: "last-operation-failed", val: new IoError() } : { tag: "closed" } };
    }
    const bytes = chunk.subarray(this.#taken, this.#taken + Number(most));
    this.#taken += bytes.length;
    if (this.#taken === chunk.length) {
      this.#place += 1;
      this.#taken = 0;
    }
    return bytes;
  }

  subscribe(): Pollable {
    const isReady = () => this.#body.end !== undefined || this.#body.chunk(this.#place) !== undefined;
    return new Pollable(isReady, () => this.#body.fill());
  }
}

/** How many bytes are taken at once: any number, which costs no more memory than they have in the instance. */
const room = 1024n * 1024n;

/** Where an answer's body is written to. */
export class OutputStream {
  readonly #chunks: Uint8Array[];

  constructor(chunks: Uint8Array[]) {
    this.#chunks = chunks;
  }

  checkWrite(): bigint {
    return room;
  }

  write(bytes: Uint8Array): void {
    // They may be a view of the instance's memory.
    this.#chunks.push(bytes.slice());
  }

  blockingFlush(): void {}

  subscribe(): Pollable {
    return new Pollable(
      () => true,
      () => Promise.resolve(),
    );
  }
}
