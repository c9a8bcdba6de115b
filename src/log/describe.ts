/** The one-line text of an event: calls as strace(1) and the manual pages show them, with their results. */
import type { LogEvent } from './events.js';

export function describeEvent(event: LogEvent): string {
  switch (event.event) {
    case 'socket':
      return `socket(${event.family}, ${event.type}, ${event.protocol})${result(event, event.fd)}`;
    case 'setsockopt': {
      const effective = event.effective === undefined ? '' : ` (in effect: ${event.effective})`;
      return `setsockopt(${fd(event)}${event.optionLevel}, ${event.option}, ${event.value})${result(event, 0)}${effective}`;
    }
    case 'getsockopt':
      return `getsockopt(${fd(event)}${event.optionLevel}, ${event.option})${result(event, event.value)}`;
    case 'bind':
      return `bind(${fd(event)}${event.local})${result(event, 0)}`;
    case 'getsockname':
      return `getsockname(${fd(event).replace(', ', '')})${result(event, event.local)}`;
    case 'listen': {
      const effective = event.effective === undefined ? '' : ` (in effect: ${event.effective}, net.core.somaxconn)`;
      return `listen(${fd(event)}${event.backlog})${result(event, 0)}${effective}`;
    }
    case 'accept':
      return `accept(${event.local ?? ''})${result(event, event.fd ?? event.remote)}${event.fd === undefined ? '' : `, ${event.remote}`}`;
    case 'connect': {
      const took = event.durationMs === undefined ? '' : ` in ${event.durationMs.toFixed(3)} ms`;
      return `connect(${fd(event)}${event.remote})${result(event, 0)}${took}`;
    }
    case 'read':
    case 'write':
    case 'recv':
    case 'send':
    case 'recvmsg':
      return `${event.event}(${subject(event)})${result(event, event.bytes)}`;
    case 'recvmmsg':
    case 'sendmmsg':
      return `${event.event}(${fd(event).replace(', ', '')})${result(event, event.messages)}, ${event.bytes} bytes`;
    case 'mmap':
      return `mmap(NULL, ${event.bytes}, PROT_READ|PROT_WRITE, MAP_SHARED, ${event.fd ?? ''}, 0)${event.failure === undefined ? '' : result(event, 0)}`;
    case 'shutdown':
      return `shutdown(${subject(event)}, ${event.how})${result(event, 0)}`;
    case 'close': {
      const moved = event.bytesIn === undefined ? '' : `, ${event.bytesIn} bytes in, ${event.bytesOut ?? 0} bytes out`;
      return `close(${event.fd ?? event.remote ?? ''})${result(event, 0)}${moved}`;
    }
    default:
      return event.message;
  }
}

function fd(event: { readonly fd?: number | undefined }): string {
  return event.fd === undefined ? '' : `${event.fd}, `;
}

/** The descriptor, or where Node has it the number of the connection. */
function subject(event: { readonly fd?: number | undefined; readonly connection?: number | undefined }): string {
  return event.fd === undefined ? `connection ${event.connection ?? 1}` : String(event.fd);
}

function result(event: LogEvent, value: string | number | undefined): string {
  if (event.failure !== undefined) return ` = -1 ${event.failure.code}`;
  return value === undefined ? '' : ` = ${value}`;
}
