import type { Row } from "./records.ts";

// Enough for a read "as it was some seconds ago" of a row that changes often; older versions are forgotten.
const VERSIONS_KEPT = 32;

interface Version<T> {
  /** World time of the write, Unix milliseconds. */
  readonly at: number;
  readonly row: T;
}

/**
 * One kind of row, with the last versions of each, so that a read can be answered as of an earlier time. Rows are
 * never altered in place and never leave: what is gone carries `archivedAt`.
 */
export class Table<T extends Row> {
  readonly #versions = new Map<string, Version<T>[]>();
  readonly #groups = new Map<string, string[]>();
  readonly #groupOf: ((row: T) => string | null) | null;

  /** `groupOf` names the owner of a row (it must not change later), for `group`. */
  constructor(groupOf?: (row: T) => string | null) {
    this.#groupOf = groupOf ?? null;
  }

  /** Stores a new row or a new version of one. */
  put(row: T, at: number): void {
    const versions = this.#versions.get(row.id);
    if (versions !== undefined) {
      versions.push({ at, row });
      if (versions.length > VERSIONS_KEPT) versions.shift();
      return;
    }
    this.#versions.set(row.id, [{ at, row }]);
    const owner = this.#groupOf?.(row) ?? null;
    if (owner === null) return;
    const group = this.#groups.get(owner);
    if (group === undefined) this.#groups.set(owner, [row.id]);
    else group.push(row.id);
  }

  /** The row, newest or as of a time (null = newest); undefined when there was none. */
  get(id: string, asOf: number | null = null): T | undefined {
    const versions = this.#versions.get(id);
    if (versions === undefined) return undefined;
    if (asOf === null) return versions.at(-1)?.row;
    return versions.findLast((version) => version.at <= asOf)?.row;
  }

  /** All rows in the order they were made. */
  all(asOf: number | null = null): T[] {
    return this.#present([...this.#versions.keys()], asOf);
  }

  /** The rows of one owner in the order they were made. */
  group(owner: string, asOf: number | null = null): T[] {
    return this.#present(this.#groups.get(owner) ?? [], asOf);
  }

  #present(ids: readonly string[], asOf: number | null): T[] {
    const rows: T[] = [];
    for (const id of ids) {
      const row = this.get(id, asOf);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }
}
