/** Escapes of printable ASCII in strings of most languages: `\x67`, `\u0067`, `\u{67}`. */
const ESCAPE = /\\(?:x([2-7][0-9a-f])|u00([2-7][0-9a-f])|u\{0{0,4}([2-7][0-9a-f])\})/gi;

/** A text with its escapes resolved. */
interface Resolved {
  readonly text: string;
  /** Where a character stands in the text as it is written. */
  readonly indexOf: (index: number) => number;
  /** Whether one of some characters is written as an escape. */
  readonly hasEscape: (index: number, length: number) => boolean;
}

/** Resolves escapes that only hide what stands there; undefined without any. */
export function resolveEscapes(written: string): Resolved | undefined {
  /** Places of escapes in the resolved text, and characters that were left out up to and with each. */
  const places: number[] = [];
  const left: number[] = [];
  let less = 0;
  const text = written.replace(ESCAPE, (whole: string, hex, short, long, index: number) => {
    places.push(index - less);
    less += whole.length - 1;
    left.push(less);
    return String.fromCharCode(Number.parseInt(hex ?? short ?? long, 16));
  });
  if (places.length === 0) return undefined;
  /** How many escapes stand before a place. */
  const before = (index: number) => {
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle] ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    text,
    indexOf: (index) => index + (left[before(index) - 1] ?? 0),
    hasEscape: (index, length) => before(index + length) > before(index),
  };
}
