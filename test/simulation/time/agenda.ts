interface Entry {
  readonly at: number;
  readonly order: number;
  /** Null once it was cancelled. */
  act: (() => void) | null;
}

/** Virtual time: what is to happen, in order of time and then of being planned (a binary heap). */
export class Agenda {
  now: number;
  private order = 0;
  private readonly heap: Entry[] = [];

  constructor(start: number) {
    this.now = start;
  }

  /** Plans `act` for `ms` from now. Returns the cancel. */
  after(ms: number, act: () => void): () => void {
    this.order += 1;
    const { heap } = this;
    const entry: Entry = { at: this.now + Math.max(0, Math.round(ms)), order: this.order, act };
    heap.push(entry);
    for (let index = heap.length - 1; index > 0;) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
    return () => {
      entry.act = null;
    };
  }

  /** Moves on to the next time at which something is planned and does all of it. False = nothing is planned. */
  step(): boolean {
    let entry = this.take();
    while (entry !== null && entry.act === null) entry = this.take();
    if (entry === null) return false;
    this.now = entry.at;
    for (let next: Entry | null = entry; next !== null;) {
      next.act?.();
      next = this.heap[0]?.at === this.now ? this.take() : null;
    }
    return true;
  }

  private take(): Entry | null {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const least = left + 1 < heap.length && this.before(left + 1, left) ? left + 1 : left;
      if (left >= heap.length || !this.before(least, index)) break;
      this.swap(index, least);
      index = least;
    }
    return first;
  }

  private before(a: number, b: number): boolean {
    const left = this.heap[a];
    const right = this.heap[b];
    if (left === undefined || right === undefined) return false;
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  }

  private swap(a: number, b: number): void {
    const left = this.heap[a];
    const right = this.heap[b];
    if (left === undefined || right === undefined) return;
    this.heap[a] = right;
    this.heap[b] = left;
  }
}
