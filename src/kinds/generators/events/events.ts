import { hash } from 'node:crypto';
import { type MessageField, messagesWithin } from '../connect/messages.ts';
import type { ProtoFile } from '../connect/proto-file.ts';

/** An event of a proto file: a message that is sent as the data of a CloudEvent. */
export interface ProtoEvent {
  /** Of the CloudEvent. */
  readonly type: string;
  /** Full name of the message. */
  readonly message: string;
  /** Path of the id in the data, as fields of JSON; undefined if it is not said. */
  readonly subject: string | undefined;
}

/** The events of a proto file, and the messages in them. */
export interface EventSchema {
  readonly package: string;
  /** Whether the file declares none, and they are known by their names. */
  readonly isOlder: boolean;
  /** Sorted by type. */
  readonly events: readonly ProtoEvent[];
  /** Full name -> fields, of all messages that are in events; sorted. */
  readonly messages: ReadonlyMap<string, readonly MessageField[]>;
}

/**
 * The events that a proto file declares by the option `(primitive.events.v1.event)`. In a file without any, from before there
 * was that option, they are NAMECreated and NAMERenamed of a message NAME, and all of their fields are required.
 */
export function eventSchema(file: ProtoFile): EventSchema {
  const declared = [...file.types].flatMap(([message, type]): readonly ProtoEvent[] =>
    type.kind === 'message' && type.event !== undefined
      ? [{ type: type.event.type ?? message, message, subject: type.event.subject }]
      : [],
  );
  const isOlder = declared.length === 0;
  const events = isOlder ? olderEvents(file) : declared;
  const messages = [
    ...messagesWithin(
      file,
      events.map(({ message }) => message),
    ),
  ].map(
    ([name, fields]) =>
      [
        name,
        fields.map((field) => ({
          ...field,
          isRequired: field.isRequired || (isOlder && field.label === 'one' && !field.isOptional),
        })),
      ] as const,
  );
  return {
    package: file.package,
    isOlder,
    events: [...events].sort((a, b) => (a.type < b.type ? -1 : 1)),
    messages: new Map(messages),
  };
}

function olderEvents({ types }: ProtoFile): readonly ProtoEvent[] {
  return [...types].flatMap(([message, type]) => {
    const entity = /^(.+)(?:Created|Renamed)$/.exec(message)?.[1] ?? '';
    if (type.kind !== 'message' || types.get(entity)?.kind !== 'message') return [];
    const [only, ...others] = type.fields;
    const subject = others.length === 0 && only !== undefined ? `${only.name}.id` : undefined;
    return [{ type: message, message, subject }];
  });
}

/** SHA-256 of the events and their fields, in hex: order, comments and numbers do not count. */
export function eventsDigest({ events, messages }: EventSchema): string {
  const fields = [...messages].map(([name, list]) => [
    name,
    [...list]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name: field, type, message, label, isOptional, isRequired }) => [
        field,
        message ?? type,
        label,
        isOptional,
        isRequired,
      ]),
  ]);
  return hash('sha256', JSON.stringify([events, fields]), 'hex');
}
