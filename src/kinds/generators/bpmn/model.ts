import { byKey } from '../../../core/order.ts';
import type { PrimitiveFile } from '../../../repository/primitive-document.ts';
import { type ModelFault, quoted, type Report } from './fault.ts';
import { goIdentifier, isExported } from './identifiers.ts';
import { messageNames, THROWING, type Used } from './messages.ts';
import { below, childrenOf, extensionsOf, idOf, type XmlElement } from './xml.ts';

/** A job of a worker. */
export interface JobType {
  readonly type: string;
  /** Part of Go identifiers. */
  readonly identifier: string;
  /** Ids of the elements whose jobs have the type; sorted. */
  readonly elements: readonly string[];
}

/** A message that a process waits for or is started by. */
export interface MessageType {
  readonly name: string;
  /** Part of Go identifiers. */
  readonly identifier: string;
  /** FEEL expressions, sorted; none for messages that only start processes. */
  readonly correlationKeys: readonly string[];
  /** Ids of the elements that wait for it; sorted. */
  readonly elements: readonly string[];
}

/** An error that the model catches, so that a job may end with it. */
export interface ErrorCode {
  readonly code: string;
  /** Part of Go identifiers. */
  readonly identifier: string;
  /** Ids of the elements that catch it; sorted. */
  readonly elements: readonly string[];
}

