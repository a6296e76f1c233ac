/** Data of a text in the plain part of YAML. */
export type PlainYaml = string | number | boolean | readonly PlainYaml[] | PlainMapping;

export type PlainMapping = { readonly [key: string]: PlainYaml };

/** YAML 1.2, section 7.4.2: a key of one line has at most 1024 characters. */
const MAX_LINE = 1000;
/** `KEY:` or `KEY: WORD`. */
const COMMON = /^( *)(\.?[A-Za-z$][\w./@+-]*):(?: ([A-Za-z][\w./@+-]*(?::[\w./@+-]+)*))?$/;
const NO_LINE = /^ *(?:#[\x20-\x7e]*)?$/;
const END_OF_LINE = /(?: +#[\x20-\x7e]*)?$/y;
const INDENT = / */y;
const ITEM = /- /y;
const SPACES = / */y;
const KEY = /(\.?[A-Za-z$][\w./@+-]*):(?= |$)/y;
/** Nothing of it could be anything but the text that it is: no anchors, and a number only as the start of a path. */
const WORDS =
  /(?:\.?[A-Za-z$/]|-[A-Za-z]|\d[\w.-]*(?::[\w.-]+)*\/)[\w./@+*=-]*(?::[\w./@+*=-]+)*(?: [\w./@+*=-]+(?::[\w./@+*=-]+)*)*/y;
const NUMBER = /(?:0|[1-9]\d{0,14})(?![\w.:+*=@/-])/y;
const VERSION = /\d+(?:\.\d+){2,}(?![\w.:+*=@/-])/y;
/** Without a quote or an escape inside. */
const QUOTED = /"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|'([\x20-\x26\x28-\x7e]*)'/y;
/** YAML 1.2, section 10.3.2. */
const RESERVED = /^(?:null|true|false|\.inf|\.nan)$/i;

/**
 * Reads the part of YAML that people and scaffold write in our files, at least ten times as fast as a whole parser and
 * without loading one: mappings and lists in blocks or on one line; plain words, whole numbers, `true`, `false` and
 * quoted texts without escapes; comments; all in ASCII. Undefined for a text with anything else in it, or that is no
 * mapping: that is the whole parser's to judge.
 */
export function readPlainYaml(text: string): PlainMapping | undefined {
  try {
    return new Blocks(linesOf(text)).whole();
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}

/** Words that YAML 1.1 took for something else, as readers of old still do. */
const QUOTED_FOR_OTHERS = /^(?:yes|no|on|off|y|n)$/i;

/** A text as YAML: plain where it cannot be taken for anything else, otherwise in quotes, as JSON has it. */
export function writeText(text: string): string {
  WORDS.lastIndex = 0;
  const plain = WORDS.exec(text)?.[0] === text && !RESERVED.test(text) && !QUOTED_FOR_OTHERS.test(text);
  return plain ? text : JSON.stringify(text);
}

/** Texts, whole numbers and mappings of them by name. */
type Writable = string | number | { readonly [key: string]: Writable };

/** A mapping as a block, one line for each of its entries; `indent` goes before each of them. */
export function writeMapping(mapping: { readonly [key: string]: Writable }, indent = ''): string {
  const lines = Object.entries(mapping).map(([key, value]) => {
    const start = `${indent}${writeText(key)}:`;
    if (typeof value !== 'object')
      return `${start} ${typeof value === 'number' ? value : writeText(value)}\n`;
    const inner = writeMapping(value, `${indent}  `);
    return inner === '' ? `${start} {}\n` : `${start}\n${inner}`;
  });
  return lines.join('');
}

/** What a line says, or each half of `- key: value`. */
interface Entry {
  /** Column of its first character. */
  readonly indent: number;
  /** Undefined for an item of a list. */
  readonly key: string | undefined;
  /** Undefined where it stands in the lines below. */
  readonly value: PlainYaml | undefined;
}

function linesOf(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const common = commonEntry(line);
    if (common !== undefined) entries.push(common);
    else if (!NO_LINE.test(line)) entries.push(...new Line(line).entries());
  }
  return entries;
}

/** What most lines say, hundreds of them in every `primitive.yaml`: by one expression, which is quicker. */
function commonEntry(line: string): Entry | undefined {
  const match = line.length > MAX_LINE ? null : COMMON.exec(line);
  if (match === null) return undefined;
  const [, spaces = '', key = '', word] = match;
  if (RESERVED.test(key) || (word !== undefined && RESERVED.test(word))) return undefined;
  return { indent: spaces.length, key, value: word };
}

/** One line, read from left to right; everything that is not as expected throws {@link NotPlain}. */
class Line {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    if (line.length > MAX_LINE) throw new NotPlain();
    this.#line = line;
  }

  entries(): readonly Entry[] {
    this.#take(INDENT);
    const indent = this.#at;
    if (!this.#take(ITEM)) return [this.#keyed()];
    this.#take(SPACES);
    const key = this.#peek(KEY);
    const item = { indent, key: undefined, value: key ? undefined : this.#last() };
    return key ? [item, this.#keyed()] : [item];
  }

  #keyed(): Entry {
    const indent = this.#at;
    const key = this.#key();
    return { indent, key, value: this.#take(END_OF_LINE) ? undefined : this.#last() };
  }

  #last(): PlainYaml {
    this.#take(SPACES);
    const value = this.#value();
    if (!this.#take(END_OF_LINE)) throw new NotPlain();
    return value;
  }

  #key(): string {
    const key = this.#take(KEY)?.[1];
    if (key === undefined || RESERVED.test(key)) throw new NotPlain();
    return key;
  }

  #value(): PlainYaml {
    const quoted = this.#take(QUOTED);
    if (quoted) return quoted[1] ?? quoted[2] ?? '';
    if (this.#skip('{')) return this.#flowMapping();
    if (this.#skip('[')) return this.#flowList();
    const version = this.#take(VERSION);
    if (version) return version[0];
    const number = this.#take(NUMBER);
    if (number) return Number(number[0]);
    const words = this.#take(WORDS)?.[0];
    if (words === 'true' || words === 'false') return words === 'true';
    if (words === undefined || RESERVED.test(words)) throw new NotPlain();
    return words;
  }

  #flowMapping(): PlainMapping {
    const mapping: Record<string, PlainYaml> = {};
    this.#flow('}', () => {
      const key = this.#key();
      if (Object.hasOwn(mapping, key)) throw new NotPlain();
      this.#take(SPACES);
      mapping[key] = this.#value();
    });
    return mapping;
  }

  #flowList(): readonly PlainYaml[] {
    const list: PlainYaml[] = [];
    this.#flow(']', () => list.push(this.#value()));
    return list;
  }

  #flow(close: string, readEntry: () => void): void {
    this.#take(SPACES);
    if (this.#skip(close)) return;
    do {
      this.#take(SPACES);
      readEntry();
      this.#take(SPACES);
    } while (this.#skip(','));
    if (!this.#skip(close)) throw new NotPlain();
  }

  #skip(character: string): boolean {
    const found = this.#line[this.#at] === character;
    if (found) this.#at += 1;
    return found;
  }

  #peek(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#line);
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    const match = this.#peek(pattern);
    if (match) this.#at = pattern.lastIndex;
    return match;
  }
}

