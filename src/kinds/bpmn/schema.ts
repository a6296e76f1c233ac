import type { ModdleElement, Warning } from 'bpmn-moddle';
import type { PlacedFault } from './fault.ts';
import { below, ordinalAt, type XmlElement } from './xml.ts';

/** Warnings that are looked into; each takes time. */
const MAX_WARNINGS = 200;

/** Whatever the descriptors of BPMN and Zeebe do not know in a document, or find wrong in it. */
export async function schemaFaults(text: string, root: XmlElement): Promise<readonly PlacedFault[]> {
  const [{ BpmnModdle }, { default: zeebe }] = await Promise.all([
    import('bpmn-moddle'),
    import('zeebe-bpmn-moddle/resources/zeebe.json', { with: { type: 'json' } }),
  ]);
  const { warnings } = await new BpmnModdle({ zeebe }).fromXML(text, 'bpmn:Definitions');
  const elements = [...below(root)];
  const byId = new Map(elements.map((element) => [element.attributes.get('id'), element]));
  return warnings
    .slice(0, MAX_WARNINGS)
    .map((warning) => placed(warning, text, { root, elements, byId }))
    .filter(({ at }) => !isDiagram(at));
}

interface Document {
  readonly root: XmlElement;
  readonly elements: readonly XmlElement[];
  readonly byId: ReadonlyMap<string | undefined, XmlElement>;
}

const UNPARSABLE = /^unparsable content .* detected\n\tline: (\d+)\n\tcolumn: (\d+)\n\tnested error: (.*)$/s;

function placed(warning: Warning, text: string, { root, elements, byId }: Document): PlacedFault {
  const [, line, column, nested] = UNPARSABLE.exec(warning.message) ?? [];
  if (nested !== undefined) {
    const at = elements[ordinalAt(text, { line: Number(line) + 1, column: Number(column) + 1 })] ?? root;
    const code = nested.startsWith('duplicate ID') ? 'bpmn-id-duplicate' : 'bpmn-element-unknown';
    return { code, at, message: `${at.name}: ${nested}`, fix: UNKNOWN };
  }
  const at = locate(warning, byId) ?? root;
  if (warning.message.startsWith('unresolved reference')) {
    const message = `${warning.property ?? at.name} refers to ${warning.value}, which is not there`;
    return {
      code: 'bpmn-reference',
      at,
      message,
      fix: 'Connect the element again in the modeler, or remove it.',
    };
  }
  return {
    code: 'bpmn-attribute-unknown',
    at,
    message: `${at.name} has an ${warning.message}`,
    fix: UNKNOWN,
  };
}

const UNKNOWN =
  'Correct the spelling, or remove it: neither BPMN 2.0 nor Zeebe has this there. What is a tool of your own belongs into a namespace of its own.';

/** The element that the descriptors' reader speaks of; one without an id is the first of its kind that has the value. */
function locate({ element, property, value }: Warning, byId: Document['byId']): XmlElement | undefined {
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

/** The layout decides nothing, and tools differ in it. */
const isDiagram = ({ name }: XmlElement) => /^(bpmndi|dc|di):/.test(name);
