/** How a person at a terminal differs from a pipe as the source of a stream. */

/**
 * Ends our half when the peer has ended its own and stdin is a terminal: nobody wants to type an end of file to get
 * the prompt back. A pipe or a file goes on until its own end, since the peer may have closed one half only.
 */
export function endTerminal(end: () => void): void {
  if (process.stdin.isTTY === true) end();
}
