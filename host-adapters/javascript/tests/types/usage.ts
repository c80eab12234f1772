// How programs in TypeScript use the package: compiled only.
import { type Acquired, type Batch, type Item, open, SupersededError } from "batchintory";
import { open as openInBrowser } from "batchintory/browser";
import { d1 } from "batchintory/d1";
import { durableObject } from "batchintory/durable-object";
import { parse, stringify } from "batchintory/json";
import { libsql } from "batchintory/libsql";
import { postgres } from "batchintory/postgres";

const inventory = await open({ inventory: "sqlite:lake.sqlite", statusLabels: { succeeded: "done" } });
const request = {
  metaTable: "files",
  job: "j",
  maxCount: 10,
  idMin: 5n,
  filter: { column: "uid", op: ">", value: 7 },
} as const;
const acquired: Acquired = await inventory.acquire(request, { claimToken: "mine" });
if (acquired.batch !== undefined) {
  const batch: Batch = acquired.batch;
  const id: bigint = batch.idStart;
  const items: Item[] = await batch.items({ pageSize: 10 }).toArray();
  const rows: number | undefined = await batch.process((items, { signal }) =>
    signal.aborted ? 0 : items.length,
  );
  await batch.succeed({ id, rows, uid: items[0]?.uid });
} else {
  const reason: "caught-up" | "bounds-done" | "held" = acquired.nothing.reason;
  console.log(reason, stringify(parse("[1]")));
}
for await (const batch of inventory.batches(request, { signal: AbortSignal.timeout(1000) })) {
  await batch.fail(new Error("no")).catch((error) => {
    if (error instanceof SupersededError) console.log(error.code);
  });
}
// @ts-expect-error: a limit that is misspelt
await inventory.acquire({ metaTable: "files", job: "j", max_count: 5 });
// @ts-expect-error: an operator that there is not
await inventory.acquire({ ...request, filter: { column: "uid", op: "~", value: 1 } });
// @ts-expect-error: databases by URL need Node
await openInBrowser({ inventory: "sqlite:lake.sqlite" });
await openInBrowser({
  query: async () => ({ rows: [[1n, "a", null, 0.5, true]], affected: 0 }),
  dialect: "sqlite",
});
// What drivers need of Cloudflare's own types is spelled as these spell it.
declare const storage: {
  sql: {
    exec<T extends Record<string, ArrayBuffer | string | number | null>>(
      query: string,
      ...bindings: unknown[]
    ): { raw<U extends (ArrayBuffer | string | number | null)[]>(): IterableIterator<U>; one(): T };
  };
};
declare const binding: {
  prepare(query: string): {
    bind(...values: unknown[]): ReturnType<(typeof binding)["prepare"]>;
    raw<T = unknown[]>(options?: { columnNames?: false }): Promise<T[]>;
    run<T = Record<string, unknown>>(): Promise<{ results: T[]; meta: { changes: number } }>;
  };
};
await openInBrowser({ inventory: d1(binding), meta: durableObject(storage) });
type Cell = null | bigint | number | string | ArrayBuffer;
declare const client: {
  execute(statement: { sql: string; args?: Cell[] | Record<string, Cell> } | string): Promise<{
    columns: string[];
    rows: { length: number; [index: number]: Cell; [name: string]: Cell }[];
    rowsAffected: number;
    lastInsertRowid: bigint | undefined;
  }>;
};
await open({ inventory: libsql(client) });
await open({ inventory: postgres("postgres://localhost/lake"), inventoryTable: "i" });
