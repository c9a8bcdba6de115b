/** What becomes of the interfaces of a capture: each change is an event, and rings follow an interface that comes back. */
import { toSockctlError } from '../../../src/errors.js';
import type { Logger } from '../../../src/log/events.js';
import type { LinkChange } from '../../../src/socket/native/link-monitor.js';
import type { LinkFacts } from '../../../src/socket/native/netlink/link.js';
import { linkTypeName } from '../../../src/wire/link-types.js';
import { ANY_INTERFACE } from '../../record.js';
import type { CaptureEvent } from '../../source.js';
import { describeDevice } from '../device-link.js';
import type { RingLink } from './link.js';

export interface FollowOptions {
  readonly logger: Logger;
  readonly onEvent: (event: CaptureEvent) => void;
  /** An interface is gone that is not waited for. */
  readonly onGone: () => void;
  /** Whether an interface that is gone is waited for. */
  readonly waits: boolean;
}

export class LinkFollower {
  readonly #links: readonly RingLink[];
  readonly #options: FollowOptions;

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
    if (change.kind === 'changed') this.#tellChange(change, () => link.appeared(index, name));
    else if (change.kind === 'gone') this.#tell('info', { event: 'interface-gone', interface: name });
    else {
      link.appeared(index, name);
      this.#tell('info', { event: 'interface-created', interface: name });
      if (up) this.#tell('info', { event: 'interface-up', interface: name });
    }
  }

  #ofOne(link: RingLink, change: LinkChange): void {
    const { index, name } = change.link;
    if (index === link.index) {
      if (change.kind === 'gone') this.#gone(link);
      else if (change.kind === 'changed') this.#tellChange(change, () => link.renamed(name));
    } else if (link.index === 0 && change.kind !== 'gone' && (name === link.device || name === link.name)) {
      this.#returned(link, change.link);
    }
  }

  #tellChange({ link, before }: LinkChange & { readonly before: LinkFacts }, rename: () => void): void {
    if (link.name !== before.name) {
      rename();
      this.#tell('info', { event: 'interface-renamed', interface: link.name, before: before.name });
    }
    if (link.up === before.up) return;
    this.#tell(link.up ? 'info' : 'warn', {
      event: link.up ? 'interface-up' : 'interface-down',
      interface: link.name,
    });
  }

  #gone(link: RingLink): void {
    link.gone();
    this.#tell('warn', { event: 'interface-gone', interface: link.name });
    if (this.#options.waits && link.rebindable) return;
    this.#options.onGone();
  }

  #returned(link: RingLink, { index, name, up }: LinkFacts): void {
    const { logger } = this.#options;
    try {
      if (!link.returned(index, name)) {
        const { linkType } = describeDevice(name);
        const message = `${name}: it is a link of another kind now (${linkTypeName(linkType)}), its packets are not captured`;
        logger.log('warn', { event: 'interface', message });
        return;
      }
    } catch (error) {
      // It is gone again; the next one is waited for.
      logger.log('debug', { event: 'interface', message: toSockctlError(error).message });
      return;
    }
    this.#tell('info', { event: 'interface-created', interface: name });
    if (up) this.#tell('info', { event: 'interface-up', interface: name });
  }

  #tell(level: 'info' | 'warn', event: CaptureEvent & { readonly interface: string }): void {
    this.#options.logger.log(level, { event: 'interface', message: eventText(event) });
    this.#options.onEvent(event);
  }
}

function eventText(event: CaptureEvent & { readonly interface: string }): string {
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
