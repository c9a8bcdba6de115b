/** The options of the commands that print packets, or write them to files. */
import { type Command, Option } from 'commander';
import { collectTexts, count, fileDuration, fileSize, flushPolicy } from './values.js';

/** How packets are shown, and where they go. */
export function addPacketOptions(command: Command): Command {
  const times = (_: unknown, before: number | undefined) => (before ?? 0) + 1;
  return command
    .option('-w, --write <FILE>', 'write the packets to a file, - for stdout')
    .addOption(
      new Option('--format <FORMAT>', 'of that file (default: pcapng), or of a table (default: csv)').choices([
        'pcapng',
        'pcap',
        'csv',
        'tsv',
      ]),
    )
    .option('--fields <LIST>', 'a table of fields: time,ip.source,tcp.flags')
    .option('-V, --detail', 'print every field of every layer')
    .option('-e, --link-header', 'print the link header')
    .option('-x, --hex', 'print the bytes in hex; twice, with the link header', times)
    .option('-X, --hex-ascii', 'print the bytes in hex and as characters; twice, with the link header', times)
    .option('-A, --ascii', 'print the bytes as text', times)
    .option(
      '-t, --timestamp',
      'no time; -tt since 1970, -ttt since the last packet, -tttt date, -ttttt since the first',
      times,
    )
    .option('--nano', 'nine digits of a second')
    .option('--utc', 'times in UTC')
    .option('-#, --number', 'number the packets')
    .option('-n, --numeric', 'print addresses as numbers, which is what happens anyway');
}

/** What is to be said of the files that packets are written to; `live` for what does not end by itself. */
export function addFileOptions(command: Command, live: boolean): Command {
  command.option(
    '-C, --rotate-size <SIZE>',
    'begin another file when one is larger: in millions of bytes, or with K, M or G; compressed, as on the disk',
    fileSize,
  );
  if (live) {
    command
      .option(
        '-G, --rotate-time <T>',
        'begin another file so often, its name by strftime(3), such as %F_%T.pcapng',
        fileDuration,
      )
      .option('-W, --files <N>', 'with -C: N files, and again from the first; with -G: end after N of them', count)
      .option(
        '--flush <WHEN>',
        'write each packet at once (packet), when 512 KiB are there (block), or after a time (default: 100ms, compressed 1s)',
        flushPolicy,
      )
      .option(
        '--fsync',
        'have it on the disk: with each flush, with a time at most so often, and when a file is complete',
      );
  } else {
    command.option('-W, --files <N>', 'with -C: N files, and again from the first', count);
  }
  return command
    .addOption(
      new Option('--compress <HOW>', 'default: by the name of the file, .gz or .zst').choices(['gzip', 'zstd', 'none']),
    )
    .option('--comment <TEXT>', 'a comment for the file, repeatable', collectTexts);
}
