import { type Fault, quoted, type Report } from './fault.ts';
import { goIdentifier } from './identifiers.ts';
import { messageNames, THROWING, type Used } from './messages.ts';
import { below, childrenOf, extensionsOf, idOf, type XmlElement } from './xml.ts';

/** What a worker has to do. */
export interface JobType {
  readonly type: string;
  /** Part of Go identifiers. */
  readonly identifier: string;
  /** Ids of the elements whose jobs have the type; sorted. */
  readonly elements: readonly string[];
}

/** What a process waits for, or is started by. */
export interface MessageType {
  readonly name: string;
  /** Part of Go identifiers. */
  readonly identifier: string;
  /** FEEL expressions, sorted; none for messages that only start processes. */
  readonly correlationKeys: readonly string[];
  /** Ids of the elements that wait for it; sorted. */
  readonly elements: readonly string[];
}

/** What code has to know of the one process of a file. */
export interface Model {
  readonly processId: string;
  /** Sorted by type; without those of Camunda's connectors, whose runtime does them. */
  readonly jobs: readonly JobType[];
  /** Sorted by name. Those whose name is an expression are not among them: no one can know it before. */
  readonly messages: readonly MessageType[];
}

/** Namespaces of engines that read other extensions than Zeebe does. */
const OTHER_ENGINES: ReadonlyMap<string, string> = new Map([
  ['camunda', 'Camunda 7'],
  ['activiti', 'Activiti'],
  ['flowable', 'Flowable'],
]);

/** Tasks that are jobs unless they have one of the extensions; null where they need not be anything. */
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

/** What a document says, and all that is wrong with it; a model with faults is not whole. */
export function readModel(root: XmlElement): {
  readonly model: Model;
  readonly faults: readonly Fault[];
} {
  const faults: Fault[] = [];
  const fault: Report = (at, code, message, fix) => {
    faults.push({ code: `bpmn-${code}`, at, message, fix });
  };
  const empty: Model = { processId: '', jobs: [], messages: [] };
  const foreign = otherEngine(root);
  if (foreign !== undefined) {
    fault(foreign.at, 'other-engine', `the model is for ${foreign.engine}`, FOR_ZEEBE);
    return { model: empty, faults };
  }
  if (root.name !== 'bpmn:definitions') {
    fault(
      root,
      'not-bpmn',
      `the root element is ${root.name.slice(0, 80)}, not definitions of BPMN 2.0`,
      NO_BPMN,
    );
    return { model: empty, faults };
  }
  const process = oneProcess(root, fault);
  if (process === undefined) return { model: empty, faults };
  const processId = process.attributes.get('id') ?? '';
  if (processId === '') fault(process, 'process-id', 'the process has no id', 'Give the process an id.');
  const types = jobTypes(process, fault);
  const names = messageNames(root, process, fault);
  const own = types.filter(({ name }) => !CONNECTOR.test(name));
  if (own.length === 0 && faults.length === 0)
    fault(process, 'no-jobs', 'no element is a job for a worker', NO_JOBS);
  const jobs = named(own, 'job type', processId, fault).map(({ name, identifier, elements }) => ({
    type: name,
    identifier,
    elements,
  }));
  const messages = named(names, 'message', processId, fault).map(({ used, ...message }) => ({
    ...message,
    correlationKeys: sortedUnique(used.flatMap(({ correlationKey }) => correlationKey ?? [])),
  }));
  return { model: { processId, jobs, messages }, faults };
}

const FOR_ZEEBE =
  'Convert the model to Camunda 8: extensions in the namespace http://camunda.org/schema/zeebe/1.0, such as zeebe:taskDefinition.';
const NO_BPMN = 'Give a file that a BPMN modeler saved, with the ending .bpmn.';
const NO_JOBS = 'Give a service task a job type: <zeebe:taskDefinition type="reserve-stock" />.';

