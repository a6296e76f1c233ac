import { PrimitiveError } from '../../../core/errors.ts';
import type { MessageField } from '../connect/messages.ts';
import { readProtoFile } from '../connect/proto-file.ts';
import { type EventSchema, eventSchema } from '../events/events.ts';
import type { ModelSettings } from './model.ts';

/**
 * Compares the events that become messages of a process with those that a proto file declares: of the package of that file, each
 * must be there, and have the fields of its correlation and variables. `shown` is the path of the file in messages.
 *
 * Throws `generator-input`, and `proto-invalid` for the file (exit 2).
 */
export function checkSourceEvents(proto: string, shown: string, { events = {} }: ModelSettings): void {
  const schema = eventSchema(readProtoFile(proto, shown));
  const faults = Object.entries(events).flatMap(([type, { correlation, variables = {} }]) => {
    const event = schema.events.find((one) => one.type === type);
    if (event === undefined)
      return type.startsWith(`${schema.package}.`) ? [`${type} is not one of its events`] : [];
    return [correlation, ...Object.values(variables)]
      .filter((path) => path !== undefined)
      .filter(
        (path) => path.startsWith('data.') && !hasField(path.split('.').slice(1), event.message, schema),
      )
      .map((path) => `${path} is no field of ${type}`);
  });
  if (faults.length === 0) return;
  throw new PrimitiveError('generator-input', `primitive.yaml names events that ${shown} does not declare.`, {
    why: faults.sort().join('\n'),
    suggestions: ['Correct `bpmn.events` in primitive.yaml.'],
  });
}

/** Whether a path leads to a field; what is in maps, lists and types of other files is not known. */
function hasField([name, ...rest]: readonly string[], message: string, schema: EventSchema): boolean {
  const field = schema.messages.get(message)?.find((one) => one.name === name);
  if (field === undefined) return false;
  if (rest.length === 0 || field.label !== 'one') return true;
  return field.message === undefined ? isForeign(field) : hasField(rest, field.message, schema);
}

function isForeign({ type, isEnum }: MessageField): boolean {
  return !isEnum && type.includes('.');
}