/** Lines put together by their indentation. */
class Blocks {
  readonly #entries: readonly Entry[];
  #at = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  whole(): PlainMapping {
    const mapping = this.#mapping(0);
    if (this.#at === 0 || this.#at < this.#entries.length) throw new NotPlain();
    return mapping;
  }

  #mapping(indent: number): PlainMapping {
    const mapping: Record<string, PlainYaml> = {};
    for (;;) {
      const { key, value } = this.#next(indent) ?? {};
      if (key === undefined) return mapping;
      if (Object.hasOwn(mapping, key)) throw new NotPlain();
      this.#at += 1;
      mapping[key] = value ?? this.#below(indent, indent);
    }
  }

  #list(indent: number): readonly PlainYaml[] {
    const list: PlainYaml[] = [];
    for (;;) {
      const entry = this.#next(indent);
      if (entry === undefined || entry.key !== undefined) return list;
      this.#at += 1;
      list.push(entry.value ?? this.#below(indent, indent + 1));
    }
  }

  /** What stands deeper than `indent`; a list may begin at `list`, which below a key is where the key does. */
  #below(indent: number, list: number): PlainYaml {
    const first = this.#entries[this.#at];
    if (first !== undefined && first.key === undefined && first.indent >= list)
      return this.#list(first.indent);
    if (first !== undefined && first.key !== undefined && first.indent > indent)
      return this.#mapping(first.indent);
    throw new NotPlain();
  }

  /** Undefined where the block ends; what stands deeper there belongs to nothing, and so is never reached. */
  #next(indent: number): Entry | undefined {
    const entry = this.#entries[this.#at];
    return entry?.indent === indent ? entry : undefined;
  }
}
