/**
 * The networks of the raw benchmark, in namespaces that go with the process: two hosts on a veth link, of which the
 * second answers for a whole block of addresses, and a chain of routers.
 */
import { execFileSync } from 'node:child_process';

const made = [];
const ip = (args, input) => execFileSync('ip', args, { input, stdio: ['pipe', 'pipe', 'inherit'], encoding: 'utf8' });

process.on('exit', () => {
  for (const name of made) {
    try {
      ip(['netns', 'del', name]);
    } catch {
      // It is gone.
    }
  }
});

function batch(lines, name) {
  ip([...(name === undefined ? [] : ['-n', name]), '-batch', '-'], `${lines.join('\n')}\n`);
}

function addNamespaces(names) {
  made.push(...names);
  batch(names.map((name) => `netns add ${name}`));
}

const under = (name) => ['ip', 'netns', 'exec', name];
const sysctl = (name, ...settings) => {
  const [command, ...rest] = [...under(name), 'sysctl', '-qw', ...settings];
  execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Until the links are up, which the kernel says some time after they have been set so. */
function awaitUp(name, device) {
  for (let tries = 0; tries < 2000; tries++) {
    if (ip(['-n', name, 'link', 'show', device]).includes('state UP')) return;
  }
  throw new Error(`${device} in ${name} does not come up`);
}

/** @param blocks what the second host answers for, beside its own address */
export function makePair(blocks) {
  const [a, b] = ['a', 'b'].map((letter) => `sockctl-bench-${process.pid}-${letter}`);
  addNamespaces([a, b]);
  batch([`link add link0 netns ${a} type veth peer name link0 netns ${b}`]);
  const common = ['link set lo up', 'link set link0 addrgenmode none', 'link set link0 up'];
  const through = (end) =>
    blocks.map((block) => `route add ${end === a ? `${block} via 10.99.0.2` : `local ${block} dev lo`}`);
  [a, b].forEach((name, i) => {
    batch([`addr add 10.99.0.${i + 1}/24 dev link0`, ...common, ...through(name)], name);
  });
  for (const name of [a, b]) awaitUp(name, 'link0');
  const hardwareAddress = /link\/ether (\S+)/.exec(ip(['-n', b, 'link', 'show', 'link0']))?.[1];
  return {
    under: under(a),
    device: 'link0',
    address: '10.99.0.2',
    hardwareAddress,
    /** Packets that have come out of the link at the other end. */
    received: () => JSON.parse(ip(['-n', b, '-s', '-j', 'link', 'show', 'link0']))[0].stats64.rx.packets,
  };
}

/** A target behind so many routers and one more: the hop numbered `hops`. */
export function makeChain(hops) {
  const names = Array.from({ length: hops + 1 }, (_, i) => `sockctl-bench-${process.pid}-${i}`);
  addNamespaces(names);
  batch(names.slice(1).map((name, i) => `link add in0 netns ${name} type veth peer name out0 netns ${names[i]}`));
  names.forEach((name, i) => {
    const lines = ['link set lo up'];
    if (i < hops) lines.push(`addr add 10.66.${i}.1/24 dev out0`, 'link set out0 up');
    if (i > 0) lines.push(`addr add 10.66.${i - 1}.2/24 dev in0`, 'link set in0 up');
    if (i > 0) lines.push(`route add 10.66.0.0/16 via 10.66.${i - 1}.1`);
    for (let net = i + 1; net < hops; net++) lines.push(`route add 10.66.${net}.0/24 via 10.66.${i}.2`);
    batch(lines, name);
    // Nobody is to wait for a router that may say only so much a second.
    sysctl(name, 'net.ipv4.ip_forward=1', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000');
  });
  names.forEach((name, i) => {
    if (i < hops) awaitUp(name, 'out0');
  });
  return { under: under(names[0]), address: `10.66.${hops - 1}.2`, hops };
}
