import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../repository/config.ts';
import { entityNames } from './entity.ts';
import { readProtoFile } from './generators/connect/proto-file.ts';
import { type EventField, type EventSchema, eventSchema, eventsDigest } from './generators/events/events.ts';
import { bundledKinds, type Kind } from './kind.ts';
import { nameForms, packageNames } from './names.ts';
import { goName } from './proto.ts';
import { renderTemplate } from './template-renderer.ts';

/** The events of a source, as templates see them. */
export interface SourceEvents {
  /** Whether they are those that a domain is scaffolded with: an entity with id, title, version and time was created or renamed. */
  readonly sample: boolean;
  /** SHA-256 of them and their fields, in hex. */
  readonly digest: string;
  /** Subject of the sample data. */
  readonly subject: string;
  /** Sorted by type. */
  readonly events: readonly {
    readonly type: string;
    /** The message in Go. */
    readonly name: string;
    /** JSON of data that has all required fields. */
    readonly sample: string;
  }[];
}

/** The proto file that a domain is scaffolded with, for one that is not there yet; without the white space at its end. */
export async function sampleProto(
  { kind, name, entity }: { readonly kind: string; readonly name: string; readonly entity: string },
  languages: Config['languages'],
): Promise<string> {
  const path = 'domain/files/proto/[proto]/service.proto.eta';
  const template = await readFile(join(bundledKinds(), path), 'utf8');
  const packages = packageNames({ kind, name }, languages);
  const it = { ...packages, names: nameForms(name), entity: entityNames(entity) };
  return renderTemplate(path, template.replaceAll('\r\n', '\n'), it).trimEnd();
}

/** A primitive whose events are taken or that is called, and what it keeps. */
export interface SourcePrimitive {
  readonly kind: string;
  readonly name: string;
  readonly entity: string;
  readonly proto: string;
  /** Of kinds that take events. */
  readonly events?: SourceEvents | undefined;
}

/** Whether primitives of a kind take the events of their source. */
export function takesEvents({ generators = [] }: Pick<Kind, 'generators'>): boolean {
  return generators.some(({ run }) => run === 'events');
}

/** SHA-256 of the events in a proto file, in hex; `shown` is its path in messages. Throws `proto-invalid` (exit 2). */
export function eventsDigestOf(proto: string, shown: string): string {
  return eventsDigest(eventSchema(readProtoFile(proto, shown)));
}

/** A domain that is not there yet, as it is scaffolded. */
export async function sampleSource(
  source: { readonly kind: string; readonly name: string; readonly entity: string },
  languages: Config['languages'],
): Promise<SourcePrimitive> {
  const proto = await sampleProto(source, languages);
  return {
    ...source,
    proto,
    events: sourceEvents(proto, `primitives/${source.kind}/${source.name}`, source.entity),
  };
}

/** Reads the events of a proto file; `shown` is its path in messages. Throws `proto-invalid` (exit 2). */
export function sourceEvents(proto: string, shown: string, entity: string): SourceEvents {
  const schema = eventSchema(readProtoFile(proto, shown));
  const sample = isSample(schema, entity);
  return {
    sample,
    digest: eventsDigest(schema),
    subject: `${sample ? entityNames(entity).kebab : 'sample'}/${ID}`,
    events: schema.events.map(({ type, message, subject }) => ({
      type,
      name: goName(message.slice(schema.package.length + 1)),
      sample: JSON.stringify(sampleOf(message, subject?.split('.') ?? [], schema, 0)),
    })),
  };
}

const ID = 'i1';

function isSample({ package: scope, events, messages }: EventSchema, entity: string): boolean {
  const { pascal } = entityNames(entity);
  const name = `${scope}.${pascal}`;
  const fields = messages
    .get(name)
    ?.map(({ name: field, type, label, isOptional }) =>
      label === 'one' && !isOptional ? `${field} ${type.replace(/^\./, '')}` : '',
    );
  const isWhole = FIELDS.every((field) => fields?.includes(field));
  return (
    isWhole &&
    ['Created', 'Renamed'].every((suffix) => {
      const event = events.find(({ message }) => message === `${name}${suffix}`);
      const field = messages.get(event?.message ?? '')?.find(({ message }) => message === name);
      return field?.label === 'one' && (field.isRequired || event?.subject !== undefined);
    })
  );
}

const FIELDS = ['id string', 'title string', 'version int64', 'createTime google.protobuf.Timestamp'];

/** The deepest that messages are within each other in a sample. */
const DEEPEST = 8;

/** Data with the required fields of a message and those that lead to the subject, which is {@link ID}. */
function sampleOf(
  message: string,
  [step, ...rest]: readonly string[],
  schema: EventSchema,
  depth: number,
): Readonly<Record<string, unknown>> {
  const fields = schema.messages.get(message) ?? [];
  return Object.fromEntries(
    fields.flatMap((field): [string, unknown][] => {
      const isStep = step !== undefined && [field.name, field.declared].includes(step);
      if ((!isStep && !field.isRequired) || depth > DEEPEST) return [];
      const one =
        field.message === undefined
          ? isStep || field.name === 'id'
            ? ID
            : scalarSample(field)
          : sampleOf(field.message, isStep ? rest : [], schema, depth + 1);
      const value = field.label === 'one' ? one : field.label === 'many' ? [one] : { a: one };
      return [[field.name, value]];
    }),
  );
}

function scalarSample({ type, isEnum }: EventField): unknown {
  if (isEnum || type === 'string') return 'First';
  if (type === 'bytes') return 'AA==';
  if (type === 'bool') return true;
  if (/^(?:u?int|s?fixed|sint)64$|\.U?Int64Value$/.test(type)) return '1';
  if (/^(?:u?int|s?fixed|sint)32$|^(?:float|double)$|\.(?:U?Int32|Float|Double)Value$/.test(type)) return 1;
  if (type.endsWith('google.protobuf.Timestamp')) return '2030-01-02T03:04:05Z';
  if (type.endsWith('google.protobuf.Duration')) return '1s';
  if (type.endsWith('google.protobuf.BoolValue')) return true;
  if (/google\.protobuf\.(?:String|Bytes)Value$|google\.protobuf\.FieldMask$/.test(type)) return 'First';
  return {};
}
