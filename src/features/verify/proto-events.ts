import { PrimitiveError } from '../../core/errors.ts';
import { readProtoFile } from '../../kinds/generators/connect/proto-file.ts';
import { type EventSchema, eventSchema } from '../../kinds/generators/events/events.ts';
import type { ProtoModule } from './proto-files.ts';

/** Something about events that buf does not know, because options say it. */
interface EventChange {
  readonly rule: 'EVENT_NO_DELETE' | 'EVENT_SAME_MESSAGE' | 'EVENT_FIELD_REQUIRED';
  readonly message: string;
  /** Below the root of the files. */
  readonly path: string;
}

/**
 * Events that consumers were made for and that are not sent any more, are of another message, or may lack a field that was
 * required. Files that cannot be read here are the matter of buf.
 */
export function eventChanges(
  before: ProtoModule['files'],
  now: ProtoModule['files'],
): readonly EventChange[] {
  const later = [...now].flatMap(([path, bytes]) => schemaOf(path, bytes) ?? []);
  const laterTypes = new Map(later.flatMap(({ events }) => events.map((one) => [one.type, one.message])));
  const laterFields = new Map(later.flatMap(({ messages }) => [...messages]));
  return [...before].flatMap(([path, bytes]): readonly EventChange[] => {
    const schema = schemaOf(path, bytes);
    if (schema === undefined) return [];
    const lost = schema.events.flatMap(({ type, message }): readonly EventChange[] => {
      const found = laterTypes.get(type);
      if (found === message) return [];
      return found === undefined
        ? [{ rule: 'EVENT_NO_DELETE', message: `Event ${type} is not declared any more.`, path }]
        : [{ rule: 'EVENT_SAME_MESSAGE', message: `Event ${type} is ${found}, and was ${message}.`, path }];
    });
    // Of older files all fields count as required, whatever their owner thinks of them.
    if (schema.isOlder) return lost;
    const loosened = [...schema.messages].flatMap(([name, fields]) =>
      fields
        .filter(({ isRequired }) => isRequired)
        .filter(
          (field) =>
            laterFields.get(name)?.find(({ declared }) => declared === field.declared)?.isRequired === false,
        )
        .map((field): EventChange => {
          const message = `Field "${field.declared}" on message "${name}" is not required in events any more.`;
          return { rule: 'EVENT_FIELD_REQUIRED', message, path };
        }),
    );
    return [...lost, ...loosened];
  });
}

function schemaOf(path: string, bytes: Uint8Array): EventSchema | undefined {
  try {
    return eventSchema(readProtoFile(new TextDecoder().decode(bytes), path));
  } catch (error) {
    if (error instanceof PrimitiveError) return undefined;
    throw error;
  }
}
