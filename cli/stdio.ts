/** stdin and stdout as the two ends of a stream. */
import { SocketError } from '../src/errors.js';
import type { StreamConnection } from '../src/socket/port.js';
import { receiveAll } from '../src/stream/transfer.js';
import type { CommandContext } from './context.js';

const STDOUT = 1;

/** Is shown a chunk; with --json it is the result, and nothing else goes to stdout. */
export type ShowChunk = (chunk: Uint8Array) => void | Promise<void>;

/**
 * Writes what the peer sends to stdout, to the peer's end.
 *
 * @throws SocketError when the connection fails, after what had arrived is written
 */
export async function receiveToStdout(
  connection: StreamConnection,
  { json, output }: CommandContext,
  show: ShowChunk | undefined,
): Promise<void> {
  const pipe = show === undefined && output.kind === 'pipe' ? STDOUT : undefined;
  if (pipe !== undefined) await output.flush();
  const deliver = (chunk: Uint8Array) => {
    const shown = show?.(chunk);
    return json ? shown : output.writeBorrowed(chunk);
  };
  try {
    await receiveAll(connection, deliver, { pump: true, pipe });
  } catch (error) {
    if (pipe === undefined || !(error instanceof SocketError) || error.code !== 'EPIPE') throw error;
    output.refused(error);
  }
}

/**
 * Ends our half when the peer has ended its own and stdin is a terminal: nobody wants to type an end of file to get
 * the prompt back. A pipe or a file goes on until its own end, since the peer may have closed one half only.
 */
export function endTerminal(end: () => void): void {
  if (process.stdin.isTTY === true) end();
}
