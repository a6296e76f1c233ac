import { byKey } from '../../../core/order.ts';
import { type Field, type ProtoFile, resolveType } from './proto-file.ts';

/** A field with what its type is in the file. */
export interface MessageField extends Field {
  /** Full name of a message of the file; undefined for all else. */
  readonly message: string | undefined;
  /** Whether it is an enum of the file. */
  readonly isEnum: boolean;
}

/** The messages that have these names, and those within them: full name -> fields, sorted. */
export function messagesWithin(
  file: ProtoFile,
  names: Iterable<string>,
): ReadonlyMap<string, readonly MessageField[]> {
  const messages = new Map<string, readonly MessageField[]>();
  const meet = (name: string): void => {
    const type = file.types.get(name);
    if (messages.has(name) || type?.kind !== 'message') return;
    const fields = type.fields.map((field) => ({ ...field, ...kindOfType(file, field.type, name) }));
    messages.set(name, fields);
    for (const { message } of fields) if (message !== undefined) meet(message);
  };
  for (const name of names) meet(name);
  return new Map([...messages].sort(byKey));
}

/** The type that a name means in a scope. */
function kindOfType(file: ProtoFile, type: string, scope: string): Pick<MessageField, 'message' | 'isEnum'> {
  const found = resolveType(file, type, scope);
  const kind = found === undefined ? undefined : file.types.get(found)?.kind;
  return { message: kind === 'message' ? found : undefined, isEnum: kind === 'enum' };
}

/** A method of a service that neither takes nor gives a stream: those that do have no JSON over HTTP. */
export interface UnaryMethod {
  readonly name: string;
  /** As calls name it: `acme.orders.v1.OrdersService/CreateOrder`. */
  readonly path: string;
  readonly request: ValueType;
  readonly response: ValueType;
}

/** A type as the file has it, and what it is there. */
export type ValueType = Pick<MessageField, 'type' | 'message' | 'isEnum'>;

/** The services of a file with their unary methods, and the messages that these need. */
export interface ServiceSchema {
  readonly package: string;
  readonly services: readonly {
    readonly name: string;
    /** With its package. */
    readonly fullName: string;
    readonly methods: readonly UnaryMethod[];
  }[];
  readonly messages: ReadonlyMap<string, readonly MessageField[]>;
}

/** The services and messages of a client; services without a unary method are left out. */
export function serviceSchema(file: ProtoFile): ServiceSchema {
  const valueType = (type: string): ValueType => ({ type, ...kindOfType(file, type, file.package) });
  const services = file.services
    .map(({ name, methods }) => {
      const fullName = file.package === '' ? name : `${file.package}.${name}`;
      const unary = methods
        .filter(({ takesMany, givesMany }) => !takesMany && !givesMany)
        .map(({ name: method, request, response }) => ({
          name: method,
          path: `${fullName}/${method}`,
          request: valueType(request),
          response: valueType(response),
        }));
      return { name, fullName, methods: unary };
    })
    .filter(({ methods }) => methods.length > 0);
  const needed = services.flatMap(({ methods }) =>
    methods.flatMap(({ request, response }) => [request.message ?? [], response.message ?? []].flat()),
  );
  return { package: file.package, services, messages: messagesWithin(file, needed) };
}
