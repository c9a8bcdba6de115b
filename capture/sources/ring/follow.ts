/** What becomes of the interfaces of a capture: each change is an event, and rings follow an interface that comes back. */
import { toSockctlError } from '../../../src/errors.js';
import type { Logger } from '../../../src/log/events.js';
import type { LinkChange } from '../../../src/socket/native/link-monitor.js';
import type { LinkFacts } from '../../../src/socket/native/netlink/link.js';
import { ANY_INTERFACE } from '../../record.js';
import type { CaptureEvent } from '../../source.js';
import type { RingLink } from './link.js';

export interface FollowOptions {
  readonly logger: Logger;
  readonly onEvent: (event: CaptureEvent) => void;
  /** An interface is gone that is not waited for. */
  readonly onGone: () => void;
  /** Whether an interface that is gone is waited for. */
  readonly waits: boolean;
}

/** Of an interface. */
type LinkEvent = Extract<CaptureEvent, { readonly interface: string }>;

export class LinkFollower {
  readonly #links: readonly RingLink[];
  readonly #options: FollowOptions;
  /** Numbers of interfaces that can't be followed, of which that is said once. */
  readonly #refused = new Set<number>();

  constructor(links: readonly RingLink[], options: FollowOptions) {
    this.#links = links;
    this.#options = options;
  }

  /** What is so when the capture begins: an interface that is down has nothing to say. */
  begin(facts: ReadonlyMap<number, LinkFacts>): void {
    for (const { index, name } of this.#links) {
      if (facts.get(index)?.up === false) this.#tell('warn', { event: 'interface-down', interface: name });
    }
  }

  /** Takes one change, in the order of the kernel. */
  change(change: LinkChange): void {
    for (const link of this.#links) {
      if (link.device === ANY_INTERFACE) this.#ofAny(link, change);
      else this.#ofOne(link, change);
    }
  }

  #ofAny(link: RingLink, change: LinkChange): void {
    const { index, name, up } = change.link;
    if (change.kind === 'changed') {
      if (name !== change.before.name) link.forget(index);
      this.#tellChange(change);
    } else if (change.kind === 'gone') this.#tell('info', { event: 'interface-gone', interface: name });
    else {
      link.forget(index);
      this.#tellThere(name, up);
    }
  }

  #ofOne(link: RingLink, change: LinkChange): void {
    if (change.link.index === link.index) {
      if (change.kind === 'gone') this.#gone(link);
      if (change.kind !== 'changed') return;
      if (change.link.name !== change.before.name) link.renamed(change.link);
      this.#tellChange(change);
    } else if (link.index === 0 && change.kind !== 'gone') this.#seek(link);
  }

  #tellChange({ link, before }: LinkChange & { readonly before: LinkFacts }): void {
    const { name, up } = link;
    if (name !== before.name) {
      this.#tell('info', { event: 'interface-renamed', interface: name, before: before.name });
    }
    if (up === before.up) return;
    this.#tell(up ? 'info' : 'warn', { event: up ? 'interface-up' : 'interface-down', interface: name });
  }

  #gone(link: RingLink): void {
    link.gone();
    this.#tell('warn', { event: 'interface-gone', interface: link.name });
    if (!this.#options.waits || !link.rebindable) this.#options.onGone();
    // The news of another may have come before.
    else this.#seek(link);
  }

  /** Follows the interface that has taken the place of one that is gone, where there is any. */
  #seek(link: RingLink): void {
    const next = link.successor();
    if (next === undefined || this.#refused.has(next.index)) return;
    const { logger } = this.#options;
    try {
      if (!link.returned(next)) {
        this.#refused.add(next.index);
        const message = `${next.name}: it is a link of another kind now, its packets are not captured`;
        logger.log('warn', { event: 'interface', message });
        return;
      }
    } catch (error) {
      // It is gone again; the next one is waited for.
      logger.log('debug', { event: 'interface', message: toSockctlError(error).message });
      return;
    }
    this.#tellThere(next.name, next.up);
  }

  #tellThere(name: string, up: boolean): void {
    this.#tell('info', { event: 'interface-created', interface: name });
    if (up) this.#tell('info', { event: 'interface-up', interface: name });
  }

  #tell(level: 'info' | 'warn', event: LinkEvent): void {
    this.#options.logger.log(level, { event: 'interface', message: eventText(event) });
    this.#options.onEvent(event);
  }
}

function eventText(event: LinkEvent): string {
  const { interface: name } = event;
  switch (event.event) {
    case 'interface-renamed':
      return `${event.before}: it is called ${name} now`;
    case 'interface-created':
      return `${name}: the interface is there again`;
    case 'interface-down':
      return `${name}: the link is down`;
    case 'interface-up':
      return `${name}: the link is up`;
    default:
      return `${name}: the interface is gone`;
  }
}