/** An event of another service that becomes a message, as `primitive.yaml` says. */
export interface EventType {
  readonly type: string;
  readonly message: string;
  /** Paths in the event. */
  readonly correlation?: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** The data of the executable processes of a file, for code. */
export interface Model {
  /** Sorted. */
  readonly processIds: readonly string[];
  /** Sorted by type; without those of Camunda's connectors, whose runtime does them, and those of other workers. */
  readonly jobs: readonly JobType[];
  /** Ids of the elements whose job type is an expression, which no one can know before; sorted. */
  readonly computed: readonly string[];
  /** Sorted by name. Those whose name is an expression are not among them. */
  readonly messages: readonly MessageType[];
  /** Sorted by type. */
  readonly events: readonly EventType[];
  /** Sorted by code. */
  readonly errors: readonly ErrorCode[];
}

/** The part `bpmn` of a `primitive.yaml`. */
export type ModelSettings = NonNullable<PrimitiveFile['bpmn']>;

/** Namespaces of engines that read other extensions than Zeebe does. */
const OTHER_ENGINES: ReadonlyMap<string, string> = new Map([
  ['camunda', 'Camunda 7'],
  ['activiti', 'Activiti'],
  ['flowable', 'Flowable'],
]);

/** Written by Camunda's own Web Modeler beside what is for Zeebe. */
const WEB_MODELER = 'camunda:diagramRelationId';

/** Tasks that are jobs unless they have one of the extensions; null if they need not be anything. */
const TASKS: ReadonlyMap<string, readonly string[] | null> = new Map([
  ['bpmn:serviceTask', []],
  ['bpmn:sendTask', []],
  ['bpmn:scriptTask', ['zeebe:script']],
  ['bpmn:businessRuleTask', ['zeebe:calledDecision']],
  ['bpmn:adHocSubProcess', null],
]);

const LISTENERS = ['zeebe:executionListener', 'zeebe:taskListener'];
/** Job types that Camunda keeps for its connectors: their runtime does those jobs. */
const CONNECTOR = /^io\.camunda[.:]/;

/** The model of a document and its faults; a model with faults is incomplete. */
export function readModel(
  root: XmlElement,
  { names = {}, exclude = [], events = {} }: ModelSettings,
): {
  readonly model: Model;
  readonly faults: readonly ModelFault[];
} {
  const faults: ModelFault[] = [];
  const fault: Report = (at, code, message, fix, level) => {
    faults.push({ code: `bpmn-${code}`, at, message, fix, ...(level && { level }) });
  };
  const empty: Model = { processIds: [], jobs: [], computed: [], messages: [], events: [], errors: [] };
  if (root.name !== 'bpmn:definitions') {
    const message = `the root element is ${root.name.slice(0, 80)}, not definitions of BPMN 2.0`;
    fault(root, 'not-bpmn', message, NO_BPMN);
    return { model: empty, faults };
  }
  if (checkEngine(root, fault) === 'other') return { model: empty, faults };
  const processes = executable(root, fault);
  const processIds = processes.map(({ attributes }) => attributes.get('id') ?? '');
  const types = processes.map((process) => jobTypes(process, fault));
  const own = types
    .flatMap(({ used }) => used)
    .filter(({ name }) => !CONNECTOR.test(name) && !exclude.includes(name));
  const waited = processes.flatMap((process) => messageNames(root, process, fault));
  const caught = processes.flatMap((process) => errorCodes(root, process));
  // Elements that several processes share do not begin with the id of one.
  const naming: Naming = { processId: processIds.length === 1 ? (processIds[0] ?? '') : '', names, fault };
  const known = new Set([...types.flatMap(({ used }) => used), ...waited, ...caught].map(({ name }) => name));
  for (const name of [...Object.keys(names), ...exclude].filter((one) => !known.has(one))) {
    const message = `primitive.yaml names ${quoted(name)}, which the model does not have`;
    fault(root, 'setting-unused', message, 'Correct `bpmn` in primitive.yaml, or remove it there.');
  }
  const jobs = named(own, 'job type', naming).map(({ name, identifier, elements }) => ({
    type: name,
    identifier,
    elements,
  }));
  const messages = named(waited, 'message', naming).map(({ used, ...message }) => ({
    ...message,
    correlationKeys: sortedUnique(used.flatMap(({ correlationKey }) => correlationKey ?? [])),
  }));
  const errors = named(caught, 'error code', naming).map(({ name, identifier, elements }) => ({
    code: name,
    identifier,
    elements,
  }));
  const computed = sortedUnique(types.flatMap((type) => type.computed));
  const mapped = eventTypes(root, events, messages, fault);
  const model = { processIds: processIds.toSorted(), jobs, computed, messages, events: mapped, errors };
  return { model, faults };
}

/** The events that become messages which the model has. */
function eventTypes(
  root: XmlElement,
  events: NonNullable<ModelSettings['events']>,
  messages: readonly MessageType[],
  fault: Report,
): readonly EventType[] {
  return Object.entries(events)
    .sort(byKey)
    .flatMap(([type, { message, correlation, variables = {} }]) => {
      const known = messages.find(({ name }) => name === message);
      if (known === undefined) {
        const unknown = `primitive.yaml maps ${quoted(type)} to the message ${quoted(message)}, which the model does not have`;
        fault(
          root,
          'setting-unused',
          unknown,
          'Correct `bpmn.events` in primitive.yaml, or remove it there.',
        );
        return [];
      }
      const isCorrelated = known.correlationKeys.length > 0;
      if (isCorrelated !== (correlation !== undefined)) {
        const fix = isCorrelated
          ? 'Give the path of the correlation key in the event, such as `correlation: data.order.id`.'
          : 'Remove `correlation`: the message only starts processes.';
        const wrong = `the message ${quoted(message)} of the event ${quoted(type)} has ${isCorrelated ? 'a' : 'no'} correlation key`;
        fault(root, 'event-correlation', wrong, fix);
        return [];
      }
      return [{ type, message: known.identifier, correlation, variables }];
    });
}

const FOR_ZEEBE =
  'Convert the model to Camunda 8: extensions in the namespace http://camunda.org/schema/zeebe/1.0, such as zeebe:taskDefinition.';
const NO_BPMN = 'Give a file that a BPMN modeler saved, with the ending .bpmn.';

/** Which engine a model is for; what another one's tool left in a model for Zeebe is a warning per name. */
function checkEngine(root: XmlElement, fault: Report): 'zeebe' | 'other' {
  let isForZeebe = root.attributes.get('modeler:executionPlatform') === 'Camunda Cloud';
  const foreign = new Map<string, XmlElement>();
  for (const at of below(root)) {
    for (const name of [at.name, ...at.attributes.keys()]) {
      const prefix = name.slice(0, Math.max(0, name.indexOf(':')));
      isForZeebe ||= prefix === 'zeebe';
      if (OTHER_ENGINES.has(prefix) && name !== WEB_MODELER && !foreign.has(name)) foreign.set(name, at);
    }
  }
  const [first] = foreign;
  if (!isForZeebe && first !== undefined) {
    const [name, at] = first;
    const engine = OTHER_ENGINES.get(name.slice(0, name.indexOf(':')));
    fault(at, 'other-engine', `the model is for ${engine}`, FOR_ZEEBE);
    return 'other';
  }
  for (const [name, at] of foreign) {
    fault(at, 'foreign', `${name} has no meaning in Zeebe`, 'Remove it if nothing else reads it.', 'warning');
  }
  return 'zeebe';
}

/** All are deployed with the file. Of a collaboration the other pools are only drawn. */
function executable(root: XmlElement, fault: Report): readonly XmlElement[] {
  const processes = childrenOf(root, 'bpmn:process');
  const found = processes.filter(({ attributes }) => attributes.get('isExecutable')?.trim() === 'true');
  if (processes.length === 0) {
    fault(root, 'process-missing', 'the model has no process', 'Add a process, and make it executable.');
  } else if (found.length === 0) {
    const fix = 'Set isExecutable="true" on the process.';
    fault(processes[0] ?? root, 'not-executable', 'no process is executable', fix);
  }
  for (const process of found.filter(({ attributes }) => !attributes.get('id'))) {
    fault(process, 'process-id', 'the process has no id', 'Give the process an id.');
  }
  return found;
}

function jobTypes(
  process: XmlElement,
  fault: Report,
): { readonly used: readonly Used[]; readonly computed: readonly string[] } {
  const used: Used[] = [];
  const computed: string[] = [];
  const add = (at: XmlElement) => {
    const type = at.attributes.get('type')?.trim() ?? '';
    const element = idOf(at) ?? '';
    if (type === '') {
      fault(at, 'job-type-missing', `${at.name} has no type`, 'Give it a type.');
    } else if (type.startsWith('=')) {
      const message = `the job type ${quoted(type)} is an expression: no handler is generated`;
      const fix = 'Register the handlers of its values by hand, in Registry of internal/handlers.';
      fault(at, 'job-type-expression', message, fix, 'warning');
      computed.push(element);
    } else {
      used.push({ name: at.attributes.get('type') ?? '', at, element });
    }
  };
  for (const element of below(process)) {
    if (LISTENERS.includes(element.name)) add(element);
    const [definition, second] = extensionsOf(element, 'zeebe:taskDefinition');
    if (definition === undefined) checkNoJob(element, fault);
    else if (isThrowingMessage(element) || TASKS.has(element.name)) add(definition);
    else {
      const message = `${element.name} is no job: its task definition has no meaning in Zeebe`;
      const fix = 'Remove it, or make the element a service task.';
      fault(definition, 'task-definition-ignored', message, fix, 'warning');
    }
    if (second !== undefined) {
      fault(second, 'task-definition-twice', 'the element has two task definitions', 'Remove one of them.');
    }
  }
  return { used, computed };
}

/** An element without a task definition must not need one. */
function checkNoJob(element: XmlElement, fault: Report): void {
  const instead = isThrowingMessage(element) ? [] : TASKS.get(element.name);
  if (!instead || instead.some((extension) => extensionsOf(element, extension).length > 0)) return;
  const either = instead.length > 0 ? 'neither' : 'no';
  const message = `${element.name} has ${either} ${['zeebe:taskDefinition', ...instead].join(' nor ')}`;
  const fix = 'Give it a job type: <zeebe:taskDefinition type="reserve-stock" /> in its extensionElements.';
  fault(element, 'task-definition-missing', message, fix);
}

function isThrowingMessage(element: XmlElement): boolean {
  return THROWING.includes(element.name) && childrenOf(element, 'bpmn:messageEventDefinition').length > 0;
}

/** The codes that boundary events and event subprocesses catch; not those that are expressions. */
function errorCodes(root: XmlElement, process: XmlElement): readonly Used[] {
  const errors = new Map(childrenOf(root, 'bpmn:error').map((at) => [at.attributes.get('id'), at]));
  return [...below(process)].flatMap((definition): Used[] => {
    const { name, parent, attributes } = definition;
    if (name !== 'bpmn:errorEventDefinition' || parent === undefined || THROWING.includes(parent.name))
      return [];
    const at = errors.get(attributes.get('errorRef'));
    const code = at?.attributes.get('errorCode')?.trim() ?? '';
    return at === undefined || code === '' || code.startsWith('=')
      ? []
      : [{ name: code, at, element: idOf(parent) ?? '' }];
  });
}

interface Named {
  readonly name: string;
  readonly identifier: string;
  readonly elements: readonly string[];
  readonly used: readonly Used[];
}

interface Naming {
  readonly processId: string;
  /** Identifiers that `primitive.yaml` gives. */
  readonly names: Readonly<Record<string, string>>;
  readonly fault: Report;
}

/** One entry per name, in the order of the names' code units. */
function named(
  all: readonly Used[],
  what: 'job type' | 'message' | 'error code',
  { processId, names, fault }: Naming,
): readonly Named[] {
  const code = what.replace(' ', '-') as 'job-type' | 'message' | 'error-code';
  const groups = new Map<string, [Used, ...Used[]]>();
  for (const used of all) {
    const group = groups.get(used.name);
    if (group === undefined) groups.set(used.name, [used]);
    else group.push(used);
  }
  const taken = new Map<string, string>();
  return [...groups].sort(byKey).flatMap(([name, used]): Named[] => {
    const [{ at }] = used;
    const identifier = Object.hasOwn(names, name) ? names[name] : goIdentifier(name, processId);
    const fix = `Name it in primitive.yaml, which can be written before the scaffold: bpmn: { names: { ${JSON.stringify(name)}: NameInGo } }`;
    // Job types become methods, the others end in constants with a prefix.
    if (identifier === undefined || (what === 'job type' && !isExported(identifier))) {
      fault(at, `${code}-identifier`, `the ${what} ${quoted(name)} is not a valid name in Go`, fix);
      return [];
    }
    const other = taken.get(identifier);
    if (other !== undefined) {
      const message = `the ${what}s ${quoted(other)} and ${quoted(name)} both become ${identifier}`;
      fault(at, `${code}-collision`, message, fix);
      return [];
    }
    taken.set(identifier, name);
    return [{ name, identifier, elements: sortedUnique(used.map(({ element }) => element)), used }];
  });
}

function sortedUnique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
