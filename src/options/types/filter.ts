/**
 * Classic BPF programs (bpf(2), socket(7)): `COUNT,CODE JT JF K,…` as `tcpdump -ddd` prints them, with commas for line
 * ends.
 */
import { LITTLE, type OptionType, viewOf } from './type.js';

/** struct sock_filter: code:2 jt:1 jf:1 k:4. */
export const SOCK_FILTER_SIZE = 8;
/** BPF_MAXINSNS. */
const INSTRUCTIONS_MAX = 4096;

/** The instructions as struct sock_filter, one after the other; who sets it adds the struct sock_fprog in front. */
export const filter: OptionType = {
  kind: 'filter',
  describe: "a BPF program such as '4,40 0 0 12,21 0 1 2048,6 0 0 65535,6 0 0 0' (tcpdump -ddd, commas for line ends)",
  parse: (text) => {
    const [count = '', ...lines] = text.trim().split(/\s*[,\n]\s*/);
    const instructions = lines.map((line) =>
      line.split(/\s+/).map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN)),
    );
    if (!/^\d+$/.test(count) || Number(count) !== lines.length || lines.length === 0 || lines.length > INSTRUCTIONS_MAX)
      return undefined;
    const fits = instructions.every(
      ([code, jt, jf, k, more]) =>
        more === undefined &&
        code !== undefined &&
        jt !== undefined &&
        jf !== undefined &&
        k !== undefined &&
        code <= 0xffff &&
        jt <= 0xff &&
        jf <= 0xff &&
        k <= 0xffffffff,
    );
    return fits ? [lines.length, ...instructions.map((numbers) => numbers.join(' '))].join(',') : undefined;
  },
  encode: (value) => {
    const lines = String(value).split(',').slice(1);
    const bytes = new Uint8Array(lines.length * SOCK_FILTER_SIZE);
    const view = viewOf(bytes);
    lines.forEach((line, i) => {
      const [code = 0, jt = 0, jf = 0, k = 0] = line.split(' ').map(Number);
      const at = i * SOCK_FILTER_SIZE;
      view.setUint16(at, code, LITTLE);
      view.setUint8(at + 2, jt);
      view.setUint8(at + 3, jf);
      view.setUint32(at + 4, k, LITTLE);
    });
    return bytes;
  },
  decode: (bytes) => {
    const view = viewOf(bytes);
    const count = Math.floor(bytes.length / SOCK_FILTER_SIZE);
    if (count === 0) return undefined;
    const lines = Array.from({ length: count }, (_, i) => {
      const at = i * SOCK_FILTER_SIZE;
      return [
        view.getUint16(at, LITTLE),
        view.getUint8(at + 2),
        view.getUint8(at + 3),
        view.getUint32(at + 4, LITTLE),
      ].join(' ');
    });
    return [count, ...lines].join(',');
  },
  format: String,
};
