import type { TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { nearest } from '../core/nearest.ts';
import type { Fault, YamlPath } from './fault.ts';

/** The parts of JSON Schema that our files use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** For people: what a value that fits is, such as `owner/name`. */
  readonly title?: string;
}

/**
 * The faults of data by a schema, in words for people; empty if there are none.
 *
 * TypeBox decides; this only explains, since a validator's own errors name every branch of a union and no neighbour
 * of a misspelt key.
 */
export function schemaFaults(schema: TSchema, data: unknown): readonly Fault[] {
  return Check(schema, data) ? [] : faultsOf(schema as Schema, data, []);
}

function faultsOf(schema: Schema, value: unknown, path: YamlPath): readonly Fault[] {
  if (Check(schema, value)) return [];
  const found = schema.anyOf ? unionFaults(schema.anyOf, value, path) : plainFaults(schema, value, path);
  if (found.length > 0) return found;
  return [{ path, message: `${name(path)} ${value === '' ? 'is empty' : `must be ${expectation(schema)}`}` }];
}

/** Of the branches that have the value's type, the one that fits best is what was meant. */
function unionFaults(branches: readonly Schema[], value: unknown, path: YamlPath): readonly Fault[] {
  const [best, ...others] = branches
    .filter((branch) => branch.const === undefined && branch.type === typeOf(value))
    .map((branch) => faultsOf(branch, value, path))
    .sort((a, b) => a.length - b.length);
  if (best !== undefined && (others[0] === undefined || others[0].length > best.length)) return best;
  const words = branches.flatMap(({ const: word }) => (typeof word === 'string' ? word : []));
  const meant = typeof value === 'string' ? nearest(value, words) : undefined;
  return [
    {
      path,
      message: `${name(path)} must be ${branches.map(expectation).join(' or ')}${meant ? `; did you mean ${meant}?` : ''}`,
    },
  ];
}

function plainFaults(schema: Schema, value: unknown, path: YamlPath): readonly Fault[] {
  if (schema.type !== undefined && !isType(schema.type, value)) {
    const quote = schema.type === 'string' && ['number', 'boolean'].includes(typeof value);
    const but = quote ? '; put it in quotes' : `, not ${TYPES[typeOf(value)] ?? 'this'}`;
    return [{ path, message: `${name(path)} must be ${expectation(schema)}${but}` }];
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, i) => faultsOf(items, item, [...path, i]));
  }
  return isRecord(value) ? recordFaults(schema, value, path) : [];
}

function recordFaults(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  path: YamlPath,
): readonly Fault[] {
  const { properties = {}, required = [] } = schema;
  const rest = Object.values(schema.patternProperties ?? {})[0];
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(properties, key) && rest === undefined);
  // A required key that was misspelt is one fault, not two.
  const meant = new Set(unknown.map((key) => nearest(key, Object.keys(properties))));
  const missing = required.filter((key) => !Object.hasOwn(value, key) && !meant.has(key));
  return [
    ...Object.entries(value).flatMap(([key, item]) => {
      const part = Object.hasOwn(properties, key) ? properties[key] : rest;
      return part === undefined ? [] : faultsOf(part, item, [...path, key]);
    }),
    ...unknown.map((key) => unknownKey(key, Object.keys(properties), path)),
    ...missing.map((key) => ({ path, message: `${name([...path, key])} is missing` })),
  ];
}

function unknownKey(key: string, known: readonly string[], path: YamlPath): Fault {
  const meant = nearest(key, known);
  return {
    path: [...path, key],
    atKey: true,
    code: 'unknown-key',
    message: `unknown key ${name([...path, key])}`,
    suggestion: meant === undefined ? `Known keys there: ${known.join(', ')}` : `Did you mean \`${meant}\`?`,
  };
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
  null: 'null',
};

/** Description of a valid value. */
function expectation(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map(expectation).join(' or ');
  if (schema.type === 'object' && schema.properties !== undefined) {
    return `{ ${Object.keys(schema.properties).join(', ')} }`;
  }
  if (schema.type === 'array' && (schema.minItems ?? 0) > 0) return 'a list with at least one entry';
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  if (schema.minimum !== undefined) return `at least ${schema.minimum}`;
  return TYPES[schema.type ?? ''] ?? 'something else';
}

/** `build.secrets[0].id`, or `the file` for the whole. */
function name(path: YamlPath): string {
  if (path.length === 0) return 'the file';
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return `\`${text.replace(/^\./, '')}\``;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isType(type: string, value: unknown): boolean {
  return type === 'integer' ? Number.isInteger(value) : type === typeOf(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === 'object';
}
