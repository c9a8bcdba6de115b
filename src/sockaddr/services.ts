/** Service names for ports, from services(5). */
import { readFileSync } from 'node:fs';

let table: Map<string, number> | undefined;

/** `name/protocol` -> port, aliases included; empty where the system has no such file. */
function services(): Map<string, number> {
  if (table !== undefined) return table;
  table = new Map();
  let text: string;
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    return table;
  }
  for (const line of text.split('\n')) {
    const [name, portAndProtocol, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [port, protocol] = portAndProtocol?.split('/') ?? [];
    if (name === undefined || port === undefined || protocol === undefined) continue;
    for (const alias of [name, ...aliases]) {
      const key = `${alias}/${protocol}`;
      if (!table.has(key)) table.set(key, Number(port));
    }
  }
  return table;
}

/** The port of a service such as `http`, or undefined when the system knows no such name for `protocol`. */
export function servicePort(name: string, protocol: 'tcp' | 'udp'): number | undefined {
  return services().get(`${name}/${protocol}`);
}
