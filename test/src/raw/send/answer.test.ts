import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerKind, answerKeys, expectedKeys } from '../../../../src/raw/send/answer.js';
import { AnswerTable } from '../../../../src/raw/send/answer-table.js';
import { packetOf } from './packets.js';

const ECHO = 'ip(src=192.0.2.1,dst=192.0.2.9)/icmp(type=echo,id=7,seq=1)';
const SYN = 'ip(src=192.0.2.1,dst=192.0.2.9)/tcp(sport=1024,dport=80,seq=100,flags=SYN)';
const BACK = 'ip(src=192.0.2.9,dst=192.0.2.1)';
const BACK6 = 'ip6(src=2001:db8::9,dst=2001:db8::1)';
const UDP = 'ip(src=192.0.2.1,dst=192.0.2.9)/udp(sport=1024,dport=33434)/"x"';
const QUERY = 'ip(src=192.0.2.1,dst=192.0.2.9)/udp(sport=1024,dport=53)/dns(id=77,questions=A(example.com))';
const ARP = 'eth(src=02:00:00:00:00:01)/arp(op=request,spa=192.0.2.1,tpa=192.0.2.9,sha=02:00:00:00:00:01)';
const SOLICITATION = 'ip6(src=2001:db8::1,dst=ff02::1:ff00:9)/icmp6(type=neighbor-solicitation,target=2001:db8::9)';

/** How `received` answers `sent`, as a table of packets would tell. */
function how(sent: string, received: string, toMany = false): AnswerKind | undefined {
  const expected = new Set(expectedKeys(packetOf(sent).layers, toMany));
  return answerKeys(packetOf(received).layers).find(({ key }) => expected.has(key))?.how;
}

