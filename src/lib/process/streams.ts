/** Keeps the first or the last `limit` bytes of a stream, whatever its length. */
export class Tail {
  truncated = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #limit: number;
  readonly #keep: "head" | "tail";

  constructor(limit: number, keep: "head" | "tail" = "head") {
    this.#limit = limit;
    this.#keep = keep;
  }

  push(chunk: Buffer): void {
    if (this.#keep === "head") {
      const room = this.#limit - this.#bytes;
      if (chunk.length > room) this.truncated = true;
      if (room > 0) this.#add(chunk.length > room ? chunk.subarray(0, room) : chunk);
      return;
    }
    this.#add(chunk);
    // Trimmed at twice the limit, so that copying costs a constant per byte.
    if (this.#bytes > this.#limit * 2) this.#trim();
  }

  text(encoding: "utf8" | "latin1"): string {
    this.#trim();
    return Buffer.concat(this.#chunks).toString(encoding);
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  #trim(): void {
    if (this.#bytes <= this.#limit) return;
    this.truncated = true;
    const kept = Buffer.concat(this.#chunks).subarray(this.#bytes - this.#limit);
    this.#chunks = [Buffer.from(kept)];
    this.#bytes = kept.length;
  }
}

/**
 * Cuts a byte stream into lines (without newline), decoded as UTF-8. A line over the limit is either cut to it
 * or dropped whole; memory never holds more than one line's limit.
 */
export class LineCutter {
  #pending: Buffer[] = [];
  #bytes = 0;
  #over = false;
  readonly #limit: number;
  readonly #whenOver: "cut" | "drop";
  readonly #onLine: (line: string) => void;
  readonly #onOver: (() => void) | undefined;

  constructor(limit: number, whenOver: "cut" | "drop", onLine: (line: string) => void, onOver?: () => void) {
    this.#limit = limit;
    this.#whenOver = whenOver;
    this.#onLine = onLine;
    this.#onOver = onOver;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      this.#take(chunk.subarray(from, at));
      this.#finish();
      from = at + 1;
    }
    this.#take(chunk.subarray(from));
  }

  /** Hands out a last line that had no newline. */
  end(): void {
    if (this.#bytes > 0 || this.#over) this.#finish();
  }

  #take(part: Buffer): void {
    const room = this.#limit - this.#bytes;
    if (part.length > room) this.#over = true;
    const kept = part.length > room ? part.subarray(0, room) : part;
    if (kept.length === 0) return;
    this.#pending.push(kept);
    this.#bytes += kept.length;
  }

  #finish(): void {
    const line = Buffer.concat(this.#pending);
    const over = this.#over;
    this.#pending = [];
    this.#bytes = 0;
    this.#over = false;
    if (over && this.#whenOver === "drop") this.#onOver?.();
    else this.#onLine(line.at(-1) === 13 ? line.subarray(0, -1).toString("utf8") : line.toString("utf8"));
  }
}
