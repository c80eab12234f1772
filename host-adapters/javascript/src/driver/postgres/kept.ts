// Which statements a connection keeps prepared.
//
// A text is prepared when it comes for the second time, so that texts which vary are not: a long row of them pushes
// nothing out. Of those that repeat, the one whose latest use lies furthest back makes room. A plan that the server
// has kept is as old as its statement, and the tables may have grown since; so a statement is prepared anew from time
// to time. The cases in `tests/kept_statements.json` are those of all languages.

/** How many statements are kept, unless said otherwise. */
export const usual = 32;

/** After how many uses a statement is prepared anew. */
const maxUses = 500;

/** How many texts that came once are remembered, for each one that may be kept. */
const remembered = 4;

/** How a text is to be sent, and what is to be closed first. What is to be prepared is handed to `keep` once it is. */
export interface Turn {
  sent: "unnamed" | "prepare" | "prepared";
  closes?: string;
}

/** The statements of one connection. */
export class Kept {
  readonly #most: number;
  /** Texts that came once, the latest at the end. */
  readonly #once = new Set<string>();
  /** How often each was used, the latest at the end. */
  readonly #uses = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** How to send this text, which is about to be sent. */
  turn(text: string): Turn {
    const uses = this.#uses.get(text);
    if (uses !== undefined) {
      this.#uses.delete(text);
      if (uses === maxUses) {
        this.#once.add(text);
        return { sent: "prepare", closes: text };
      }
      this.#uses.set(text, uses + 1);
      return { sent: "prepared" };
    }
    if (this.#once.has(text)) return { sent: "prepare" };
    this.#once.add(text);
    if (this.#once.size > this.#most * remembered) this.#once.delete(first(this.#once));
    return { sent: "unnamed" };
  }

  /** Keeps a text that was prepared. Gives the one that makes room, which is to be closed. */
  keep(text: string): string | undefined {
    this.#once.delete(text);
    const oldest = this.#uses.size === this.#most ? first(this.#uses.keys()) : undefined;
    if (oldest !== undefined) this.#uses.delete(oldest);
    this.#uses.set(text, 1);
    return oldest;
  }
}

function first(texts: Iterable<string>): string {
  const [text = ""] = texts;
  return text;
}
