import { PrimitiveError } from '../core/errors.ts';
import type { Config } from '../repository/config.ts';
import { entityNames } from './entity.ts';
import { type MessageField, serviceSchema } from './generators/connect/messages.ts';
import { readProtoFile } from './generators/connect/proto-file.ts';
import { pythonName } from './generators/connect/python.ts';
import { type EventSchema, eventSchema, eventsDigest } from './generators/events/events.ts';
import { goPascal } from './generators/go-messages.ts';
import { type Kind, protoCopy, templateFolders } from './kind.ts';
import { nameForms, packageNames } from './names.ts';
import { goName } from './proto.ts';
import { readTemplate } from './template.ts';
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

/**
 * The proto file that primitives of a kind are scaffolded with, for one that is not there yet, without the white space at its
 * end; undefined if they serve none.
 */
export function sampleProto(
  kind: Kind,
  { name, entity }: { readonly name: string; readonly entity: string },
  languages: Config['languages'],
): string | undefined {
  const path = kind.api;
  if (path === undefined) return undefined;
  const file = readTemplate(templateFolders(kind)).find((one) => one.path === path);
  if (file === undefined) {
    throw new PrimitiveError('kind-invalid', `Cannot read files/${path} of the kind ${kind.kind}.`, {
      why: '`api` of its kind.yaml is not one of its files',
    });
  }
  const template = new TextDecoder().decode(file.bytes);
  const packages = packageNames({ kind: kind.kind, name }, languages);
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

/** Whether primitives of a kind take the events of their source, which has to have some. */
export function takesEvents({ generators = [] }: Pick<Kind, 'generators'>): boolean {
  return generators.some(({ run }) => run === 'events');
}

/** Whether primitives of a kind record of which events of their source code was generated. */
export function recordsEvents(kind: Pick<Kind, 'generators'>): boolean {
  const copy = protoCopy(kind) ?? '';
  const readsEvents = (kind.generators ?? []).some(
    ({ run, reads }) => run === 'bpmn' && reads.includes(copy),
  );
  return takesEvents(kind) || readsEvents;
}

/** SHA-256 of the events in a proto file, in hex; `shown` is its path in messages. Throws `proto-invalid` (exit 2). */
export function eventsDigestOf(proto: string, shown: string): string {
  return eventsDigest(eventSchema(readProtoFile(proto, shown)));
}

/** The service of a source that is called, as templates see it. */
export interface SourceApi {
  /** With its package: `acme.domain.orders.v1.OrdersService`. */
  readonly path: string;
  /** As the generated client calls it, in Go and in Python. */
  readonly service: string;
  readonly pythonService: string;
  /** Whether it has the methods that a domain is scaffolded with, to create an entity and to get it. */
  readonly sample: boolean;
  /** The path of a method: of a sample the one that creates, else the first. */
  readonly method: string;
  /** Of responses with one entity, in Go. */
  readonly field: string;
}

/** The first service of a proto file that can be called; `shown` is its path in messages. Throws `proto-invalid` (exit 2). */
export function sourceApi(proto: string, shown: string, entity: string): SourceApi | undefined {
  const { package: scope, services, messages } = serviceSchema(readProtoFile(proto, shown));
  const [service] = services;
  if (service === undefined) return undefined;
  const { pascal, snake } = entityNames(entity);
  const has = (message: string | undefined, ...fields: readonly string[]) => {
    const known = messages
      .get(message ?? '')
      ?.map(({ label, declared, type }) => `${label} ${declared} ${type}`);
    return fields.every((field) => known?.includes(field) === true);
  };
  const method = (name: string) => service.methods.find((one) => one.name === name);
  const [create, get] = [method(`Create${pascal}`), method(`Get${pascal}`)];
  const sample =
    service.fullName.startsWith(`${scope}.`) &&
    has(create?.request.message, 'one request_id string', 'one title string') &&
    has(create?.response.message, `one ${snake} ${pascal}`) &&
    has(get?.request.message, 'one id string') &&
    has(get?.response.message, `one ${snake} ${pascal}`) &&
    has(`${scope}.${pascal}`, ...FIELDS.map((field) => `one ${field.replace('createTime', 'create_time')}`));
  const called = (sample ? create : undefined) ?? service.methods[0];
  const names = {
    path: service.fullName,
    service: goPascal(service.name),
    pythonService: pythonName(service.name),
    field: goPascal(snake),
  };
  return { ...names, method: called?.path ?? service.fullName, sample };
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

function scalarSample({ type, isEnum }: MessageField): unknown {
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
