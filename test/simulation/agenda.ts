interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** Virtual time: what is to happen, in order of time and then of being planned (a binary heap). */
export class Agenda {
  now: number;
  private order = 0;
  private readonly heap: Entry[] = [];

  constructor(start: number) {
    this.now = start;
  }

  /** Plans `act` for `ms` from now. */
  after(ms: number, act: () => void): void {
    this.order += 1;
    const { heap } = this;
    heap.push({ at: this.now + Math.max(0, Math.round(ms)), order: this.order, act });
    for (let index = heap.length - 1; index > 0;) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  /** Moves on to the next entry and does it. False = nothing is planned. */
  step(): boolean {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) {
      heap[0] = last;
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const least = left + 1 < heap.length && this.before(left + 1, left) ? left + 1 : left;
        if (left >= heap.length || !this.before(least, index)) break;
        this.swap(index, least);
        index = least;
      }
    }
    this.now = first.at;
    first.act();
    return true;
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
