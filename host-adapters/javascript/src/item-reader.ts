// Reads the items of a batch: by a statement that the planner gives and the driver runs, and by the planner where that
// does not do. What is to be looked at is said at `items-statement` in `wit/inventory.wit`.

import type { CallOptions } from "./call-options.js";
import type { Value } from "./database.js";
import type { Id, Item } from "./interface.js";
import type { Inventory as Wit } from "./planner/wit.js";

/** The most items of a page. */
const longestPage = 10_000;

/** Where the items of batches are read, both ways. */
export interface ItemSource {
  items(
    claimToken: string,
    options: CallOptions & { after?: Id | undefined; limit?: number },
  ): Promise<Item[]>;
  /** @internal */
  _itemsStatement(claimToken: string, options: CallOptions): Promise<Wit.PageStatement | undefined>;
  /** @internal */
  _page(
    statement: Wit.PageStatement,
    place: readonly [bigint, bigint],
    options: CallOptions,
  ): Promise<Value[][] | undefined>;
}

/** Reads pages of one batch's items, one behind the other. */
export class ItemReader {
  readonly #source: ItemSource;
  readonly #claimToken: string;
  readonly #options: CallOptions;
  #statement: Wit.PageStatement | undefined;
  /** Whether the planner itself is to be asked, from now on. */
  #asksPlanner = false;

  constructor(source: ItemSource, claimToken: string, options: CallOptions = {}) {
    this.#source = source;
    this.#claimToken = claimToken;
    this.#options = options;
  }

  /** The page behind this id; an empty one is the end. */
  async read(after: bigint | undefined, limit: number): Promise<Item[]> {
    if (Number.isInteger(limit) && limit >= 1 && limit <= longestPage) {
      const page = await this.#readByStatement(after, limit);
      if (page.length > 0) return page;
    }
    return this.#source.items(this.#claimToken, { after, limit, ...this.#options });
  }

  /** What the statement gives for sure; where that is nothing, the planner is to be asked. */
  async #readByStatement(after: bigint | undefined, limit: number): Promise<Item[]> {
    if (this.#asksPlanner) return [];
    this.#statement ??= await this.#source._itemsStatement(this.#claimToken, this.#options);
    if (this.#statement === undefined) {
      this.#asksPlanner = true;
      return [];
    }
    // One row more shows whether the page ends between two of one id.
    const first = this.#statement.after;
    const place = [after === undefined || after < first ? first : after, BigInt(limit + 1)] as const;
    const rows = await this.#source._page(this.#statement, place, this.#options);
    if (rows === undefined) return [];
    const items = itemsOf(rows);
    this.#asksPlanner = items.length < rows.length;
    return items.slice(0, limit);
  }
}

/** The rows from the first on that are items as they are. */
export function itemsOf(rows: Value[][]): Item[] {
  const items: Item[] = [];
  for (const row of rows) {
    const [uid, item, weight] = row;
    const isText = typeof item === "string";
    if (typeof uid !== "bigint" || typeof weight !== "number" || !(isText || item === null)) break;
    if (row.length !== 3 || (isText && !isGiven(item))) break;
    const last = items.at(-1);
    if (last !== undefined && uid <= last.uid) {
      // Neither of them.
      items.pop();
      break;
    }
    items.push(isText ? { uid, item, weight } : { uid, weight });
  }
  return items;
}

/** Whether a text is one that the statement gives, and a driver has not changed. */
function isGiven(text: string): boolean {
  return !text.includes("\u0001") && !text.includes("\ufffd");
}
