/**
 * The end of a probe stream, as its receiver sees it: END asks for a report, which goes back; CONFIRM says that it has
 * come. Any of them can be lost, so the sender repeats END, and the receiver stays for a while to answer it again.
 */
import type { MessageSocket, ReceivedMessage } from '../socket/port.js';
import type { ProbeStream } from './probe.js';
import { encodeProbeReport, PROBE_REPORT_SIZE } from './probe-report.js';

/** With datagrams missing, the last of them may still be on their way: so long is waited for them, in milliseconds. */
const SETTLE_MS = 200;
/** So long a report is answered for again, where no CONFIRM comes, in milliseconds. */
const LINGER_MS = 1000;

interface Ending {
  timer: NodeJS.Timeout | undefined;
  reported: boolean;
}

export class ProbeReporter {
  readonly #socket: MessageSocket;
  readonly #endings = new Map<string, Ending>();
  readonly #onDone: () => void;
  /** Reports on their way out. */
  readonly #sends = new Set<Promise<unknown>>();

  /** @param onDone called when a sender has its report, or no longer asks for it */
  constructor(socket: MessageSocket, onDone: () => void) {
    this.#socket = socket;
    this.#onDone = onDone;
  }

  /** END has come for `stream`, which says that `total` were sent. */
  end(stream: ProbeStream, { from, length }: ReceivedMessage, total: number, confirmed: boolean): void {
    const known = this.#endings.get(stream.id);
    if (confirmed) {
      if (known !== undefined) this.#done(known);
      return;
    }
    // The answer is never longer than the question.
    if (from === undefined || length < PROBE_REPORT_SIZE) {
      this.#onDone();
      return;
    }
    const report = () => {
      const bytes = encodeProbeReport(stream.report(), total, this.#socket.now());
      const sent: Promise<unknown> = this.#socket
        .send([{ bytes, to: from }])
        // The sender may be gone: then nobody asks any more.
        .catch(() => undefined)
        .finally(() => this.#sends.delete(sent));
      this.#sends.add(sent);
    };
    if (known !== undefined) {
      if (known.reported) report();
      return;
    }
    const ending: Ending = { timer: undefined, reported: false };
    this.#endings.set(stream.id, ending);
    const tell = () => {
      ending.reported = true;
      report();
      ending.timer = setTimeout(() => this.#done(ending), LINGER_MS);
    };
    if (stream.counts().lost === 0) tell();
    else ending.timer = setTimeout(tell, SETTLE_MS);
  }

  /** Ends what it waits for; resolves when the last report is sent. */
  async close(): Promise<void> {
    for (const { timer } of this.#endings.values()) clearTimeout(timer);
    await Promise.all(this.#sends);
  }

  #done(ending: Ending): void {
    clearTimeout(ending.timer);
    this.#onDone();
  }
}