function otherEngine(root: XmlElement): { readonly at: XmlElement; readonly engine: string } | undefined {
  let isForZeebe = false;
  for (const at of below(root)) {
    for (const name of [at.name, ...at.attributes.keys()]) {
      const prefix = name.slice(0, Math.max(0, name.indexOf(':')));
      const engine = OTHER_ENGINES.get(prefix);
      if (engine !== undefined) return { at, engine };
      isForZeebe ||= prefix === 'zeebe';
    }
  }
  const isMeant = root.attributes.get('modeler:executionPlatform') === 'Camunda Platform';
  return isMeant && !isForZeebe ? { at: root, engine: 'Camunda 7' } : undefined;
}

/** Of a collaboration the other pools are only drawn. */
function oneProcess(root: XmlElement, fault: Report): XmlElement | undefined {
  const processes = childrenOf(root, 'bpmn:process');
  const executable = processes.filter(({ attributes }) => attributes.get('isExecutable')?.trim() === 'true');
  const [process, ...others] = executable;
  if (processes.length === 0) {
    fault(root, 'process-missing', 'the model has no process', 'Draw a process, and make it executable.');
  } else if (process === undefined) {
    fault(
      processes[0] ?? root,
      'not-executable',
      'no process is executable',
      'Set isExecutable="true" on the process.',
    );
  }
  for (const other of others) {
    const first = idOf(process);
    fault(
      other,
      'processes',
      `there is another executable process, ${first}`,
      'Move each process into a primitive.',
    );
  }
  return others.length === 0 ? process : undefined;
}

function jobTypes(process: XmlElement, fault: Report): readonly Used[] {
  const used: Used[] = [];
  const add = (at: XmlElement) => {
    const type = at.attributes.get('type')?.trim() ?? '';
    if (type === '') {
      fault(at, 'job-type-missing', `${at.name} has no type`, 'Give it a type.');
    } else if (type.startsWith('=')) {
      const message = `the job type ${quoted(type)} is an expression`;
      fault(
        at,
        'job-type-expression',
        message,
        'Write the job type as it is: only then is there code for it.',
      );
    } else {
      used.push({ name: at.attributes.get('type') ?? '', at, element: idOf(at) ?? '' });
    }
  };
  for (const element of below(process)) {
    const [definition, second] = extensionsOf(element, 'zeebe:taskDefinition');
    if (definition !== undefined) add(definition);
    if (second !== undefined) {
      fault(second, 'task-definition-twice', 'the element has two task definitions', 'Remove one of them.');
    }
    if (LISTENERS.includes(element.name)) add(element);
    if (definition === undefined) checkNoJob(element, fault);
    else if (!isThrowingMessage(element) && !TASKS.has(element.name)) {
      const message = `${element.name} has a task definition, and is no job`;
      const fix = 'Remove it, or make the element a service task.';
      fault(definition, 'task-definition-misplaced', message, fix);
    }
  }
  return used;
}

/** What has no task definition must not need one. */
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

interface Named {
  readonly name: string;
  readonly identifier: string;
  readonly elements: readonly string[];
  readonly used: readonly Used[];
}

/** One entry per name, in the order of the names' code units. */
function named(all: readonly Used[], what: string, processId: string, fault: Report): readonly Named[] {
  const code = what.replace(' ', '-');
  const groups = new Map<string, [Used, ...Used[]]>();
  for (const used of all) {
    const group = groups.get(used.name);
    if (group === undefined) groups.set(used.name, [used]);
    else group.push(used);
  }
  const taken = new Map<string, string>();
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, used]): Named[] => {
      const [{ at }] = used;
      const identifier = goIdentifier(name, processId);
      if (identifier === undefined) {
        const message = `the ${what} ${quoted(name)} makes no name in Go`;
        fault(at, `${code}-identifier`, message, `Begin the ${what} with a letter that has an upper case.`);
        return [];
      }
      const other = taken.get(identifier);
      if (other !== undefined) {
        const message = `the ${what}s ${quoted(other)} and ${quoted(name)} both become ${identifier}`;
        fault(at, `${code}-collision`, message, `Let the ${what}s differ in more than punctuation and case.`);
        return [];
      }
      taken.set(identifier, name);
      return [{ name, identifier, elements: sortedUnique(used.map(({ element }) => element)), used }];
    });
}

function sortedUnique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
