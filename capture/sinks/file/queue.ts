/** Steps that are done one after the other, in the order in which they were asked for. */
export class StepQueue {
  /** Those that are not over, oldest first; none of them rejects. */
  readonly #waiting: Promise<void>[] = [];

  /** @param step must not reject: what fails in it is its own to remember */
  append(step: () => Promise<unknown>): Promise<void> {
    const before = this.#waiting.at(-1);
    const done = (before === undefined ? step() : before.then(step)).then(() => {
      this.#waiting.shift();
    });
    this.#waiting.push(done);
    return done;
  }

  /** Steps that are not over. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Undefined when fewer than `limit` steps are waiting; otherwise resolves when it is so. */
  room(limit: number): Promise<void> | undefined {
    return this.#waiting[this.#waiting.length - limit];
  }

  /** Resolves when every step so far is over. */
  async idle(): Promise<void> {
    await this.#waiting.at(-1);
  }
}