describe('a packet that answers another one', () => {
  const unreachable = (quoted: string) => `ip(src=198.51.100.1,dst=192.0.2.1)/icmp(type=unreachable,code=3)/${quoted}`;
  it.each([
    [ECHO, `${BACK}/icmp(type=echo-reply,id=7,seq=1)/"whatever"`, 'reply'],
    [`${BACK}/icmp(type=timestamp,id=9)`, 'ip(src=192.0.2.1,dst=192.0.2.9)/icmp(type=timestamp-reply,id=9)', 'reply'],
    ['ip6(src=2001:db8::1,dst=2001:db8::9)/icmp6(type=echo,id=7)', `${BACK6}/icmp6(type=echo-reply,id=7)`, 'reply'],
    [SOLICITATION, `${BACK6}/icmp6(type=neighbor-advertisement,target=2001:db8::9)`, 'reply'],
    [SYN, `${BACK}/tcp(sport=80,dport=1024,seq=5,ack=101,flags=SYN|ACK)`, 'reply'],
    [SYN, `${BACK}/tcp(sport=80,dport=1024,seq=0,ack=101,flags=RST|ACK)`, 'reply'],
    [`${SYN}/"abc"`, `${BACK}/tcp(sport=80,dport=1024,ack=104,flags=ACK)`, 'reply'],
    [
      'ip(src=192.0.2.1,dst=192.0.2.9)/tcp(sport=1024,dport=80,ack=55,flags=ACK)',
      `${BACK}/tcp(sport=80,dport=1024,seq=55,flags=RST)`,
      'reply',
    ],
    [
      'ip(src=192.0.2.1,dst=192.0.2.9)/tcp(sport=1024,dport=80,seq=0xffffffff,flags=FIN)',
      `${BACK}/tcp(sport=80,dport=1024,ack=0,flags=ACK|RST)`,
      'reply',
    ],
    [UDP, `${BACK}/udp(sport=33434,dport=1024)/"y"`, 'reply'],
    [QUERY, `${BACK}/udp(sport=53,dport=1024)/dns(id=77,response=true,questions=A(example.com))`, 'reply'],
    [ARP, 'eth(src=02:00:00:00:00:09,dst=02:00:00:00:00:01)/arp(op=reply,spa=192.0.2.9,tpa=192.0.2.1)', 'reply'],
    [UDP, unreachable(UDP), 'error'],
    [SYN, unreachable(SYN), 'error'],
    [ECHO, `ip(src=198.51.100.1,dst=192.0.2.1)/icmp(type=time-exceeded)/${ECHO}`, 'error'],
    [
      'ip(src=192.0.2.1,dst=192.0.2.9,protocol=253)/"x"',
      unreachable('ip(src=192.0.2.1,dst=192.0.2.9,protocol=253)/"x"'),
      'error',
    ],
    [
      'ip6(src=2001:db8::1,dst=2001:db8::9)/udp(sport=5,dport=6)',
      'ip6(src=2001:db8::5,dst=2001:db8::1)/icmp6(type=packet-too-big)/ip6(src=2001:db8::1,dst=2001:db8::9)/udp(sport=5,dport=6)',
      'error',
    ],
  ])('%s is answered by %s: %s', (sent, received, kind) => {
    expect(how(sent, received)).toBe(kind);
  });

  it.each([
    ['another sequence', ECHO, `${BACK}/icmp(type=echo-reply,id=7,seq=2)`],
    ['another identifier', ECHO, `${BACK}/icmp(type=echo-reply,id=8,seq=1)`],
    ['another host', ECHO, 'ip(src=192.0.2.8,dst=192.0.2.1)/icmp(type=echo-reply,id=7,seq=1)'],
    ['itself, seen on the loopback', ECHO, ECHO],
    ['an acknowledgement of something else', SYN, `${BACK}/tcp(sport=80,dport=1024,ack=100,flags=ACK)`],
    ['another port', UDP, `${BACK}/udp(sport=33435,dport=1024)`],
    ['another query', QUERY, `${BACK}/udp(sport=53,dport=1024)/dns(id=78,response=true,questions=A(example.com))`],
    ['a query the other way', QUERY, `${BACK}/udp(sport=53,dport=1024)/dns(id=77,questions=A(example.com))`],
    [
      'ARP about another address',
      ARP,
      'eth()/arp(op=reply,spa=192.0.2.8,tpa=192.0.2.1)'.replace(
        'eth()',
        'eth(src=02:00:00:00:00:09,dst=02:00:00:00:00:01)',
      ),
    ],
    ['an error about another packet', UDP, `${BACK}/icmp(type=unreachable)/${SYN}`],
  ])('%s is no answer', (_, sent, received) => {
    expect(how(sent, received)).toBeUndefined();
  });

  it('from anyone answers what was sent to many', () => {
    const sent = 'ip(src=192.0.2.1,dst=224.0.0.1)/icmp(type=echo,id=7,seq=1)';
    const received = `${BACK}/icmp(type=echo-reply,id=7,seq=1)`;
    expect(how(sent, received, true)).toBe('reply');
    expect(how(sent, received, false)).toBeUndefined();
  });

  it('is told from what is no packet at all without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const text = `ip(src=192.0.2.1,dst=192.0.2.9,protocol=1)/hex(${Buffer.from(bytes).toString('hex')})`;
        if (bytes.length === 0) return;
        answerKeys(packetOf(text).layers);
        expectedKeys(packetOf(text).layers, false);
      }),
    );
  });
});

