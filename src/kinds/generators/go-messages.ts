import type { MessageField } from './connect/messages.ts';

/** A type of Go, and how a value that is not there is known. */
export interface GoType {
  readonly type: string;
  /** Added to the JSON tag. */
  readonly tag?: ',string';
  /** An expression that holds for a missing value; undefined if none can be told from it. */
  readonly isMissing?: (value: string) => string;
}

const equals =
  (zero: string) =>
  (value: string): string =>
    `${value} == ${zero}`;
const isEmpty = (value: string) => `len(${value}) == 0`;

const TEXT: GoType = { type: 'string', isMissing: equals('""') };
const NUMBER = (type: string): GoType => ({ type, isMissing: equals('0') });
const LONG = (type: string): GoType => ({ type, tag: ',string', isMissing: equals('0') });
const RAW: GoType = { type: 'json.RawMessage', isMissing: isEmpty };
const POINTER = (type: string): GoType => ({ type: `*${type}`, isMissing: equals('nil') });

/** https://protobuf.dev/programming-guides/json/ */
const SCALARS: ReadonlyMap<string, GoType> = new Map([
  ['string', TEXT],
  ['bytes', { type: '[]byte', isMissing: isEmpty }],
  ['bool', { type: 'bool' }],
  ...['int32', 'sint32', 'sfixed32'].map((name) => [name, NUMBER('int32')] as const),
  ...['uint32', 'fixed32'].map((name) => [name, NUMBER('uint32')] as const),
  ...['int64', 'sint64', 'sfixed64'].map((name) => [name, LONG('int64')] as const),
  ...['uint64', 'fixed64'].map((name) => [name, LONG('uint64')] as const),
  ['float', NUMBER('float32')],
  ['double', NUMBER('float64')],
]);

const WELL_KNOWN: ReadonlyMap<string, GoType> = new Map([
  ['Timestamp', { type: 'time.Time', isMissing: (value: string) => `${value}.IsZero()` }],
  ['Duration', TEXT],
  ['FieldMask', TEXT],
  ['StringValue', POINTER('string')],
  ['BoolValue', POINTER('bool')],
  ['Int32Value', POINTER('int32')],
  ['UInt32Value', POINTER('uint32')],
  ['FloatValue', POINTER('float32')],
  ['DoubleValue', POINTER('float64')],
  ['Int64Value', { ...POINTER('int64'), tag: ',string' as const }],
  ['UInt64Value', { ...POINTER('uint64'), tag: ',string' as const }],
]);

/** `create_time` -> `CreateTime`, `id` -> `ID`. */
export function goPascal(snake: string): string {
  return snake
    .split('_')
    .filter(Boolean)
    .map((word) => (word === 'id' ? 'ID' : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}

/** The type of a field; `nameOf` is what a message is called. */
export function goFieldType(field: MessageField, nameOf: (message: string) => string): GoType {
  const one = goValueType(field, nameOf);
  if (field.label === 'one') {
    if (field.message !== undefined) return POINTER(one.type);
    return field.isOptional && SCALARS.has(field.type) && field.type !== 'bytes'
      ? { ...one, ...POINTER(one.type) }
      : one;
  }
  // A tag is for one value; a number in quotes is one, too.
  const element = one.tag === undefined ? one.type : 'json.Number';
  return { type: `${field.label === 'many' ? '[]' : 'map[string]'}${element}`, isMissing: isEmpty };
}

export function goValueType(
  { type, message, isEnum }: Pick<MessageField, 'type' | 'message' | 'isEnum'>,
  nameOf: (message: string) => string,
): GoType {
  if (message !== undefined) return { type: nameOf(message) };
  if (isEnum) return TEXT;
  const short = /^\.?google\.protobuf\.(\w+)$/.exec(type)?.[1] ?? '';
  return SCALARS.get(type) ?? WELL_KNOWN.get(short) ?? RAW;
}

/** Names of the fields in Go: those that would be the same get an underscore. */
export function goFieldNames(fields: readonly MessageField[]): readonly string[] {
  const taken = new Set<string>(['missing']);
  return fields.map(({ declared }) => {
    let name = goPascal(declared) || '_';
    if (!/^[A-Z]/.test(name)) name = `X${name}`;
    while (taken.has(name)) name += '_';
    taken.add(name);
    return name;
  });
}

/** The message as a struct; `option` is added to the JSON tags. */
export function goStruct(
  { type, message }: { readonly type: string; readonly message: string },
  fields: readonly MessageField[],
  nameOf: (message: string) => string,
  option: '' | ',omitzero' = '',
): string {
  const names = goFieldNames(fields);
  const rows = fields.map((field, i) => {
    const { type: of, tag = '' } = goFieldType(field, nameOf);
    return [names[i] ?? '', of, `\`json:"${field.name}${tag}${option}"\``];
  });
  const body = rows.length === 0 ? '{' : ` {\n${goColumns(rows)}`;
  return `// ${type} is the message ${message}.\ntype ${type} struct${body}}\n`;
}

/** Lines in columns, as gofmt has them. */
export function goColumns(rows: readonly (readonly string[])[]): string {
  const width = (column: number) =>
    Math.max(...rows.map((row) => (column < row.length - 1 ? (row[column] ?? '').length : 0)));
  return rows
    .map(
      (row) => `\t${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(width(i)) : cell)).join(' ')}\n`,
    )
    .join('');
}
