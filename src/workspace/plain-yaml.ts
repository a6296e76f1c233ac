/** Data of a text that is nothing but block mappings of plain words and whole numbers. */
export type PlainYaml = { [key: string]: string | number | PlainYaml };

/**
 * `INDENT KEY: VALUE`, or a key alone that a deeper mapping follows. All in ASCII; no word of it could be anything but
 * the text that it is: no quotes, tags, anchors, lists, nulls, booleans or numbers with a point or an exponent.
 */
const LINE =
  /^( *)(\.?[A-Za-z$][\w./@+-]*):(?: (?:([A-Za-z][\w./@+-]*(?::[\w./@+-]+)*)|(0|[1-9]\d{0,14})))?$/;
const NO_LINE = /^ *(?:#[\x20-\x7e]*)?$/;
/** YAML 1.2, section 10.3.2. */
const RESERVED = /^(?:null|true|false|\.inf|\.nan)$/i;
/** YAML 1.2, section 7.4.2: a key of one line has at most 1024 characters. */
const MAX_LINE = 1000;

/**
 * Reads the part of YAML that scaffold writes and most people need for a `primitive.yaml`, some twenty times as fast as
 * a whole parser: undefined for a text with anything else in it, which is that parser's to judge.
 */
export function readPlainYaml(text: string): PlainYaml | undefined {
  const entries = readEntries(text);
  if (entries === undefined || entries.length === 0) return undefined;
  const reader = new MappingReader(entries);
  const mapping = reader.mapping(0);
  return reader.done ? mapping : undefined;
}

interface Entry {
  readonly indent: number;
  readonly key: string;
  /** Undefined where a mapping must follow. */
  readonly value: string | number | undefined;
}

function readEntries(text: string): readonly Entry[] | undefined {
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const match = line.length > MAX_LINE ? null : LINE.exec(line);
    if (match === null) {
      if (NO_LINE.test(line)) continue;
      return undefined;
    }
    const [, spaces = '', key = '', word, number] = match;
    if (RESERVED.test(key) || (word !== undefined && RESERVED.test(word))) return undefined;
    entries.push({ indent: spaces.length, key, value: number === undefined ? word : Number(number) });
  }
  return entries;
}

class MappingReader {
  readonly #entries: readonly Entry[];
  #at = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /** Whether all was understood. */
  get done(): boolean {
    return this.#at === this.#entries.length;
  }

  /** The entries that follow with this indentation; stops before one that makes no sense, so that it is never done. */
  mapping(indent: number): PlainYaml {
    const mapping: PlainYaml = {};
    for (;;) {
      const entry = this.#entries[this.#at];
      if (entry?.indent !== indent || Object.hasOwn(mapping, entry.key)) return mapping;
      const below = this.#entries[this.#at + 1]?.indent ?? 0;
      const deeper = below > indent;
      if (deeper !== (entry.value === undefined)) return mapping;
      this.#at += 1;
      mapping[entry.key] = entry.value ?? this.mapping(below);
    }
  }
}
