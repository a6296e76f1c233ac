/**
 * Renames what protoc-gen-go and protoc-gen-go-grpc wrote.
 *
 * A scaffold has its stubs before any generator ran, and nothing may change once one does. The template therefore holds
 * the generators' own output for a placeholder, and this puts the names in. In most of the file that is replacing
 * text; the raw descriptor though is a protobuf message in a Go string, where each name comes with its length and so
 * does each message around it.
 */

/** The constant that holds the descriptor, as protoc-gen-go 1.36 writes it. */
const DESCRIPTOR = /(const file_\w+_rawDesc = "")((?: \+\n\t"(?:[^"\\\n]|\\.)*")+)/;

/** Fields of descriptor.proto that are messages: message -> field number -> message. Others are names, or data. */
const MESSAGES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  file: { 4: 'message', 6: 'service', 8: 'options' },
  message: { 2: 'field', 3: 'message', 7: 'options' },
  service: { 2: 'method' },
  // Of (primitive.events.v1.event).
  options: { 50826: 'event' },
};

/** The text of a `.pb.go` file with each key of `names` replaced by its value; the lengths in its descriptor follow. */
export function renameStubs(source: string, names: ReadonlyMap<string, string>): string {
  if (names.size === 0) return source;
  const [, , literals] = DESCRIPTOR.exec(source) ?? [];
  const rename = renaming(names);
  const renamed = alignBodies(alignColumns(rename(source)));
  if (literals === undefined) return renamed;
  const descriptor = quote(renameMessage(unquote(literals), 'file', rename));
  return renamed.replace(DESCRIPTOR, (_, head: string) => head + descriptor);
}

/** All at once, so that what was put in is never replaced again. */
function renaming(names: ReadonlyMap<string, string>): (text: string) => string {
  const any = new RegExp([...names.keys()].map((name) => name.replace(/[.]/g, '\\.')).join('|'), 'g');
  return (text) => text.replace(any, (found) => names.get(found) ?? found);
}

/** The two functions on neighbouring lines that gofmt lays out by their lengths, which depend on the names. */
const BODIES = /^(func .* mustEmbedUnimplemented\w+\(\)) \{\}\n(func .* testEmbeddedByValue\(\)) +\{\}$/m;

/** The longest signature that gofmt puts on one line with a body. */
const ONE_LINE = 100;

function alignBodies(text: string): string {
  return text.replace(BODIES, (_, first: string, second: string) =>
    first.length > ONE_LINE
      ? `${first} {\n}\n${second} {}`
      : `${first} {}\n${second.padEnd(first.length)} {}`,
  );
}

/** Lines of columns that gofmt lays out by their lengths: fields of a struct with their tags, and types with comments. */
const COLUMNS = [/^\t(\w+) +([\w.*[\]]+)(?: +(`.*`))?$/, /^\t(\(\*[\w.]+\)\(nil\),) +(\/\/ .*)$/];

function alignColumns(text: string): string {
  const lines = text.split('\n');
  for (const pattern of COLUMNS) {
    for (let start = 0; start < lines.length; start += 1) {
      const rows: string[][] = [];
      for (let row = cells(lines[start], pattern); row; row = cells(lines[start + rows.length], pattern))
        rows.push(row);
      lines.splice(start, rows.length, ...aligned(rows));
      start += rows.length;
    }
  }
  return lines.join('\n');
}

function cells(line: string | undefined, pattern: RegExp): string[] | undefined {
  return line === undefined ? undefined : pattern.exec(line)?.slice(1).filter(Boolean);
}

/** As text/tabwriter has it, the last cell of a row does not count for the width of its column. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const width = (column: number) =>
    Math.max(...rows.map((row) => (column < row.length - 1 ? (row[column] ?? '').length : 0)));
  return rows.map(
    (row) => `\t${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(width(i)) : cell)).join(' ')}`,
  );
}

/** Decodes a message, renames in its fields, encodes it again. Text is one character per byte here. */
function renameMessage(bytes: string, message: string, rename: (text: string) => string): string {
  let out = '';
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    const value = varint(bytes, tag.end);
    const wireType = tag.value & 7;
    if (wireType === 0) {
      out += bytes.slice(at, value.end);
      at = value.end;
      continue;
    }
    if (wireType !== 2) throw new TypeError(`a descriptor has no fields of wire type ${wireType}`);
    const end = value.end + value.value;
    const content = bytes.slice(value.end, end);
    const inner = MESSAGES[message]?.[tag.value >>> 3];
    const renamed = inner === undefined ? rename(content) : renameMessage(content, inner, rename);
    out += bytes.slice(at, tag.end) + encode(renamed.length) + renamed;
    at = end;
  }
  return out;
}

function varint(bytes: string, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes.charCodeAt(at);
    value += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) return { value, end: at + 1 };
  }
}

function encode(value: number): string {
  let out = '';
  let rest = value;
  while (rest > 0x7f) {
    out += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return out + String.fromCharCode(rest);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The bytes of Go's string literals. */
function unquote(literals: string): string {
  return literals
    .replace(/ \+\n\t/g, '')
    .replace(/"((?:[^"\\]|\\[\s\S]?)*)"?/g, '$1')
    .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, char: string) =>
      hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** Go's `strconv.Quote` for bytes, one literal per line feed, as protoc-gen-go breaks them. */
function quote(bytes: string): string {
  return bytes
    .split(/(?<=\n)/)
    .map((line) => ` +\n\t"${[...line].map(quoted).join('')}"`)
    .join('');
}

function quoted(char: string): string {
  if (char === '"' || char === '\\') return `\\${char}`;
  if (char >= ' ' && char <= '~') return char;
  const known = Object.entries(ESCAPES).find(([, meant]) => meant === char);
  return known === undefined ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${known[0]}`;
}
