/** Names of files with their time in them: the conversions of strftime(3), in local time and the C locale. */
import { UsageError } from '../../../src/errors.js';
import { DAY_MS } from '../../../src/measure/clock.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const two = (value: number, fill = '0'): string => String(value).padStart(2, fill);

/** Days of the year before this one. */
function yearDay(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS);
}

/** Weeks of the year up to this day, the first of which begins with the first day that is a `first` (0 is Sunday). */
function week(date: Date, first: number): number {
  return Math.floor((yearDay(date) + 7 - ((date.getDay() - first + 7) % 7)) / 7);
}

/** The week of ISO 8601, which belongs to the year of its Thursday. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date);
  thursday.setDate(date.getDate() + 3 - ((date.getDay() + 6) % 7));
  return { year: thursday.getFullYear(), week: Math.floor(yearDay(thursday) / 7) + 1 };
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

const twelve = (date: Date): number => date.getHours() % 12 || 12;
const half = (date: Date): string => (date.getHours() < 12 ? 'AM' : 'PM');

/** What stands for other conversions. */
const COMPOUND: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

const SIMPLE: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (DAYS[date.getDay()] as string).slice(0, 3),
  A: (date) => DAYS[date.getDay()] as string,
  b: (date) => (MONTHS[date.getMonth()] as string).slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] as string,
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  e: (date) => two(date.getDate(), ' '),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  H: (date) => two(date.getHours()),
  I: (date) => two(twelve(date)),
  j: (date) => String(yearDay(date) + 1).padStart(3, '0'),
  k: (date) => two(date.getHours(), ' '),
  l: (date) => two(twelve(date), ' '),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  p: half,
  P: (date) => half(date).toLowerCase(),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  u: (date) => String(date.getDay() || 7),
  U: (date) => two(week(date, 0)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => two(week(date, 1)),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zone,
  '%': () => '%',
};

/**
 * `format` with its conversions replaced; all of strftime(3) but `%Z`, the name of the time zone, which JavaScript does
 * not know, and `%+`.
 *
 * @throws UsageError for a conversion that there is none of
 */
export function strftime(format: string, date: Date): string {
  // E and O ask for other forms of a locale: the C locale has none.
  return format.replace(/%([EO]?)(.?)/gs, (all, _, letter: string) => {
    const compound = COMPOUND[letter];
    if (compound !== undefined) return strftime(compound, date);
    const convert = SIMPLE[letter];
    if (convert !== undefined) return convert(date);
    throw new UsageError(`${format}: ${all} is no part of a time`, 'see strftime(3); %% is a percent sign');
  });
}
