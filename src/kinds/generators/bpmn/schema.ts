import type { ModdleElement, Warning } from 'bpmn-moddle';
import type { Fault } from './fault.ts';
import { plainXml } from './plain.ts';
import { below, type XmlElement } from './xml.ts';

/** Warnings that are looked into; each takes time. */
const MAX_WARNINGS = 200;

/** Elements that a model may have, the diagram apart: each that is not known takes time. */
const MAX_ELEMENTS = 10_000;

/** What the descriptors of BPMN and Zeebe do not know in a document, or find wrong in it. */
export async function schemaFaults(root: XmlElement): Promise<readonly Fault[]> {
  const plain = plainXml(root);
  if (plain.count > MAX_ELEMENTS) {
    const message = `it has ${plain.count} elements, more than ${MAX_ELEMENTS}`;
    return [{ code: 'bpmn-too-large', at: root, message, fix: 'Split the process with call activities.' }];
  }
  const [{ BpmnModdle }, { default: zeebe }] = await Promise.all([
    import('bpmn-moddle'),
    import('zeebe-bpmn-moddle/resources/zeebe.json', { with: { type: 'json' } }),
  ]);
  const { warnings } = await new BpmnModdle({ zeebe }).fromXML(plain.text, 'bpmn:Definitions');
  const byId: ById = new Map([...below(root)].map((element) => [element.attributes.get('id'), element]));
  return warnings.slice(0, MAX_WARNINGS).map((warning) => {
    const [, column, nested] = UNPARSABLE.exec(warning.message) ?? [];
    if (nested === undefined) return wrongValue(warning, byId, root);
    // The place of a text is its end.
    const at = plain.at(Number(column) - (nested.startsWith('unexpected body text') ? 1 : 0));
    const message = `${at.name}: ${nested.replace(/\s+/g, ' ').slice(0, 200)}`;
    const [, code = 'bpmn-element-unknown', fix = UNKNOWN] =
      IDS.find(([begin]) => nested.startsWith(begin)) ?? [];
    return { code, at, message, fix };
  });
}

/** How what is found in ids begins; the code and what to do. */
const IDS = [
  ['duplicate ID', 'bpmn-id-duplicate', 'Give one of the elements another id.'],
  [
    'illegal ID',
    'bpmn-id-invalid',
    'Begin the id with a letter or _, and go on with letters, digits, _, - and dots.',
  ],
] as const;

const UNPARSABLE = /^unparsable content .* detected\n\tline: 0\n\tcolumn: (\d+)\n\tnested error: (.*)$/s;

type ById = ReadonlyMap<string | undefined, XmlElement>;

function wrongValue(warning: Warning, byId: ById, root: XmlElement): Fault {
  const at = locate(warning, byId) ?? root;
  if (warning.message.startsWith('unresolved reference')) {
    const message = `${warning.property ?? at.name} refers to ${warning.value}, which is not there`;
    const fix = 'Connect the element again in the modeler, or remove it.';
    return REPEATED.includes(warning.property ?? '')
      ? { code: 'bpmn-reference-ignored', at, message, fix, level: 'warning' }
      : { code: 'bpmn-reference', at, message, fix };
  }
  return {
    code: 'bpmn-attribute-unknown',
    at,
    message: `${at.name} has an ${warning.message}`,
    fix: UNKNOWN,
  };
}

/** Says again what sequence flows say, for modelers; Zeebe goes by the flows. */
const REPEATED: readonly string[] = ['bpmn:incoming', 'bpmn:outgoing'];

const UNKNOWN =
  'Correct the spelling, or remove it: neither BPMN 2.0 nor Zeebe has this there. What is a tool of your own belongs into a namespace of its own.';

/** The element that the descriptors' reader speaks of; one without an id is the first of its kind that has the value. */
function locate({ element, property, value }: Warning, byId: ById): XmlElement | undefined {
  if (element === undefined) return undefined;
  if (element.id !== undefined) return byId.get(element.id);
  const around = byId.get(ancestorId(element));
  if (around === undefined) return undefined;
  const same = [...below(around)].filter(({ name }) => name.toLowerCase() === element.$type.toLowerCase());
  return same.find(({ attributes }) => attributes.get(property ?? '') === value) ?? same[0] ?? around;
}

function ancestorId(element: ModdleElement): string | undefined {
  for (let at = element.$parent; at !== undefined; at = at.$parent) if (at.id !== undefined) return at.id;
  return undefined;
}
