import { NAME, readService, type Service, TYPE } from '../../proto-service.ts';
import { Tokens } from '../../proto-tokens.ts';

export interface Field {
  /** In JSON. */
  readonly name: string;
  /** As the file has it. */
  readonly declared: string;
  /** As the file has it; of a map, that of its values. */
  readonly type: string;
  readonly label: 'one' | 'many' | 'map';
  /** Whether absence differs from the default: `optional`, or a part of a `oneof`. */
  readonly isOptional: boolean;
  /** By the option `(primitive.events.v1.required)`. */
  readonly isRequired: boolean;
}

/** The option `(primitive.events.v1.event)` of a message. */
export interface EventOption {
  /** Of the CloudEvent, if it is not the full name of the message. */
  readonly type?: string;
  /** Path of the id in the data, such as `order.id`. */
  readonly subject?: string;
}

/** A message or an enum, by its full name without the first dot: `acme.orders.v1.Order.Line`. */
export type Declared =
  | { readonly kind: 'message'; readonly fields: readonly Field[]; readonly event?: EventOption | undefined }
  | { readonly kind: 'enum'; readonly values: readonly string[] };

/** A proto file, as far as a client needs it. */
export interface ProtoFile {
  readonly package: string;
  readonly types: ReadonlyMap<string, Declared>;
  readonly services: readonly Service[];
}

/** Reads a proto file; `shown` is its path in messages. Throws `proto-invalid` (exit 2). */
export function readProtoFile(text: string, shown: string): ProtoFile {
  const tokens = new Tokens(text, shown);
  const types = new Map<string, Declared>();
  const services: Service[] = [];
  let packageName = '';
  for (let word = tokens.next(); word !== undefined; word = tokens.next()) {
    if (word === 'package') {
      packageName = tokens.match(TYPE);
      tokens.match(/^;$/);
    } else if (word === 'message') readMessage(tokens, packageName, types);
    else if (word === 'enum') readEnum(tokens, packageName, types);
    else if (word === 'service') services.push(readService(tokens));
    else tokens.skipStatement(word);
  }
  return { package: packageName, types, services };
}

