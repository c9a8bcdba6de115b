/** The name that was meant. */

/** The names next to `word`, by the letters that have to be changed; none where all are too far. */
export function nearest(word: string, names: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const allowed = wanted.length <= 3 ? 1 : wanted.length <= 6 ? 2 : 3;
  const found: { readonly name: string; readonly away: number }[] = [];
  for (const name of names) {
    const away = distance(wanted, name.toLowerCase(), allowed);
    if (away <= allowed) found.push({ name, away });
  }
  const least = Math.min(...found.map(({ away }) => away));
  return [...new Set(found.filter(({ away }) => away === least).map(({ name }) => name))].slice(0, 3);
}

/** Letters put in, left out, changed, or two of them exchanged; above `limit` only that it is above. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