describe('packets that wait', () => {
  const time = { seconds: 0, nanoseconds: 0 };
  const wait = (sequence: number, sent: string, deadline: number, identification = 7) => ({
    sequence,
    sentAt: time,
    keys: expectedKeys(packetOf(sent, identification).layers, false),
    toMany: false,
    framed: false,
    deadline,
  });
  const now = { time, framed: false };

  it('that look the same are answered in their order, unless the error says which one', () => {
    const table = new AnswerTable();
    for (const sequence of [1, 2, 3]) table.add(wait(sequence, UDP, 10, 100 + sequence));
    const error = (identification: number) =>
      answerKeys(
        packetOf(`${BACK}/icmp(type=time-exceeded)/${UDP.replace('src=', `id=${identification},src=`)}`).layers,
      );
    expect(table.match(error(103), now)).toMatchObject({ packet: { sequence: 3 }, how: 'error', number: 1 });
    // A router that has changed the identification.
    expect(table.match(error(9), now)?.packet.sequence).toBe(1);
    const reply = answerKeys(packetOf(`${BACK}/udp(sport=33434,dport=1024)`).layers);
    expect(table.match(reply, now)?.packet.sequence).toBe(2);
    expect(table.open).toBe(0);
    expect(table.match(reply, now)).toMatchObject({ packet: { sequence: 3 }, number: 2 });
  });

  it('are not answered by what came before they left, nor by what belongs to another link', () => {
    const table = new AnswerTable();
    const reply = answerKeys(packetOf(`${BACK}/udp(sport=33434,dport=1024)`).layers);
    const at = (nanoseconds: number, framed = false) => ({ time: { seconds: 5, nanoseconds }, framed });
    for (const sequence of [1, 2, 3]) table.add({ ...wait(sequence, UDP, 10), sentAt: at(sequence * 100).time });
    expect(table.match(reply, at(99))).toBeUndefined();
    expect(table.match(reply, at(400, true))).toBeUndefined();
    expect(table.match(reply, at(100))).toMatchObject({ packet: { sequence: 1 }, number: 1 });
    expect(table.match(reply, at(150))).toMatchObject({ packet: { sequence: 1 }, number: 2 });
    expect(table.match(reply, at(350))).toMatchObject({ packet: { sequence: 2 }, number: 1 });
    expect(table.match(reply, at(350))).toMatchObject({ packet: { sequence: 3 }, number: 1 });
  });

  it('are not answered by what is late for another one', () => {
    const table = new AnswerTable();
    const error = (identification: number) =>
      answerKeys(
        packetOf(`${BACK}/icmp(type=time-exceeded)/${UDP.replace('src=', `id=${identification},src=`)}`).layers,
      );
    table.add(wait(1, UDP, 10, 101));
    expect(table.expire(10)).toHaveLength(1);
    table.add(wait(2, UDP, 20, 102));
    expect(table.match(error(101), now)).toBeUndefined();
    // The flow is that of a packet that is waited for again.
    expect(table.match(answerKeys(packetOf(`${BACK}/udp(sport=33434,dport=1024)`).layers), now)).toMatchObject({
      packet: { sequence: 2 },
    });
    expect(table.match(error(102), now)).toMatchObject({ packet: { sequence: 2 }, how: 'error' });
  });

  it('are given up after their time, each once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gap: fc.nat(5), answered: fc.boolean() }), { maxLength: 60 }),
        fc.nat(80),
        (packets, until) => {
          const table = new AnswerTable();
          let at = 0;
          const added = packets.map(({ gap, answered }, i) => {
            at += gap;
            const sent = ECHO.replace('seq=1', `seq=${i}`);
            table.add(wait(i, sent, at));
            const reply = `${BACK}/icmp(type=echo-reply,id=7,seq=${i})`;
            if (answered) expect(table.match(answerKeys(packetOf(reply).layers), now)?.packet.sequence).toBe(i);
            return { sequence: i, deadline: at, answered };
          });
          const over = added.filter(({ deadline }) => deadline <= until);
          const silent = over.filter(({ answered }) => !answered).map(({ sequence }) => sequence);
          expect(table.expire(until).map(({ sequence }) => sequence)).toEqual(silent);
          expect(table.expire(until)).toEqual([]);
          expect(table.size).toBe(added.length - over.length);
          expect(table.open).toBe(table.silent);
          for (const { sequence } of over) {
            const reply = `${BACK}/icmp(type=echo-reply,id=7,seq=${sequence})`;
            expect(table.match(answerKeys(packetOf(reply).layers), now)).toBeUndefined();
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('can be withdrawn', () => {
    const table = new AnswerTable();
    table.add(wait(1, ECHO, 5));
    table.add(wait(2, ECHO, 6));
    table.withdraw();
    expect([table.size, table.open, table.nextDeadline]).toEqual([1, 1, 5]);
    expect(
      table.match(answerKeys(packetOf(`${BACK}/icmp(type=echo-reply,id=7,seq=1)`).layers), now)?.packet.sequence,
    ).toBe(1);
  });
});
