import { quoted, type Report } from './fault.ts';
import { below, childrenOf, extensionsOf, idOf, type XmlElement } from './xml.ts';

/** Events that send: those that wait are the others. */
export const THROWING = ['bpmn:intermediateThrowEvent', 'bpmn:endEvent'];

/** A place with a name that becomes code. */
export interface Used {
  readonly name: string;
  readonly at: XmlElement;
  readonly element: string;
  readonly correlationKey?: string;
}

/**
 * The messages that a process waits for or is started by, once for each element; but for those of connectors, and names that are
 * expressions.
 */
export function messageNames(root: XmlElement, process: XmlElement, fault: Report): readonly Used[] {
  const messages = new Map(childrenOf(root, 'bpmn:message').map((at) => [at.attributes.get('id'), at]));
  return [...below(process)].filter(isCatching).flatMap((element): Used[] => {
    const at = element.name === 'bpmn:receiveTask' ? element : (element.parent ?? element);
    if (isConnector(at)) return [];
    const reference = element.attributes.get('messageRef');
    if (reference === undefined) {
      fault(at, 'message-missing', `${at.name} has no message`, 'Choose the message that it waits for.');
    }
    const message = messages.get(reference);
    // A reference to nothing is found by the schema.
    if (message === undefined) return [];
    const used = usedBy(at, message, process, fault);
    return used === undefined || used.name.startsWith('=') ? [] : [used];
  });
}

function usedBy(at: XmlElement, message: XmlElement, process: XmlElement, fault: Report): Used | undefined {
  const name = message.attributes.get('name') ?? '';
  if (name.trim() === '') {
    const fix = 'Give the message the name that it is published by.';
    fault(message, 'message-name', 'the message has no name', fix);
    return undefined;
  }
  const used = { name, at: message, element: idOf(at) ?? '' };
  if (at.name === 'bpmn:startEvent' && at.parent === process) return used;
  const [subscription] = extensionsOf(message, 'zeebe:subscription');
  const correlationKey = subscription?.attributes.get('correlationKey')?.trim();
  if (correlationKey) return { ...used, correlationKey };
  const fix = '<zeebe:subscription correlationKey="=work_id" /> in the extensionElements of the message.';
  fault(message, 'correlation-missing', `the message ${quoted(name)} has no correlation key`, fix);
  return undefined;
}

/** Connectors publish the messages that they wait for themselves, and make up their names. */
function isConnector(at: XmlElement): boolean {
  const properties = extensionsOf(at, 'zeebe:properties').flatMap((all) => childrenOf(all, 'zeebe:property'));
  return properties.some(({ attributes }) => attributes.get('name') === 'inbound.type');
}

function isCatching({ name, parent }: XmlElement): boolean {
  if (name === 'bpmn:receiveTask') return true;
  return name === 'bpmn:messageEventDefinition' && parent !== undefined && !THROWING.includes(parent.name);
}
