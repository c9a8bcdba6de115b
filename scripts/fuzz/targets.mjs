/** What is fuzzed: each target loads the modules, runs an input through all that reads it, and throws when it is wrong. */

const LINK_TYPES = [0, 1, 9, 12, 50, 51, 101, 108, 113, 228, 229, 248, 276, 40_000];
const LINE = /^[\x20-\x7e…]*$/;

/** Text that is printed for a packet may be so many times as long as the packet, and this much longer. */
const EXPANSION = 1200;
const SPARE = 4096;

function bounded(what, text, bytes) {
  if (text.length > EXPANSION * bytes.length + SPARE) throw new Error(`${what}: ${text.length} for ${bytes.length}`);
}

async function packets(load) {
  const { dissect } = await load('src/wire/dissect.js');
  const { encodePacket } = await load('src/wire/encode.js');
  const { dissectExactly } = await load('src/wire/exact.js');
  const { summarize } = await load('src/wire/summary.js');
  const { detailLines } = await load('src/wire/detail.js');
  const { jsonValue } = await load('capture/record.js');
  const { PacketLines } = await load('capture/sinks/json-line.js');
  const { createRenderer } = await load('capture/sinks/render.js');
  const lines = new PacketLines();
  const text = createRenderer({ kind: 'text', options: { time: 'none' } });

  return {
    run({ bytes, linkType, originalLength }) {
      const dissection = dissect(bytes, linkType, { originalLength });
      for (const options of [{}, { link: true, verbose: true }]) {
        const line = summarize(dissection, originalLength, options);
        if (!LINE.test(line.replaceAll('\n', ''))) throw new Error(`a line that is none: ${JSON.stringify(line)}`);
        bounded('line', line, bytes);
      }
      const again = encodePacket(dissectExactly(bytes, linkType, { originalLength }));
      if (Buffer.compare(again, bytes) !== 0) throw new Error('written, it is another packet');
      const detail = detailLines(dissection);
      for (const line of detail) if (!LINE.test(line)) throw new Error(`not printable: ${JSON.stringify(line)}`);
      const packet = {
        number: 1,
        timestamp: null,
        interface: { id: 0, name: null, linkType, snapshotLength: 0 },
        bytes,
        originalLength,
      };
      lines.begin(1000);
      lines.add(packet);
      const json = Buffer.from(lines.take()).toString();
      bounded('json', json, bytes);
      const parsed = JSON.parse(json);
      const layers = JSON.stringify(dissection.layers.map((layer) => jsonValue(layer)));
      if (JSON.stringify(parsed.layers) !== layers) throw new Error(`two readings: ${json} and ${layers}`);
      text.packets([packet]);
      for (const layer of dissection.layers) {
        if (Object.values(layer).some(Number.isNaN)) throw new Error('a number that is none');
      }
    },
    cut: ({ bytes, linkType, originalLength }, length) => ({
      bytes: bytes.slice(0, length),
      linkType,
      // As much is missing as was.
      originalLength: originalLength - bytes.length + length,
    }),
    vary({ linkType, originalLength, bytes: before }, bytes, { below, of }) {
      const cut = originalLength - before.length;
      return {
        bytes,
        linkType: below(20) === 0 ? of(LINK_TYPES) : linkType,
        originalLength: bytes.length + (below(6) === 0 ? below(80) : cut > 0 && below(2) === 0 ? cut : 0),
      };
    },
  };
}

async function files(load) {
  const { openReader, openWriter } = await load('capture/format/open.js');
  const { ByteWriter } = await load('capture/format/bytes.js');
  const { CaptureInfoCollector } = await load('capture/analysis/info.js');
  const { CaptureStatisticsCollector } = await load('capture/analysis/statistics.js');
  const { StreamFollower } = await load('capture/analysis/follow.js');

  const read = (bytes, step) => {
    const reader = openReader('file', bytes.subarray(0, 16));
    const packets = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const packet of reader.push(bytes.subarray(at, at + step))) {
        packets.push({ ...packet, bytes: Uint8Array.from(packet.bytes) });
      }
    }
    reader.end();
    return { reader, packets };
  };
  const write = (format, reader, packets) => {
    const writer = openWriter(format);
    const out = new ByteWriter();
    writer.open(out, reader.interfaces);
    for (const packet of packets) writer.packet(out, packet);
    writer.close(out, reader.statistics, reader.trailing);
    return out.written().slice();
  };

  return {
    run({ bytes }) {
      let found;
      try {
        found = read(bytes, bytes.length || 1);
      } catch (error) {
        // Another format, or none: an error of the table, with a line.
        if (error.code === 'BAD_CAPTURE' || error.code === 'TRUNCATED_CAPTURE') return;
        throw error;
      }
      const { reader, packets } = found;
      const pieces = read(bytes, 7);
      if (pieces.packets.length !== packets.length) throw new Error('cutting it up gives other packets');
      const info = new CaptureInfoCollector();
      const statistics = new CaptureStatisticsCollector();
      const followers = [new StreamFollower('tcp', 0), new StreamFollower('udp', 0)];
      for (const packet of packets) {
        info.add?.(packet);
        statistics.add(packet);
        for (const follower of followers) follower.add(packet);
      }
      if (reader.fault !== undefined || packets.length === 0) return;
      let again;
      try {
        again = write('pcapng', reader, packets);
      } catch (error) {
        if (typeof error.code === 'string' && error.hint !== undefined) return;
        throw error;
      }
      const second = read(again, again.length);
      if (second.reader.fault !== undefined)
        throw new Error(`what is written can't be read: ${second.reader.fault.reason}`);
      if (second.packets.length !== packets.length) throw new Error('written, there are other packets');
      const third = write('pcapng', second.reader, second.packets);
      if (Buffer.compare(third, again) !== 0) throw new Error('written twice, it is not the same');
    },
    cut: ({ bytes, linkType }, length) => ({ bytes: bytes.slice(0, length), linkType, originalLength: length }),
    vary: (_, bytes) => ({ bytes, linkType: 147, originalLength: bytes.length }),
  };
}

export const targets = { packets, files };