function readMessage(tokens: Tokens, scope: string, types: Map<string, Declared>): void {
  const name = within(scope, tokens.match(NAME));
  const fields: Field[] = [];
  let event: EventOption | undefined;
  tokens.match(/^\{$/);
  for (let word = tokens.match(/./); word !== '}'; word = tokens.match(/./)) {
    if (word === 'option' && tokens.peek() === '(') event = readEventOption(tokens, event);
    else if (word === 'message' && tokens.peek() !== '=') readMessage(tokens, name, types);
    else if (word === 'enum') readEnum(tokens, name, types);
    else if (word === 'oneof') readOneof(tokens, fields);
    else if (STATEMENTS.includes(word)) tokens.skipStatement(word);
    else fields.push(readField(tokens, word, false));
  }
  types.set(name, { kind: 'message', fields, event });
}

/** An option of the message whose name is in brackets; other than ours, it is passed over. */
function readEventOption(tokens: Tokens, before: EventOption | undefined): EventOption | undefined {
  tokens.match(/^\($/);
  const name = tokens.match(TYPE);
  if (!EVENT.test(name)) {
    tokens.skipStatement(name);
    return before;
  }
  tokens.match(/^\)$/);
  const part = /^\.(type|subject)$/.exec(tokens.peek() ?? '')?.[1];
  if (part !== undefined) {
    tokens.match(/./);
    tokens.match(/^=$/);
    const value = textOf(tokens.match(/^["']/));
    tokens.match(/^;$/);
    return { ...before, [part]: value };
  }
  tokens.match(/^=$/);
  tokens.match(/^\{$/);
  let event: EventOption = before ?? {};
  for (let word = tokens.match(/./); word !== '}'; word = tokens.match(/./)) {
    if (word !== 'type' && word !== 'subject') continue;
    tokens.match(/^:$/);
    event = { ...event, [word]: textOf(tokens.match(/^["']/)) };
  }
  tokens.match(/^;$/);
  return event;
}

const EVENT = /^\.?primitive\.events\.v1\.event$/;
const REQUIRED = /^\.?primitive\.events\.v1\.required$/;

function textOf(literal: string): string {
  return literal.slice(1, -1);
}

/** Parts of a message besides fields and types. */
const STATEMENTS = ['option', 'reserved', 'extensions', 'extend', ';'];

function readOneof(tokens: Tokens, fields: Field[]): void {
  tokens.match(NAME);
  tokens.match(/^\{$/);
  for (let word = tokens.match(/./); word !== '}'; word = tokens.match(/./)) {
    if (word === 'option' || word === ';') tokens.skipStatement(word);
    else fields.push(readField(tokens, word, true));
  }
}

function readField(tokens: Tokens, first: string, isPart: boolean): Field {
  const hasLabel = LABELS.includes(first) && tokens.peek() !== '=';
  let type = hasLabel ? tokens.match(TYPE) : first;
  const isMap = type === 'map' && tokens.peek() === '<';
  if (isMap) {
    for (const part of [/^<$/, TYPE, /^,$/]) tokens.match(part);
    type = tokens.match(TYPE);
    tokens.match(/^>$/);
  }
  const name = tokens.match(NAME);
  for (const part of [/^=$/, /^\w+$/]) tokens.match(part);
  const { jsonName, isRequired } = readOptions(tokens);
  return {
    name: jsonName ?? jsonNameOf(name),
    declared: name,
    isRequired,
    type,
    label: isMap ? 'map' : first === 'repeated' && hasLabel ? 'many' : 'one',
    isOptional: isPart || (first === 'optional' && hasLabel),
  };
}

const LABELS = ['optional', 'repeated', 'required'];

/** Goes to the end of a field; returns its `json_name`, if it has one, and whether it is required in events. */
function readOptions(tokens: Tokens): {
  readonly jsonName: string | undefined;
  readonly isRequired: boolean;
} {
  let jsonName: string | undefined;
  let isRequired = false;
  let depth = 0;
  for (let word = tokens.match(/./); word !== ';' || depth > 0; word = tokens.match(/./)) {
    if (word === '[' || word === '{') depth += 1;
    if (word === ']' || word === '}') depth -= 1;
    if (depth === 1 && REQUIRED.test(word)) {
      for (const part of [/^\)$/, /^=$/]) tokens.match(part);
      isRequired = tokens.match(/^(?:true|false)$/) === 'true';
    }
    if (word !== 'json_name' || depth !== 1) continue;
    tokens.match(/^=$/);
    jsonName = textOf(tokens.match(/^["']/));
  }
  return { jsonName, isRequired };
}

/** As protobuf derives it: `order_line` -> `orderLine`. */
function jsonNameOf(name: string): string {
  return name.replace(/_+([A-Za-z0-9]?)/g, (_, next: string) => next.toUpperCase());
}

function readEnum(tokens: Tokens, scope: string, types: Map<string, Declared>): void {
  const name = within(scope, tokens.match(NAME));
  const values: string[] = [];
  tokens.match(/^\{$/);
  for (let word = tokens.match(/./); word !== '}'; word = tokens.match(/./)) {
    if (NAME.test(word) && tokens.peek() === '=') values.push(word);
    tokens.skipStatement(word);
  }
  types.set(name, { kind: 'enum', values });
}

function within(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}

/** The full name of a type of the file, as protobuf looks for it: from the innermost scope outwards; undefined for others. */
export function resolveType({ types }: ProtoFile, type: string, scope: string): string | undefined {
  if (type.startsWith('.')) return types.has(type.slice(1)) ? type.slice(1) : undefined;
  const parts = scope.split('.');
  for (let length = parts.length; length >= 0; length -= 1) {
    const name = [...parts.slice(0, length), type].join('.');
    if (types.has(name)) return name;
  }
  return undefined;
}
