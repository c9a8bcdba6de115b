/** Hosts in the order of their turns. */
import type { PingHost } from './host.js';

/** Hosts by when they are due: a heap. A host that has got another time since it was put in is passed over. */
export class DueQueue {
  readonly #hosts: PingHost[] = [];
  #due = new Float64Array(64);

  /** Whose turn comes first. */
  peek(): PingHost | undefined {
    for (;;) {
      const first = this.#hosts[0];
      if (first === undefined || first.due === this.#due[0]) return first;
      this.pop();
    }
  }

  push(host: PingHost): void {
    const hosts = this.#hosts;
    if (hosts.length === this.#due.length) {
      const larger = new Float64Array(hosts.length * 2);
      larger.set(this.#due);
      this.#due = larger;
    }
    hosts.push(host);
    this.#place(hosts.length - 1, host, host.due);
  }

  pop(): void {
    const hosts = this.#hosts;
    const last = hosts.pop();
    if (last === undefined || hosts.length === 0) return;
    const due = this.#due[hosts.length] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= hosts.length) break;
      if (child + 1 < hosts.length && (this.#due[child + 1] as number) < (this.#due[child] as number)) child++;
      if ((this.#due[child] as number) >= due) break;
      hosts[at] = hosts[child] as PingHost;
      this.#due[at] = this.#due[child] as number;
      at = child;
    }
    hosts[at] = last;
    this.#due[at] = due;
  }

  /** Puts an entry at `from`, or as far up as it belongs. */
  #place(from: number, host: PingHost, due: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#due[parent] as number) <= due) break;
      this.#hosts[at] = this.#hosts[parent] as PingHost;
      this.#due[at] = this.#due[parent] as number;
      at = parent;
    }
    this.#hosts[at] = host;
    this.#due[at] = due;
  }
}
